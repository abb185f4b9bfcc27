"""Applause and its like: pressed by thousands, told as sums. A press writes no row and asks no database.

A page sends what was pressed within a second as one ``POST /live/<event id>/reactions?ticket=<ticket>``, ``{"clap": 2}``. The ticket,
which no other site knows, says whose it is and guards against forged requests. Each web process sums what it was sent, and publishes its
sum once a second (`pulse`); pages add what the processes tell.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from django.utils import timezone

from amphi.audience.claims import Rights, claim_of
from amphi.audience.domain import publish
from amphi.audience.models import ON_AIR, Event
from amphi.audience.pace import Pace
from amphi.audience.queries import listener_state
from amphi.audience.stream import answer
from amphi.system.tickets import InvalidTicketError, verify

REACTIONS: Mapping[str, str] = {"clap": "👏", "heart": "❤️", "thumb": "👍", "laugh": "😂", "wow": "😮"}
PRESSES_PER_VIEWER = 5
PRESSES_PER_ADDRESS = 2000
"""In a second: a lecture hall behind one address claps too."""
LONGEST_BODY_BYTES = 256

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sink = Callable[[int, str, int], None]
"""Takes an event, a reaction, and how many."""


def publish_reactions(event_id: int, sums: Mapping[str, int]) -> None:
    """Tell how often each was pressed in the last second, where reactions are on and the live runs."""
    event = Event.objects.filter(pk=event_id).first()
    now = timezone.now()
    if event is not None and event.enable_reactions and listener_state(event, now) in ON_AIR:
        publish(event_id, "reactions", {"sums": dict(sums), "at": now.isoformat()})


def parse(body: bytes) -> dict[str, int]:
    """How often each reaction was pressed, by what a page sent; what is no reaction is left out.

    Raises:
        ValueError: it is nothing of the kind.
    """
    given = json.loads(body)
    if not isinstance(given, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- one kind of error for one kind of fault
    return {
        kind: min(number, PRESSES_PER_VIEWER)
        for kind, number in given.items()
        if kind in REACTIONS and type(number) is int and number > 0
    }


class ReactionDoor:
    """The endpoint.

    Args:
        key: what tickets are signed with.
        rights: who may still watch.
        sink: where presses go.
    """

    def __init__(self, key: bytes, rights: Rights, sink: Sink) -> None:
        self._key = key
        self._rights = rights
        self._sink = sink
        self._by_viewer = Pace(PRESSES_PER_VIEWER, 1)
        self._by_address = Pace(PRESSES_PER_ADDRESS, 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, event_id: int) -> None:
        """Answer one request: 204, whether all presses counted or those above the limit did not."""
        if scope["method"] != "POST":
            await answer(send, 405, "POST only\n", [(b"allow", b"POST")])
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            ticket = verify(self._key, query.get("ticket", [""])[0], now=time.time())
        except InvalidTicketError:
            await answer(send, 403, "The ticket is refused.\n")
            return
        if ticket.event_id != event_id or not await self._rights.allows(claim_of(ticket)):
            await answer(send, 403, "The ticket is refused.\n")
            return
        try:
            pressed = parse(await _body(receive))
        except ValueError:
            await answer(send, 400, "No reactions.\n")
            return
        address = (scope.get("client") or ("",))[0]
        for kind, number in pressed.items():
            allowed = self._by_address.take(address, self._by_viewer.take(ticket.viewer, number))
            if allowed:
                self._sink(event_id, kind, allowed)
        await answer(send, 204, "")


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ValueError("the sender left")
        body += bytes(message.get("body", b""))
        if len(body) > LONGEST_BODY_BYTES:
            raise ValueError("too long")
        if not message.get("more_body"):
            return body
