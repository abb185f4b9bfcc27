"""Checks again and again whether ticket holders may still watch, since a right can be withdrawn while its ticket is valid.

This module does not know the database, which `amphi.audience.rights` reads: in one thread, together for all who ask at the same time,
and at most once in `REMEMBER_S` for each.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from amphi.audience.exceptions import LogUnavailableError
from amphi.system.tickets import PLATFORM, Ticket

log = logging.getLogger(__name__)

REMEMBER_S = 5.0
"""How old an answer may be, in seconds."""
GATHER_S = 0.05
"""From one read to the next where many ask, in seconds: when a hall comes back, a read for each few of them would take more than all else."""
OURS = "s"
"""The viewer of the platform's own tickets."""


class Claim(NamedTuple):
    """The claim of a ticket: its holder may watch an event, or see it again, and gave its password if it had one.

    Attributes:
        event_id: the event.
        viewer: who, as tickets name them.
        password_mark: a mark of the password that was given.
        replay_id: the replay that it is for; 0 for the live.
        epoch: of the account's tickets; see `Ticket`.
    """

    event_id: int
    viewer: str
    password_mark: str
    replay_id: int = 0
    epoch: int = 0


def claim_of(ticket: Ticket) -> Claim:
    """The claim of `ticket`."""
    return Claim(ticket.event_id, ticket.viewer, ticket.password_mark, ticket.replay_id, ticket.epoch)


def _is_ours(claim: Claim) -> bool:
    """Whether a claim is the platform's own, which nobody withdraws."""
    return claim.viewer == OURS or claim.event_id == PLATFORM


class Rights:
    """Decides who may still watch.

    Args:
        read: returns the refused claims among some claims; raises `LogUnavailableError`.
    """

    def __init__(self, read: Callable[[Collection[Claim]], AbstractSet[Claim]]) -> None:
        self._read = read
        self._known: dict[Claim, tuple[bool, float]] = {}
        self._asked: dict[Claim, asyncio.Future[bool]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rights")

    async def allows(self, claim: Claim) -> bool:
        """Whether a claim is valid now."""
        if _is_ours(claim):
            return True
        good, read_at = self._known.get(claim, (False, float("-inf")))
        if time.monotonic() - read_at < REMEMBER_S:
            return good
        future = self._asked.get(claim)
        if future is None:
            future = self._asked[claim] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())
        return await asyncio.shield(future)

    async def refused(self, claims: Collection[Claim]) -> AbstractSet[Claim]:
        """Those of many claims that are not valid now: one read, and no turn of the event loop for each."""
        asked = {claim for claim in claims if not _is_ours(claim)}
        found = await self._refused(asked)
        now = time.monotonic()
        self._known.update((claim, (claim not in found, now)) for claim in asked)
        return found

    def finish(self, call: Callable[[], object]) -> None:
        """Make one last call in the reading thread, for example to close its connection."""
        self._thread.submit(call)
        self._thread.shutdown(wait=False)

    async def _read_all(self) -> None:
        while self._asked:
            batch, self._asked = self._asked, {}
            refused = await self._refused(batch)
            now = time.monotonic()
            self._known = {
                claim: known for claim, known in self._known.items() if now - known[1] < REMEMBER_S
            }
            for claim, future in batch.items():
                self._known[claim] = (claim not in refused, now)
                future.set_result(claim not in refused)
            if self._asked:
                await asyncio.sleep(GATHER_S)

    async def _refused(self, claims: Collection[Claim]) -> AbstractSet[Claim]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, claims)
        except LogUnavailableError as error:
            # A restart of the database must not interrupt viewers.
            log.warning("who may watch can't be read: %s", error)
            return {claim for claim in claims if not self._known.get(claim, (True, 0.0))[0]}
