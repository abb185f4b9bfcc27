"""Applause and its like: pressed by thousands, told as sums. A press writes no row and asks no database.

A page sends what was pressed within a second as one ``POST /live/<event id>/reactions?ticket=<ticket>``, ``{"clap": 2}`` (`doors`).
Each web process sums what it was sent, and publishes its sum once a second (`pulse`); pages add what the processes tell.
"""

import json
from collections.abc import Callable, Mapping

from django.utils import timezone

from amphi.audience.claims import Rights
from amphi.audience.domain import publish
from amphi.audience.doors import PostDoor
from amphi.audience.models import ON_AIR, Event
from amphi.audience.pace import Pace
from amphi.audience.queries import listener_state
from amphi.system.tickets import Ticket

REACTIONS: Mapping[str, str] = {"clap": "👏", "heart": "❤️", "thumb": "👍", "laugh": "😂", "wow": "😮"}
PRESSES_PER_VIEWER = 5
PRESSES_PER_ADDRESS = 2000
"""In a second: a lecture hall behind one address claps too."""
LONGEST_BODY_BYTES = 256

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


class ReactionDoor(PostDoor):
    """The endpoint.

    Args:
        key: what tickets are signed with.
        rights: who may still watch.
        sink: where presses go.
    """

    def __init__(self, key: bytes, rights: Rights, sink: Sink) -> None:
        super().__init__(key, rights=rights, longest_body_bytes=LONGEST_BODY_BYTES)
        self._sink = sink
        self._by_viewer = Pace(PRESSES_PER_VIEWER, 1)
        self._by_address = Pace(PRESSES_PER_ADDRESS, 1)

    def take(self, ticket: Ticket, address: str, body: bytes) -> None:
        """Count what was pressed, up to the limits."""
        for kind, number in parse(body).items():
            allowed = self._by_address.take(address, self._by_viewer.take(ticket.viewer, number))
            if allowed:
                self._sink(ticket.event_id, kind, allowed)
