"""A publisher's share of the processor: all publishers and listeners live on one event loop, and none may take it."""

import asyncio
from time import monotonic, thread_time

TURN_S = 0.005
"""After so much work others have their turn."""
SHARE = 0.1
"""What one publisher may take of the processor in the long run. Ten megabits a second, properly cut, take a hundredth."""
BURST_S = 0.2
"""How far one may be ahead of its share: a publisher begins with a burst, and goes on with one after a jam."""
LONGEST_PAUSE_S = 1.0


class Share:
    """One publisher's use of the processor. Who is ahead of its share is read more slowly, until its own network holds it back."""

    def __init__(self) -> None:
        self._used_s = 0.0
        self._at = monotonic()
        self._turn_began = thread_time()

    def begin(self) -> None:
        """A turn begins: what was worked before was not for this publisher."""
        self._turn_began = thread_time()

    async def give_way(self) -> None:
        """Let others have their turn if this one has lasted long enough."""
        worked_s = thread_time() - self._turn_began
        if worked_s >= TURN_S:
            await asyncio.sleep(self.pause_s(worked_s, monotonic()))
            self.begin()

    async def end(self) -> None:
        """The turn ends; wait if that was more than the share."""
        pause_s = self.pause_s(thread_time() - self._turn_began, monotonic())
        if pause_s:
            await asyncio.sleep(pause_s)

    def pause_s(self, worked_s: float, now: float) -> float:
        """How long to wait after a turn, in seconds.

        Args:
            worked_s: the processor time of the turn.
            now: the monotonic time.
        """
        self._used_s = max(0.0, self._used_s - SHARE * (now - self._at)) + worked_s
        self._at = now
        return min(LONGEST_PAUSE_S, max(0.0, self._used_s - BURST_S) / SHARE)
