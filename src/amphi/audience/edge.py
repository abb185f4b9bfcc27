"""Answers a cache in front (the edge), which asks whether a ticket opens a stream now.

nginx sends each viewer's ticket here once in a while (``auth_request``), remembers the answer, and serves thousands of viewers
from one copy of each part: see ``deploy/nginx/amphi.conf`` and ``docs/adr/0005-tickets-at-the-edge.md``. A ticket opens a stream
while its event holds the stream and its holder may watch. A withdrawn right ends within `REMEMBER_S` plus `claims.REMEMBER_S`. Which
events hold streams is read at most once a second, for any number of questions.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from amphi.audience.claims import Rights, claim_of
from amphi.audience.exceptions import LogUnavailableError
from amphi.system import tickets

log = logging.getLogger(__name__)

PATH = "/edge/ticket"
REMEMBER_S = 45
"""How long the cache may remember, in seconds, that a ticket is valid; never beyond the ticket's own end."""
REMEMBER_FORGED_S = 60
"""How long it may remember, in seconds, that a ticket will never be valid."""
REMEMBER_NOT_NOW_S = 1
"""How long it may remember, in seconds, that a ticket's event does not hold the stream; that may change at any moment."""
HOLDERS_S = 1.0
"""How old the list of holders may be, in seconds."""

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Holders:
    """The events that hold streams, read in one thread for all who ask.

    Args:
        read: returns the stream's name for each event that holds one; raises `LogUnavailableError`.
    """

    def __init__(self, read: Callable[[], Mapping[int, str]]) -> None:
        self._read = read
        self._known: Mapping[int, str] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="holders")

    async def stream_of(self, event_id: int) -> str | None:
        """The name of the stream that an event holds now; None when it holds none."""
        if time.monotonic() - self._read_at > HOLDERS_S:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._refresh())
            await asyncio.shield(self._reading)
        return self._known.get(event_id)

    def finish(self, call: Callable[[], object]) -> None:
        """Make one last call in the reading thread, for example to close its connection."""
        self._thread.submit(call)
        self._thread.shutdown(wait=False)

    async def _refresh(self) -> None:
        try:
            self._known = await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        except LogUnavailableError as error:
            # A restart of the database must not interrupt viewers.
            log.warning("who holds which stream can't be read: %s", error)
        self._read_at = time.monotonic()


class TicketDoor:
    """Answers for the headers ``X-Ticket`` and ``X-Stream``; for a replay the latter is ``replay:`` and its number.

    Args:
        key: the key that signs tickets.
        holders: knows which event holds which stream.
        rights: decides who may still watch.
    """

    def __init__(self, key: bytes, holders: Holders, rights: Rights) -> None:
        self._key = key
        self._holders = holders
        self._rights = rights

    async def __call__(self, scope: Scope, send: Send) -> None:
        """Answer 204, with the ticket's event in `tickets.EVENT_HEADER`, or 403. ``Cache-Control`` says how long that is valid."""
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        event_id, remember_s = await self._opens(given.get(b"x-ticket", ""), given.get(b"x-stream", ""))
        headers = [(b"cache-control", f"max-age={remember_s}".encode())]
        if event_id is not None:
            headers.append((tickets.EVENT_HEADER.lower().encode(), str(event_id).encode()))
        status = 403 if event_id is None else 204
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _opens(self, ticket: str, stream: str) -> tuple[int | None, int]:
        """The ticket's event if it opens `stream` now, else None; and for how many seconds that is valid."""
        now = time.time()
        try:
            held = tickets.verify(self._key, ticket, now=now)
        except tickets.InvalidTicketError:
            return None, REMEMBER_FORGED_S
        if held.stream != stream:
            return None, REMEMBER_FORGED_S
        is_live = held.event_id != tickets.PLATFORM and not held.replay_id
        if is_live and await self._holders.stream_of(held.event_id) != stream:
            return None, REMEMBER_NOT_NOW_S
        if not await self._rights.allows(claim_of(held)):
            return None, REMEMBER_NOT_NOW_S
        return held.event_id, min(REMEMBER_S, max(1, int(held.expires_at - now)))
