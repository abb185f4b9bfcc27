"""How often one viewer or one address may do something.

It is counted in this process, in windows of time, so that a count costs nothing and is forgotten by itself. What must hold over all
processes is counted in the database instead.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable


class Pace:
    """Lets each key do so much in a window of time.

    Args:
        most: how much in one window.
        window_s: how long a window is.
        clock: tells the time, in seconds.
    """

    def __init__(self, most: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._began = float("-inf")
        self._done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, key: str, number: int = 1) -> int:
        """How many of `number` are allowed now; they count as done."""
        with self._lock:
            now = self._clock()
            if now - self._began >= self._window_s:
                self._began = now
                self._done.clear()
            allowed = max(0, min(number, self._most - self._done[key]))
            self._done[key] += allowed
            return allowed
