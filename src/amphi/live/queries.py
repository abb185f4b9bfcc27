"""Which events the "Directs" page shows, and where."""

from datetime import datetime

from django.db.models import Q, QuerySet

from amphi.live.models import Event
from amphi.webinars.models import State

ON_AIR = [State.STARTING, State.LIVE, State.RECOVERING]
OVER = [State.STOPPING, State.STOPPED]


def listed(search: str = "") -> QuerySet[Event]:
    """The published events whose title, description or broadcaster holds `search`."""
    events = Event.objects.filter(is_draft=False).select_related(
        "broadcaster", "owner", "livestream__meeting"
    )
    for word in search.split()[:8]:
        events = events.filter(
            Q(title__icontains=word) | Q(description__icontains=word) | Q(broadcaster__name__icontains=word)
        )
    return events


def _carried_by_others(now: datetime) -> Q:
    return Q(livestream__isnull=True, start_at__lte=now, end_at__gt=now)


def on_air(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those whose live runs, whatever was planned; the hours count only for events that others carry."""
    return events.filter(Q(livestream__state__in=ON_AIR) | _carried_by_others(now)).order_by("start_at", "pk")


def coming(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those that may still begin, the next one first."""
    waiting = Q(livestream__isnull=True, start_at__gt=now) | Q(
        livestream__state__in=[State.IDLE, State.FAILED]
    )
    return events.filter(waiting, end_at__gt=now).order_by("start_at", "pk")


def past(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those that are over, the last one first."""
    over = Q(livestream__state__in=OVER) | (
        Q(end_at__lte=now) & (Q(livestream__isnull=True) | ~Q(livestream__state__in=ON_AIR))
    )
    return events.filter(over).order_by("-start_at", "-pk")
