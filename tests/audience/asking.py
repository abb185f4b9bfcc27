"""Asks a bare ASGI endpoint of the hall, with a ticket."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from amphi.system.tickets import Ticket, mint

KEY = b"a key of the tests"


def ticket(event_id: int = 1, viewer: str = "u1", key: bytes = KEY) -> str:
    return mint(key, Ticket(event_id, "room", viewer, int(time.time()) + 60))


async def post(
    endpoint: Callable[..., Awaitable[None]],
    given: str,
    body: bytes,
    *,
    method: str = "POST",
    address: str = "a",
) -> int:
    """The status that the endpoint of event 1 answers to a body in two pieces."""
    sent: list[dict[str, Any]] = []
    pieces = [
        {"type": "http.request", "body": body[:10], "more_body": True},
        {"type": "http.request", "body": body[10:]},
    ]

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "method": method,
        "query_string": f"ticket={given}".encode(),
        "client": (address, 1),
        "headers": [],
    }
    await endpoint(scope, receive, send, 1)
    return int(sent[0]["status"])
