"""Kills parts of a running demo, and measures how long it takes until what the platform says is true again. Needs Django set up."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from django.db import connection

from amphi.webinars.models import State
from tests.demo.running import RunningDemo, start
from tests.reliability import second
from tests.reliability.demo_webinar import DemoWebinar, Parts, make_webinar, wait_until

PARTS = ("web", "worker", "gateway", "origin")
HOLDS_S = 8.0
"""A live that is back must stay for so long: longer than the supervisor needs to see that nothing comes."""


@dataclass(frozen=True)
class Cell:
    """What was measured.

    Attributes:
        part: what was killed; ``all`` is everything with the classroom, ``amphi`` everything without it; see also `second.KILLED`.
        state: in which state.
        became: the state that it came to.
        seconds: from the kill until what the platform says was true again, and stayed so.
        gap_s: the longest time in which listeners got no new media, from the kill on; None where the live was to stop.
    """

    part: str
    state: str
    became: str
    seconds: float
    gap_s: float | None


class Gap:
    """The longest time without new media, as a listener sees it."""

    def __init__(self, webinar: DemoWebinar) -> None:
        self._webinar = webinar
        self._ended = threading.Event()
        self.longest_s = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        last, at = self._webinar.mark(), time.monotonic()
        while not self._ended.wait(0.2):
            mark, now = self._webinar.mark(), time.monotonic()
            self.longest_s = max(self.longest_s, now - at)
            if mark is not None and mark != last:
                last, at = mark, now
        connection.close()

    def begin(self) -> None:
        """Count from now on."""
        self.longest_s = 0.0

    @contextmanager
    def watched(self) -> Iterator["Gap"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join(20)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _until_live(webinar: DemoWebinar, since: float) -> float:
    """The moment from which on it is live and stays so."""
    while True:
        wait_until(lambda: webinar.is_live_again(since), "live again")
        back = time.time()
        while webinar.is_live_again(since) and time.time() < back + HOLDS_S:
            time.sleep(0.2)
        if time.time() >= back + HOLDS_S and webinar.advances():
            return back


def measure(webinar: DemoWebinar, parts: Parts, part: str, state: str) -> Cell:
    """Kill `part` (or ``amphi``, its four parts at once) in `state` and wait until all is true again."""
    names = PARTS if part == "amphi" else (part,)
    with Gap(webinar).watched() as gap:
        with webinar.in_state(State(state), parts):
            old = {name: parts.get(name) for name in names}
            left_over = [child for process in old.values() for child in process.children(recursive=True)]
            gap.begin()
            killed_at = time.time()
            _kill(old.values())
        for name, process in old.items():
            wait_until(lambda n=name, p=process: parts.is_back(n, p), f"{name} runs again")
        _, alive = psutil.wait_procs(left_over, timeout=60)
        assert not alive, f"{part} left processes behind: {alive}"
        if state == State.STOPPING:
            wait_until(webinar.is_stopped, "stopped")
            back = time.time()
        else:
            back = _until_live(webinar, time.time())
    became = str(webinar.state)
    longest_s = None if state == State.STOPPING else round(gap.longest_s, 1)
    return Cell(part, state, became, round(back - killed_at, 1), longest_s)


def measure_pair(
    webinar: DemoWebinar, parts: Parts, other: second.SecondGateway, part: str, state: str
) -> Cell:
    """Kill what `part` says of two gateways, in `state`, and wait until both film again."""
    with Gap(webinar).watched() as gap:
        killed_at = second.kill(webinar, parts, other, part, State(state), on_kill=gap.begin)
        back = _until_live(webinar, time.time())
    return Cell(part, state, str(webinar.state), round(back - killed_at, 1), round(gap.longest_s, 1))


def _run_pairs(webinar: DemoWebinar, parts: Parts, cells: list[tuple[str, str]]) -> Iterator[Cell]:
    """Measure cells of two gateways, and see that both leave when the live is stopped."""
    if not cells:
        return
    # A live gets its second gateway when it starts.
    webinar.bring_to_stopped()
    with second.SecondGateway(FPS="10", WARM="0").named() as other:
        for part, state in cells:
            yield measure_pair(webinar, parts, other, part, state)
        second.stop(webinar, parts, other)


def measure_reboot(demo: RunningDemo, webinar: DemoWebinar, state: str) -> tuple[RunningDemo, Cell]:
    """Kill everything, the meeting server too, and start it again: the meeting is gone, so the live is to stop."""
    with webinar.in_state(State(state), Parts(demo)):
        everything = [*demo.descendants(), psutil.Process(demo.process.pid)]
        _kill(everything)
        psutil.wait_procs(everything, timeout=20)
    demo.wait()
    webinar.close()
    killed_at = time.time()
    again = start(demo.var, port=demo.port, **demo.settings)
    again.wait_until_ready()
    wait_until(webinar.is_stopped, "stopped")
    return again, Cell("all", state, str(webinar.state), round(time.time() - killed_at, 1), None)


def run(demo: RunningDemo, cells: list[tuple[str, str]]) -> tuple[RunningDemo, list[Cell]]:
    """Measure `cells`, one after the other, on one webinar; the demo is another one after ``all``."""
    webinar = DemoWebinar(demo, make_webinar())
    measured: list[Cell] = []
    try:
        for cell in _run_pairs(webinar, Parts(demo), [one for one in cells if one[0] in second.KILLED]):
            sys.stderr.write(f"{cell}\n")
            measured.append(cell)
        for part, state in [one for one in cells if one[0] not in second.KILLED]:
            if part == "all":
                demo, cell = measure_reboot(demo, webinar, state)
                webinar = DemoWebinar(demo, webinar.row())
            else:
                cell = measure(webinar, Parts(demo), part, state)
            sys.stderr.write(f"{cell}\n")
            measured.append(cell)
    except BaseException:
        sys.stderr.write(f"state: {webinar.state}\n{demo.said}{demo.logs()}")
        demo.stop()
        raise
    finally:
        webinar.close()
    return demo, measured
