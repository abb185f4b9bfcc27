"""The open streams of this process, and their limits: in total, per address, per viewer."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from amphi.audience.claims import Claim
from amphi.audience.exceptions import TooManyFromOneAddressError, TooManyListenersError

BACK_MS = (1_000, 3_000)
"""After how long a browser that lost its stream comes back, in ms: a random time, so that not all come at once."""
BEGINS_MS, ONE_BACK_MS = 0.4, 1.1
"""So much longer for each listener of a process that stops: to end the streams and begin anew, and until the next one comes."""
LAST_BACK_MS = 12_000
Write = Callable[[bytes], bool]
"""Writes a chunk of an answer at once; False when the line takes nothing now."""


def back_ms(listeners: int) -> int:
    """After how long, in ms, one of so many who lose their stream together is to come back; a random time."""
    first, last = BACK_MS
    first = min(LAST_BACK_MS // 3, first + round(BEGINS_MS * listeners))
    last = min(LAST_BACK_MS, first + max(last - BACK_MS[0], round(ONE_BACK_MS * listeners)))
    return random.randint(first, last)  # noqa: S311 -- spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits and times of a hub; names that end in ``_s`` are in seconds."""

    listeners: int = 10_000
    per_viewer: int = 6
    per_address: int = 2_000
    backlog: int = 512
    batch_s: float = 0.2
    keep_alive_s: float = 15.0
    slow_s: float = 20.0
    count_s: float = 5.0
    rights_s: float = 15.0
    longest_batch_s: float = 0.7
    writing: float = 0.2

    def period_s(self, wrote_s: float) -> float:
        """From one batch for everybody to the next, after one that took so long to write.

        Writing takes `writing` of the time: so a large hall is written to less often, and still less often where processors are busy,
        which would otherwise be full of ever smaller batches. Above `longest_batch_s` it takes more, half at most.
        """
        return max(self.batch_s, min(self.longest_batch_s, wrote_s / self.writing), 2 * wrote_s)


class Listener:
    """One open stream.

    Args:
        claim: the claim of its ticket.
        cursor: the number of the last message that the listener has; None for a new one, who wants only new messages.
        expires_at: when the ticket expires, by the event loop's clock, in seconds.
        address: its network address; empty when it is not counted.
        aside: it is no viewer: a presenter's desk, or a page of another site in which nobody has pressed play yet.
    """

    def __init__(
        self, claim: Claim, cursor: int | None, expires_at: float, address: str = "", *, aside: bool = False
    ) -> None:
        self.claim = claim
        self.event_id = claim.event_id
        self.viewer = claim.viewer
        self.cursor = cursor
        self.expires_at = expires_at
        self.address = address
        self.aside = aside
        self.farewell = ""
        self.back_ms = 0
        self.closing = False
        self.dropped = False
        self.idle = False
        self.written_at = 0.0
        self.task: asyncio.Task[object] | None = None
        self.write: Write | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Have the stream check for new messages."""
        self._woken.set()

    def close(self, farewell: str = "", back_ms: int = 0) -> None:
        """End the stream at its next step.

        Args:
            farewell: tells the page why, if it is not empty.
            back_ms: after how long the browser is to come back, if it is not what the stream's beginning said.
        """
        self.farewell = self.farewell or farewell
        self.back_ms = back_ms
        self.closing = True
        self._woken.set()

    async def rest(self) -> None:
        """Wait for `wake` or `close`."""
        self.idle = True
        await self._woken.wait()
        self._woken.clear()
        self.idle = False


class Crowd:
    """The open streams.

    Args:
        limits: the largest numbers.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.listeners: set[Listener] = set()
        self._by_viewer: dict[str, list[Listener]] = {}
        self._by_address: Counter[str] = Counter()

    def enter(self, listener: Listener) -> None:
        """Add a listener. When a viewer has too many streams, the oldest is ended: it may be a dead connection.

        Raises:
            TooManyListenersError: the process has its largest number of streams.
            TooManyFromOneAddressError: this address has its largest number of streams.
        """
        if len(self.listeners) >= self._limits.listeners:
            raise TooManyListenersError
        if listener.address and self._by_address[listener.address] >= self._limits.per_address:
            raise TooManyFromOneAddressError
        self.listeners.add(listener)
        self._by_address[listener.address] += 1
        of_viewer = self._by_viewer.setdefault(listener.viewer, [])
        of_viewer.append(listener)
        if len(of_viewer) > self._limits.per_viewer:
            of_viewer.pop(0).close("elsewhere")

    def leave(self, listener: Listener) -> None:
        """Remove a listener."""
        self.listeners.discard(listener)
        self._by_address[listener.address] -= 1
        if not self._by_address[listener.address]:
            del self._by_address[listener.address]
        of_viewer = self._by_viewer.get(listener.viewer, [])
        if listener in of_viewer:
            of_viewer.remove(listener)
        if not of_viewer:
            self._by_viewer.pop(listener.viewer, None)

    def viewers(self) -> dict[int, int]:
        """How many different viewers each event has."""
        return {event_id: len(viewers) for event_id, viewers in self.present().items()}

    def present(self) -> dict[int, set[str]]:
        """The viewers of each event."""
        found: dict[int, set[str]] = {}
        for listener in self.listeners:
            if listener.aside:
                continue
            found.setdefault(listener.event_id, set()).add(listener.viewer)
        return found
