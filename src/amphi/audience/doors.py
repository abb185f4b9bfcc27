"""Small endpoints beside the event stream, to which many pages post little data. Plain ASGI, like the stream.

The ticket identifies the viewer. No other site knows it, so it also protects against forged requests.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from amphi.audience.claims import Rights, claim_of
from amphi.audience.stream import answer
from amphi.system.tickets import InvalidTicketError, Ticket, verify

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class PostDoor(ABC):
    """One endpoint.

    Args:
        key: the key that signs tickets.
        rights: decides who may still watch; None: everybody with a ticket.
        longest_body_bytes: the largest body of a request.
    """

    def __init__(self, key: bytes, *, rights: Rights | None, longest_body_bytes: int) -> None:
        self._key = key
        self._rights = rights
        self._longest_body_bytes = longest_body_bytes

    @abstractmethod
    def take(self, ticket: Ticket, address: str, body: bytes) -> None:
        """Handle a request's body. What exceeds a limit is dropped silently.

        Raises:
            ValueError: the body is malformed.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send, event_id: int) -> None:
        """Answer one request; 204 when it was accepted."""
        if scope["method"] != "POST":
            await answer(send, 405, "POST only\n", [(b"allow", b"POST")])
            return
        ticket = await self._ticket(scope, event_id)
        if ticket is None:
            await answer(send, 403, "The ticket is refused.\n")
            return
        try:
            self.take(ticket, (scope.get("client") or ("",))[0], await self._body(receive))
        except ValueError:
            await answer(send, 400, "This can't be read.\n")
            return
        await answer(send, 204, "")

    async def _ticket(self, scope: Scope, event_id: int) -> Ticket | None:
        """The ticket of a request; None when it is not valid."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            ticket = verify(self._key, query.get("ticket", [""])[0], now=time.time())
        except InvalidTicketError:
            return None
        if ticket.event_id != event_id:
            return None
        return ticket if self._rights is None or await self._rights.allows(claim_of(ticket)) else None

    async def _body(self, receive: Receive) -> bytes:
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ValueError("the sender left")
            body += bytes(message.get("body", b""))
            if len(body) > self._longest_body_bytes:
                raise ValueError("too long")
            if not message.get("more_body"):
                return body
