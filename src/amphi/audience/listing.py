"""Which events the page of live events lists, and in which section."""

from datetime import datetime

from django.db.models import Q, QuerySet

from amphi.audience.models import ON_AIR, Event, EventState


def listed(search: str = "") -> QuerySet[Event]:
    """The published events whose title, description or broadcaster contains `search`."""
    events = Event.objects.filter(is_draft=False).select_related("broadcaster", "owner")
    for word in search.split()[:8]:
        events = events.filter(
            Q(title__icontains=word) | Q(description__icontains=word) | Q(broadcaster__name__icontains=word)
        )
    return events


def on_air(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """The events whose live runs, whatever was planned. For events without a livestream the planned hours count."""
    carried_by_others = Q(state="", start_at__lte=now, end_at__gt=now)
    return events.filter(Q(state__in=ON_AIR) | carried_by_others).order_by("start_at", "pk")


def coming(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """The events that may still begin, the next one first."""
    waiting = Q(state="", start_at__gt=now) | Q(state=EventState.WAITING)
    return events.filter(waiting, end_at__gt=now).order_by("start_at", "pk")


def past(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """The events that are over, the latest first."""
    over = Q(state=EventState.OVER) | (Q(end_at__lte=now) & ~Q(state__in=ON_AIR))
    return events.filter(over).order_by("-start_at", "-pk")
