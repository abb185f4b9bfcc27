"""Which events the page of live events lists, and in which section."""

from datetime import datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from amphi.audience.models import ON_AIR, Event, EventState

_PERSON = ("first_name", "last_name", "username")
MOST_WORDS = 8


def _spoken_by(word: str) -> Q:
    """Those whose owners or speakers are called `word`."""
    owner, other = Q(speakers__icontains=word), Q()
    for name in _PERSON:
        owner |= Q(**{f"owner__{name}__icontains": word})
        other |= Q(**{f"user__{name}__icontains": word})
    others = Event.additional_owners.through.objects.filter(other)
    return owner | Q(pk__in=others.values("event_id"))


def listed(search: str = "") -> QuerySet[Event]:
    """The published events whose title, description, broadcaster or presenters contain each word of `search`."""
    events = Event.objects.filter(is_draft=False).select_related("broadcaster", "owner")
    for word in search.split()[:MOST_WORDS]:
        events = events.filter(
            Q(title__icontains=word)
            | Q(description__icontains=word)
            | Q(broadcaster__name__icontains=word)
            | _spoken_by(word)
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


def today(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those of `coming` that are planned for today or before, by the platform's clock."""
    return coming(events, now).filter(start_at__lt=_midnight(now))


def later(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """Those of `coming` that are planned for another day."""
    return coming(events, now).filter(start_at__gte=_midnight(now))


def _midnight(now: datetime) -> datetime:
    """When the day of `now` ends here."""
    tomorrow = timezone.localdate(now) + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time.min))


def past(events: QuerySet[Event], now: datetime) -> QuerySet[Event]:
    """The events that are over, the latest first."""
    over = Q(state=EventState.OVER) | (Q(end_at__lte=now) & ~Q(state__in=ON_AIR))
    return events.filter(over).order_by("-start_at", "-pk")
