"""A hall on the air, and what its stream was told."""

import json
from typing import Any

from amphi.audience.models import Event, StreamMessage
from amphi.audience.speakers import Speaker
from amphi.webinars.models import State
from tests.factories import make_gateway, make_user, make_webinar, put


def hall(state: State = State.LIVE, **settings: Any) -> Event:
    """A webinar's event in `state`, with columns of its own set."""
    livestream = make_webinar(gateway=make_gateway())
    put(livestream, state)
    Event.objects.filter(pk=livestream.event_id).update(**settings)
    return Event.objects.select_related("broadcaster", "owner").get(pk=livestream.event_id)


def listener(name: str = "") -> Speaker:
    user = make_user(first_name=name or "Hugo", affiliation="student")
    return Speaker(f"u{user.pk}", str(user), user)


def told(event: Event, kind: str) -> list[dict[str, Any]]:
    """The data of the messages of one kind, in order."""
    rows = StreamMessage.objects.filter(channel_id=event.pk, kind=kind).order_by("seq")
    return [json.loads(row.data) for row in rows]
