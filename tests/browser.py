"""A real Chromium for tests of pages.

Playwright's synchronous interface runs an event loop in the thread that uses it, which neither Django's database nor other
tests' event loops bear: it has a thread of its own here.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from amphi.system.vendor import library
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

TIMEOUT_MS = 60_000
Look = tuple[int, Literal["light", "dark"]]
LOOKS: Sequence[Look] = ((1280, "light"), (320, "dark"))


# What turns for as long as one waits is drawn sixty times a second, and nothing is held to how it looks on the way.
STILL = """
  const still = new CSSStyleSheet();
  still.replaceSync("*, ::before, ::after { animation-iteration-count: 0 !important }");
  document.adoptedStyleSheets.push(still);
"""


# Controls that fade away are half as bright on the way: those of a player stay as they are, and what moves comes to its end.
AXE = """async within => {
  const players = [...document.querySelectorAll("media-controller")].map(one => [one, one.autohide]);
  for (const [player] of players) player.autohide = -1;
  const moving = document.getAnimations().filter(one => one instanceof CSSTransition);
  await Promise.allSettled(moving.map(one => one.finished));
  const found = await axe.run(within || document, { resultTypes: ["violations"] });
  for (const [player, autohide] of players) player.autohide = autohide;
  return found;
}"""


class Chromium:
    """One browser, driven from a thread of its own."""

    def __init__(self, pool: ThreadPoolExecutor, browser: Browser) -> None:
        self._pool = pool
        self._browser = browser

    def context(self, **options: Any) -> BrowserContext:
        """A fresh context; in the browser's thread."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(STILL)
        return context

    @contextmanager
    def visitor(self, **options: Any) -> Iterator[Callable[[Callable[[BrowserContext], Any]], Any]]:
        """A fresh context until the block is left: what is given calls a function with it, in the browser's thread."""
        context = self._pool.submit(self.context, **options).result()
        refused: list[str] = []

        def note(line: ConsoleMessage) -> None:
            if "'Trusted" in line.text:
                refused.append(line.text)

        self._pool.submit(context.on, "console", note).result()
        try:
            yield lambda step: self._pool.submit(step, context).result()
        finally:
            self._pool.submit(context.close).result()
        # Every page holds its policy of Trusted Types, also where a page goes on without what it refused.
        assert refused == []

    def run(self, visit: Callable[[BrowserContext], Any], **options: Any) -> Any:
        """Call `visit` with a fresh context, in the browser's thread, and give what it returns."""
        with self.visitor(**options) as step:
            return step(visit)


@contextmanager
def running(*arguments: str) -> Iterator[Chromium]:
    """A browser that runs until the block is left, with more of Chromium's arguments if wanted."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="chromium") as pool:
        playwright = pool.submit(lambda: sync_playwright().start()).result()
        try:
            browser = pool.submit(
                playwright.chromium.launch, executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, *arguments]
            ).result()
            try:
                yield Chromium(pool, browser)
            finally:
                pool.submit(browser.close).result()
        finally:
            pool.submit(playwright.stop).result()


# In the middle of a fade, as that of a player's tooltip, axe reads texts that are neither shown nor hidden.
AT_REST = """() => [document, ...[...document.querySelectorAll("*")].map(one => one.shadowRoot).filter(Boolean)].every(root =>
  root.getAnimations().every(one => one.transitionProperty !== "opacity" || one.playState !== "running"))"""


def axe_violations(page: Page, within: str = "") -> list[str]:
    """What axe finds wrong with the page as it stands, or with one element of it, one line each."""
    page.wait_for_function(AT_REST)
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(Path(library("axe-core/axe.min.js")).read_text(encoding="utf-8"))
    results = page.evaluate(AXE, within or None)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def faults(page: Page, looks: Sequence[Look] = LOOKS, *, script: str = "") -> list[str]:
    """What is wrong with the page, wide and narrow, light and dark; `script` runs in each."""
    found: list[str] = []
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        if script:
            page.evaluate(script)
        found += [f"{width} {scheme} {line}" for line in axe_violations(page)]
        root = "document.documentElement"
        if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
            found.append(f"{width} {scheme} wider than the screen")
    return found
