"""Whose the machine was while something was measured."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

LOOK_EVERY_S = 1.0
A_MACHINE_OF_ITS_OWN = 0.15
"""The most that others may take of all processors' time for measured times to tell of the code."""


class Share:
    """How much of the processors' time others took; read `others` when the block is left.

    Processes come and go, so what each of ours has used is noted every second: what one uses after its last look counts as others'.
    """

    def __init__(self) -> None:
        self.others = 0.0
        self._used_s: dict[tuple[int, float], float] = {}

    def look(self) -> None:
        """Note what this process and its descendants have used so far."""
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            try:
                times = process.cpu_times()
                key = (process.pid, process.create_time())
            except psutil.NoSuchProcess:
                continue
            self._used_s[key] = times.user + times.system

    def ours_s(self) -> float:
        return sum(self._used_s.values())


def _busy_s() -> float:
    """What all processes of the machine have used, and what other machines on the same hardware took."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


@contextmanager
def shared() -> Iterator[Share]:
    """Watch who uses the machine until the block is left."""
    share, ended = Share(), threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_EVERY_S):
            share.look()

    share.look()
    ours_s, busy_s, began = share.ours_s(), _busy_s(), time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield share
    finally:
        ended.set()
        watcher.join()
        share.look()
        others_s = _busy_s() - busy_s - (share.ours_s() - ours_s)
        share.others = others_s / ((time.monotonic() - began) * (psutil.cpu_count() or 1))
