"""Whether those who hold a ticket may still watch: asked again while they do, since a right can be withdrawn within its ticket's life.

Nothing here knows the database, which `amphi.audience.rights` reads: in one thread, for all who ask at the same time together, and
for each of them once in `REMEMBER_S` at most.
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
"""How old an answer may be."""
OURS = "s"
"""The viewer of the platform's own tickets."""


class Claim(NamedTuple):
    """What a ticket claims: that its holder may watch an event, whose password they gave if it had one."""

    event_id: int
    viewer: str
    password_mark: str


def claim_of(ticket: Ticket) -> Claim:
    """What `ticket` claims."""
    return Claim(ticket.event_id, ticket.viewer, ticket.password_mark)


class Rights:
    """Who may still watch.

    Args:
        read: those of some claims that are refused now; raises `LogUnavailableError`.
    """

    def __init__(self, read: Callable[[Collection[Claim]], AbstractSet[Claim]]) -> None:
        self._read = read
        self._known: dict[Claim, tuple[bool, float]] = {}
        self._asked: dict[Claim, asyncio.Future[bool]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rights")

    async def allows(self, claim: Claim) -> bool:
        """Whether a claim is good now."""
        if claim.viewer == OURS or claim.event_id == PLATFORM:
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

    def finish(self, call: Callable[[], object]) -> None:
        """Do one last thing in the thread that reads, such as giving up its connection."""
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

    async def _refused(self, claims: Collection[Claim]) -> AbstractSet[Claim]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, claims)
        except LogUnavailableError as error:
            # Who watches goes on watching while the database restarts.
            log.warning("who may watch can't be read: %s", error)
            return {claim for claim in claims if not self._known.get(claim, (True, 0.0))[0]}
