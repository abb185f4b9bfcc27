"""Who listens in this process, and how many may: in all, from one address, of one viewer."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from amphi.audience.claims import Claim
from amphi.audience.exceptions import TooManyFromOneAddressError, TooManyListenersError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a hub carries and how long it waits."""

    listeners: int = 10_000
    per_viewer: int = 6
    per_address: int = 2_000
    backlog: int = 512
    batch_s: float = 0.2
    keep_alive_s: float = 15.0
    slow_s: float = 20.0
    count_s: float = 5.0
    rights_s: float = 15.0


class Listener:
    """One open stream.

    Args:
        claim: what the ticket says: whose it is, and of which event.
        cursor: the last message that the listener has, or None for one who has none and wants only new ones.
        expires_at: by the loop's clock, in seconds.
        address: the network that it comes from; empty where it is not counted.
    """

    def __init__(self, claim: Claim, cursor: int | None, expires_at: float, address: str = "") -> None:
        self.claim = claim
        self.event_id = claim.event_id
        self.viewer = claim.viewer
        self.cursor = cursor
        self.expires_at = expires_at
        self.address = address
        self.farewell = ""
        self.closing = False
        self.dropped = False
        self.idle = False
        self.written_at = 0.0
        self.task: asyncio.Task[object] | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the stream look again."""
        self._woken.set()

    def close(self, farewell: str = "") -> None:
        """End the stream at its next step, and tell the page why if it should know."""
        self.farewell = self.farewell or farewell
        self.closing = True
        self._woken.set()

    async def rest(self) -> None:
        """Wait until there may be something to do."""
        self.idle = True
        await self._woken.wait()
        self._woken.clear()
        self.idle = False


class Crowd:
    """The open streams.

    Args:
        limits: how many there may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.listeners: set[Listener] = set()
        self._by_viewer: dict[str, list[Listener]] = {}
        self._by_address: Counter[str] = Counter()

    def enter(self, listener: Listener) -> None:
        """Take a listener. Of one viewer's streams the oldest ends when there are too many: it may be a dead one.

        Raises:
            TooManyListenersError: there are as many as there may be.
            TooManyFromOneAddressError: or as many from this address.
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
        """Forget a listener."""
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
        return dict(
            Counter(event_id for event_id, _ in {(one.event_id, one.viewer) for one in self.listeners})
        )
