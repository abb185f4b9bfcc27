"""Requests that wait for something new."""

import asyncio


class Waiting:
    """Something that changes, and those who wait for that."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def changed(self) -> asyncio.Future[None]:
        """A future that is done at the next change. Pass it to `forget` afterwards."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        return waiter

    def forget(self, waiter: asyncio.Future[None]) -> None:
        """Stop waiting."""
        self._waiters.discard(waiter)

    @property
    def blocked(self) -> int:
        """The number of waiting requests."""
        return len(self._waiters)

    def wake(self) -> None:
        """Wake all waiting requests, so that they check again."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
