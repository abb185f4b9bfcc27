"""Lets Python sleep under libfaketime 0.9.10, whose `clock_nanosleep` refuses every time once it leaves the monotonic clock alone."""

import _thread
import time


def _sleep(seconds: float) -> None:
    """Wait for a lock that nobody gives back."""
    lock = _thread.allocate_lock()
    lock.acquire()
    lock.acquire(timeout=max(0.0, seconds))


time.sleep = _sleep
