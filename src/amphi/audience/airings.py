"""When the live of an event is on the air: each time is an `Airing`, which the state of the event opens and closes."""

from collections.abc import Collection
from datetime import datetime, timedelta

from amphi.audience.models import Airing, Event, EventState, Replay
from amphi.audience.replays import library

PICTURES = frozenset({EventState.LIVE, EventState.RECOVERING})
SAME_AFTER = timedelta(minutes=15)
"""A live that is over and soon begins again, as after a wrong press, is the same airing."""
LONGEST = timedelta(hours=24)
"""Of a live that nobody ended, no more is noted."""


def follow(event_id: int, state: EventState, now: datetime) -> None:
    """Open or close the airing of an event whose live is `state` from now on."""
    opened = Airing.objects.filter(event_id=event_id, ended_at=None)
    if state not in PICTURES:
        if opened.update(ended_at=now):
            library.end(event_id, now)
    elif state == EventState.LIVE and not opened.exists():
        last = Airing.objects.filter(event_id=event_id, ended_at__gt=now - SAME_AFTER).first()
        if last is None:
            airing, _ = Airing.objects.get_or_create(
                event_id=event_id, ended_at=None, defaults={"began_at": now}
            )
            library.begin(airing)
        else:
            Airing.objects.filter(pk=last.pk).update(ended_at=None)
            Replay.objects.filter(airing=last).update(delete_at=None)


def on_the_air(event_ids: Collection[int], now: datetime) -> list[Airing]:
    """The airings of some events that go on now; of an event that others carry, its planned hours are the airing."""
    carried = Event.objects.filter(pk__in=event_ids, state="", start_at__lte=now, end_at__gt=now)
    planned = [_planned(event) for event in carried]
    ours = Airing.objects.filter(event__in=event_ids, ended_at=None, began_at__gt=now - LONGEST)
    return [*ours.select_related("event"), *planned]


def _planned(event: Event) -> Airing:
    airing, is_new = Airing.objects.get_or_create(
        event=event, began_at=event.start_at, defaults={"ended_at": event.end_at}
    )
    if is_new:
        library.begin(airing)
    return airing
