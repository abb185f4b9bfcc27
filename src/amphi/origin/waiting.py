"""Requests that wait for something new."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, NamedTuple, Protocol

AT_ONCE = 200
"""So many requests are answered in one turn of the event loop: some milliseconds, in which nothing is received."""


class Turn:
    """What may still be done in this turn of the event loop."""

    def __init__(self) -> None:
        self._left = AT_ONCE

    def is_over(self) -> bool:
        """Count one request. Returns whether others have their turn now: then wait for `next`."""
        self._left -= 1
        return self._left <= 0

    async def next(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(0)
        self._left = AT_ONCE


class Caller(Protocol):
    """Requests that wait together; its length is their number."""

    def __len__(self) -> int: ...

    async def call(self, turn: Turn) -> None:
        """Something changed: answer, or wait again."""


class Waiting:
    """Something that changes, and those who wait for that: as futures, or as callers, which cost less."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()
        # In the order in which they came.
        self._callers: dict[Caller, None] = {}
        self._calling: set[asyncio.Task[None]] = set()

    def changed(self) -> asyncio.Future[None]:
        """A future that is done at the next change. Pass it to `forget` afterwards."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        return waiter

    def forget(self, waiter: asyncio.Future[None]) -> None:
        """Stop waiting."""
        self._waiters.discard(waiter)

    def call_at_change(self, caller: Caller) -> None:
        """Call this at the next change, once, unless it is given to `forget_caller` before."""
        self._callers[caller] = None

    def forget_caller(self, caller: Caller) -> None:
        """Don't call this any more; it may be called once more, if the change was just now."""
        self._callers.pop(caller, None)

    @property
    def blocked(self) -> int:
        """The number of waiting requests."""
        return len(self._waiters) + sum(map(len, self._callers))

    def wake(self) -> None:
        """Wake all waiting requests, so that they check again."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._callers:
            # Those who are few first: nobody waits long for them, and behind a thousand they would always be the last.
            callers, self._callers = sorted(self._callers, key=len), {}
            task = asyncio.get_running_loop().create_task(_call(callers))
            self._calling.add(task)
            task.add_done_callback(self._calling.discard)


async def _call(callers: list[Caller]) -> None:
    turn = Turn()
    for caller in callers:
        await caller.call(turn)


class Blocked(NamedTuple):
    """A request that blocks until something new is there (RFC 8216bis, 6.2.5.2).

    Attributes:
        source: what must change.
        seconds: for how long it blocks at most.
    """

    source: Waiting
    seconds: float


async def gave_up() -> MutableMapping[str, Any]:
    """Stands for the messages of a client whose request has blocked for as long as it may."""
    raise NotImplementedError("it is not to be called")


class WouldWaitError(Exception):
    """The answer is not there yet, or somebody must be asked.

    Attributes:
        blocked: what must change first, and for how long at most; None when somebody must be asked.
    """

    def __init__(self, blocked: Blocked | None = None) -> None:
        super().__init__()
        self.blocked = blocked
