"""Measures the processor time of a job."""

import time
from collections import deque
from collections.abc import Iterable

import psutil

WINDOW_S = 10.0


class ProcessLoad:
    """The CPU time of process trees, over a sliding window."""

    def __init__(self) -> None:
        self._spent_s: dict[tuple[int, float], float] = {}
        self._points: deque[tuple[float, float]] = deque()

    def sample(self, roots: Iterable[int | None], *, extra_s: float = 0.0) -> None:
        """Take a sample. Call this every few seconds: it looks at all processes of the machine.

        Args:
            roots: the ids of the topmost processes; None is skipped.
            extra_s: CPU seconds since the start that other processes spent for the job.
        """
        for root in roots:
            if root is not None:
                self._sample_tree(root)
        self._points.append((time.monotonic(), sum(self._spent_s.values()) + extra_s))
        while self._points[-1][0] - self._points[0][0] > WINDOW_S and len(self._points) > 2:  # noqa: PLR2004 -- two make a slope
            self._points.popleft()

    def _sample_tree(self, root: int) -> None:
        try:
            top = psutil.Process(root)
            tree = [top, *top.children(recursive=True)]
        except psutil.Error:
            return
        for process in tree:
            try:
                times = process.cpu_times()
                # The time of a process stays counted after its end.
                self._spent_s[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue

    @property
    def cores(self) -> float:
        """CPU seconds per second: 1.0 is one core."""
        if len(self._points) < 2:  # noqa: PLR2004 -- two make a slope
            return 0.0
        (begin, spent), (end, spent_now) = self._points[0], self._points[-1]
        return max(0.0, (spent_now - spent) / (end - begin)) if end > begin else 0.0
