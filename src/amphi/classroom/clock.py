"""The classroom's time, which a test can make run faster."""

import asyncio
import time


class Clock:
    """Wall-clock time that runs `speed` times as fast as the real one.

    Args:
        speed: 1 for real time. A higher speed lets a test of hours run in seconds; every delay of the classroom follows it.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._epoch_s = time.time()
        self._started_s = time.monotonic()

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._epoch_s + (time.monotonic() - self._started_s) * self.speed

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s` seconds of this clock."""
        await asyncio.sleep(delay_s / self.speed)
