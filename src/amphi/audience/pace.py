"""Limits how often one viewer or one address may do something.

Counted in this process, in windows of time: counting is cheap, and old counts disappear by themselves. Limits that must hold for all
processes together are counted in the database instead.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable


class Pace:
    """Limits what each key may do in a window of time.

    Args:
        most: the limit in one window.
        window_s: the length of a window, in seconds.
        clock: returns the time in seconds.
    """

    def __init__(self, most: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._began = float("-inf")
        self._done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, key: str, number: int = 1) -> int:
        """How many of `number` are allowed now; these are then counted."""
        with self._lock:
            now = self._clock()
            if now - self._began >= self._window_s:
                self._began = now
                self._done.clear()
            allowed = max(0, min(number, self._most - self._done[key]))
            self._done[key] += allowed
            return allowed
