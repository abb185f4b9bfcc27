"""Real browsers at a live page: how far behind the live they are, and for how long their picture stood still."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests import browser

# What the player itself says of the delay, and whether the picture moved, ten times a second.
LOOK = """() => {
  const video = document.getElementById("video");
  const look = window.look = { delays: [], stillMs: 0, watchedMs: 0, stalls: 0 };
  let before = performance.now(), place = video.currentTime, still = 0;
  setInterval(() => {
    const now = performance.now(), passed = now - before;
    before = now;
    look.watchedMs += passed;
    if (video.currentTime === place) still += passed;
    else {
      if (still > 300) { look.stalls += 1; look.stillMs += still; }
      still = 0;
    }
    place = video.currentTime;
    const delay = Number(video.dataset.latency);
    if (Number.isFinite(delay)) look.delays.push(delay);
  }, 100);
}"""
PLAYS = "() => document.getElementById('video').currentTime > 2"


def figures(looks: list[dict[str, Any]]) -> dict[str, object]:
    """Of all browsers together: delays in seconds, stalls, and the share of the time that pictures stood still."""
    delays = sorted(delay for look in looks for delay in look["delays"])
    watched_ms = sum(look["watchedMs"] for look in looks)
    return {
        "delay_p50_s": round(statistics.median(delays), 2),
        "delay_p99_s": round(delays[int(0.99 * (len(delays) - 1))], 2),
        "stalls": sum(look["stalls"] for look in looks),
        "stalled_percent": round(100 * sum(look["stillMs"] for look in looks) / watched_ms, 2),
        "watched_s": round(watched_ms / 1000),
    }


class Watchers:
    """Browsers that watch: `begin` begins a measurement, `end` gives its figures."""

    def __init__(self, step: Any, pages: list[Page]) -> None:
        self._step, self._pages = step, pages

    def begin(self) -> None:
        """Load the page anew, wait until the picture moves, and look on."""
        for one in self._pages:
            self._step(lambda _, one=one: one.reload(wait_until="domcontentloaded"))
            self._step(lambda _, one=one: one.wait_for_function(PLAYS))
        self.look()

    def look(self) -> None:
        """Forget what was measured, and measure from now on."""
        for one in self._pages:
            self._step(lambda _, one=one: one.evaluate(LOOK))

    def end(self) -> dict[str, object]:
        """The figures since the beginning."""
        return figures([self._step(lambda _, one=one: one.evaluate("window.look")) for one in self._pages])

    def alone(self, seconds: float) -> dict[str, object]:
        """The figures of so many seconds in an empty house."""
        self.begin()
        time.sleep(seconds)
        return self.end()


@contextmanager
def watching(page: str, count: int, *arguments: str) -> Iterator[Watchers]:
    """So many pages of one Chromium, each a window of its own, until the block is left."""

    def open_one(context: BrowserContext) -> Page:
        one = context.new_page()
        one.goto(page, wait_until="domcontentloaded")
        return one

    with browser.running(*arguments) as chromium, chromium.visitor(locale="fr") as step:
        yield Watchers(step, [step(open_one) for _ in range(count)])
