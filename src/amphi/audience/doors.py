"""Small endpoints beside the event stream, that many pages post little to: bare ASGI, as the stream is.

The ticket, which no other site knows, says whose a request is and guards against forged ones.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from amphi.audience.claims import Rights, claim_of
from amphi.audience.stream import answer
from amphi.system.tickets import InvalidTicketError, Ticket, verify

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PostDoor(ABC):
    """One endpoint.

    Args:
        key: what tickets are signed with.
        rights: who may still watch; None: everybody who has a ticket.
        longest_body_bytes: what one request may send.
    """

    def __init__(self, key: bytes, *, rights: Rights | None, longest_body_bytes: int) -> None:
        self._key = key
        self._rights = rights
        self._longest_body_bytes = longest_body_bytes

    @abstractmethod
    def take(self, ticket: Ticket, address: str, body: bytes) -> None:
        """Take what was sent; what is above a limit is left out without a word.

        Raises:
            ValueError: it is nothing of the kind.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send, event_id: int) -> None:
        """Answer one request; 204 when it was taken."""
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
        """The ticket of a request, if it is good."""
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
