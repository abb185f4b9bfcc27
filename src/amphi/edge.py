"""What a cache in front asks before it hands out a stream: whether a ticket is good, without a database.

nginx sends each viewer's ticket here once in a while (``auth_request``), remembers the answer, and serves thousands of viewers
from one copy of each part: see ``deploy/nginx/amphi.conf`` and ``docs/adr/0005-tickets-at-the-edge.md``.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from amphi import tickets

PATH = "/edge/ticket"
REMEMBER_S = 60
"""How long the cache may remember an answer; never beyond the ticket's own end."""

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def _remember_s(key: bytes, ticket: str, stream: str, now: float) -> int | None:
    """Seconds for which the ticket is good for the stream, `REMEMBER_S` at most; None when it is not."""
    try:
        held = tickets.verify(key, ticket, now=now)
    except tickets.InvalidTicketError:
        return None
    return min(REMEMBER_S, max(1, int(held.expires_at - now))) if held.stream == stream else None


async def answer_ticket(scope: Scope, send: Send, key: bytes) -> None:
    """Answer 204 or 403 for the headers ``X-Ticket`` and ``X-Stream``.

    Args:
        scope: the request's.
        send: ASGI's.
        key: what tickets are signed with.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    remember_s = _remember_s(key, headers.get(b"x-ticket", ""), headers.get(b"x-stream", ""), time.time())
    status, cache = (403, f"max-age={REMEMBER_S}") if remember_s is None else (204, f"max-age={remember_s}")
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"cache-control", cache.encode())]}
    )
    await send({"type": "http.response.body", "body": b""})
