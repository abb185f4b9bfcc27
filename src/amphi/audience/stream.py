"""The event stream over HTTP: a plain ASGI endpoint, since thousands of open requests would make Django's too expensive.

``GET /live/<event id>/events?ticket=<ticket>`` is ``text/event-stream`` (WHATWG HTML, section 9.2). Tickets are verified without the
database, see `amphi.system.tickets`.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Container, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from amphi.audience.channel import Channel, take
from amphi.audience.claims import claim_of
from amphi.audience.crowd import Listener, back_ms
from amphi.audience.exceptions import (
    LogUnavailableError,
    TooManyFromOneAddressError,
    TooManyListenersError,
)
from amphi.audience.hub import KEEP_ALIVE, Hub
from amphi.system.addresses import network_of
from amphi.system.tickets import InvalidTicketError, Ticket, verify

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

WRITE = "amphi.write"
"""The extension of our HTTP protocol that writes a chunk of the answer at once, and returns False when the line takes nothing now."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Has nginx forward each batch at once.
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


async def answer(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """A short answer in plain text."""
    body = text.encode()
    start = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*start, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


def _cursor(scope: Scope, query: dict[str, list[str]]) -> int | None:
    """The listener's position: a browser that reconnects sends it in ``Last-Event-ID``, a page in its address. None for a new one."""
    header = next(
        (value.decode("latin-1") for name, value in scope["headers"] if name == b"last-event-id"), ""
    )
    given = header or query.get("last_event_id", [""])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None  # noqa: PLR2004 -- fits 64 bits


class EventStream:
    """The endpoint.

    Args:
        hub: reads for the listeners.
        key: the key that signs tickets.
        uncounted: addresses that are not counted, such as that of a proxy that does not forward its visitors' addresses.
    """

    def __init__(self, hub: Hub, key: bytes, uncounted: Container[str] = ()) -> None:
        self._hub = hub
        self._key = key
        self._uncounted = uncounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send, event_id: int) -> None:
        """Answer one request for the stream of an event."""
        if scope["method"] != "GET":
            await answer(send, 405, "GET only\n", [(b"allow", b"GET")])
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            ticket = self._ticket(query, event_id)
        except InvalidTicketError as error:
            await answer(send, 403, f"The ticket is refused: {error}.\n")
            return
        claim = claim_of(ticket)
        if not await self._hub.may_listen(claim):
            await answer(send, 403, "The ticket is refused: its holder may no longer watch.\n")
            return
        expires_at = asyncio.get_running_loop().time() + ticket.expires_at - time.time()
        aside = "aside" in query
        listener = Listener(claim, _cursor(scope, query), expires_at, self._address(scope), aside=aside)
        try:
            self._hub.enter(listener)
        except TooManyFromOneAddressError:
            await answer(send, 429, "Too many listeners from this address.\n", [(b"retry-after", b"30")])
            return
        except TooManyListenersError:
            retry_after = str(random.randint(5, 15)).encode()  # noqa: S311 -- spreads load, guards nothing
            await answer(send, 503, "Too many listeners here.\n", [(b"retry-after", retry_after)])
            return
        try:
            listener.write = scope.get("extensions", {}).get(WRITE)
            await self._carry(listener, receive, send)
        finally:
            # What this connection answers next is not this stream's: a batch that is being told to thousands may still have it on its list.
            listener.write = None
            self._hub.leave(listener)

    def _address(self, scope: Scope) -> str:
        address = (scope.get("client") or ("",))[0]
        return "" if address in self._uncounted else network_of(address)

    def _ticket(self, query: dict[str, list[str]], event_id: int) -> Ticket:
        ticket = verify(self._key, query.get("ticket", [""])[0], now=time.time())
        if ticket.event_id != event_id:
            raise InvalidTicketError("it is for another event")
        return ticket

    async def _carry(self, listener: Listener, receive: Receive, send: Send) -> None:
        try:
            channel = await self._hub.attach(listener)
        except LogUnavailableError:
            await answer(send, 503, "Not now.\n", [(b"retry-after", b"5")])
            return
        if channel is None:
            await answer(send, 404, "No such event.\n")
            return
        gone = asyncio.create_task(_gone(receive, listener))
        listener.task = asyncio.current_task()
        try:
            await self._write(listener, channel, send)
        except LogUnavailableError:
            log.warning("a listener of event %s can't be told what it missed just now", listener.event_id)
        except asyncio.CancelledError:
            if not listener.dropped:
                raise
            log.info(
                "a listener of event %s took nothing for %s s", listener.event_id, self._hub.limits.slow_s
            )
        finally:
            gone.cancel()

    async def _write(self, listener: Listener, channel: Channel, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        chunk = f"retry: {back_ms(0)}\n\n".encode() + channel.snapshot()
        clock = asyncio.get_running_loop().time
        while not listener.closing:
            # Who missed much gets it piece by piece: whatever number a listener names, no more than a piece is held for it.
            if is_behind := (listener.cursor or 0) + 1 < channel.first:
                listener.written_at = 0.0  # it waits for the log, and is not slow
                chunk += await self._hub.missed(listener, channel)
            else:
                chunk += take(listener, channel)
            if chunk or clock() - listener.written_at >= self._hub.limits.keep_alive_s:
                listener.written_at = clock()
                await send({"type": "http.response.body", "body": chunk or KEEP_ALIVE, "more_body": True})
            chunk = b""
            if not is_behind:
                await listener.rest()
        last = f"retry: {listener.back_ms}\n\n" if listener.back_ms else ""
        if listener.farewell:
            last += f'event: bye\ndata: {{"reason":"{listener.farewell}"}}\n\n'
        await send({"type": "http.response.body", "body": last.encode()})


async def _gone(receive: Receive, listener: Listener) -> None:
    """End the stream when the listener has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()
