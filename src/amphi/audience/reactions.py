"""Reactions such as applause: thousands press, and only sums are published. A press does not use the database.

A page sends the presses of a second as one ``POST /live/<event id>/reactions?ticket=<ticket>``, ``{"clap": 2}`` (`doors`). Each web
process publishes its sum once a second (`pulse`), and pages add the sums of all processes.
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
"""Per second. High, since a lecture hall may have one address."""
LONGEST_BODY_BYTES = 256

Sink = Callable[[int, str, int], None]
"""Receives the event, the reaction, and how often it was pressed."""


def publish_reactions(event_id: int, sums: Mapping[str, int]) -> None:
    """Publish how often each was pressed in the last second, if reactions are on and the live runs."""
    event = Event.objects.filter(pk=event_id).first()
    now = timezone.now()
    if event is not None and event.enable_reactions and listener_state(event, now) in ON_AIR:
        publish(event_id, "reactions", {"sums": dict(sums), "at": now.isoformat()})


def parse(body: bytes) -> dict[str, int]:
    """Parse a page's report of how often each reaction was pressed. Unknown reactions are left out.

    Raises:
        ValueError: the report is malformed.
    """
    try:
        given = json.loads(body)
    except RecursionError:
        raise ValueError("too deeply nested") from None
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
        key: the key that signs tickets.
        rights: decides who may still watch.
        sink: receives the presses.
    """

    def __init__(self, key: bytes, rights: Rights, sink: Sink) -> None:
        super().__init__(key, rights=rights, longest_body_bytes=LONGEST_BODY_BYTES)
        self._sink = sink
        self._by_viewer = Pace(PRESSES_PER_VIEWER, 1)
        self._by_address = Pace(PRESSES_PER_ADDRESS, 1)

    def take(self, ticket: Ticket, address: str, body: bytes) -> None:
        """Count the presses, up to the limits."""
        for kind, number in parse(body).items():
            allowed = self._by_address.take(address, self._by_viewer.take(ticket.viewer, number))
            if allowed:
                self._sink(ticket.event_id, kind, allowed)
