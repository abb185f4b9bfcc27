"""Events for calendars (RFC 5545): a file for one event, and a feed of all public events."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import icalendar
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from amphi.audience.models import Event
from amphi.system.typed import clean_line, clean_text

if TYPE_CHECKING:
    from amphi.accounts.models import User

FEED_EVENTS = 200
FEED_PAST = timedelta(days=30)
FEED_REFRESH = timedelta(hours=1)
ALARM_BEFORE = timedelta(minutes=5)
_PRODUCT = "-//Amphi//Amphi//EN"


def feed(now: datetime) -> QuerySet[Event]:
    """The events that anybody may watch, from a month ago on, at most `FEED_EVENTS`."""
    public = Event.objects.filter(is_draft=False, is_restricted=False, password="")
    # When there are too many, the oldest are left out.
    return public.filter(end_at__gt=now - FEED_PAST).order_by("-end_at", "-pk")[:FEED_EVENTS]


def write_feed(events: Iterable[Event]) -> bytes:
    """The feed as a calendar; it asks programs to reload it every hour."""
    calendar = _calendar()
    name = _("Amphi: live events")
    calendar.add("x-wr-calname", name)
    calendar.add("name", name)
    calendar.add("refresh-interval", FEED_REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for event in events:
        calendar.add_component(_entry(event, url=settings.AMPHI_URL + event.get_absolute_url()))
    written: bytes = calendar.to_ical(sorted=False)
    return written


def write_event(event: Event, *, url: str = "") -> bytes:
    """A calendar of one event, with an alarm five minutes before.

    Args:
        event: the event.
        url: the reader's personal link; empty for the event's page.
    """
    calendar = _calendar()
    entry = _entry(event, url=url or settings.AMPHI_URL + event.get_absolute_url())
    alarm = icalendar.Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", clean_line(event.title))
    alarm.add("trigger", -ALARM_BEFORE)
    entry.add_component(alarm)
    calendar.add_component(entry)
    written: bytes = calendar.to_ical(sorted=False)
    return written


def _calendar() -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    return calendar


def _entry(event: Event, *, url: str) -> icalendar.Event:
    """One event, with its hours in UTC, since events don't recur."""
    entry = icalendar.Event()
    host = urlsplit(settings.AMPHI_URL).hostname or "amphi"
    entry.add("uid", f"event-{event.pk}@{host}")
    entry.add("sequence", event.calendar_sequence)
    entry.add("dtstamp", event.calendar_stamp.astimezone(UTC))
    entry.add("dtstart", event.start_at.astimezone(UTC))
    entry.add("dtend", event.end_at.astimezone(UTC))
    entry.add("summary", clean_line(event.title))
    about = [_("Watch live: %(url)s") % {"url": url}, clean_text(event.description)]
    entry.add("description", "\n\n".join(part for part in about if part))
    entry.add("location", url)
    entry.add("url", url)
    entry.add("organizer", _organizer(event.owner, host))
    entry.add("status", "CONFIRMED")
    return entry


def _organizer(owner: "User", host: str) -> icalendar.vCalAddress:
    """The owner's name, without their email address, since the feed is public."""
    organizer = icalendar.vCalAddress(f"mailto:noreply@{host}")
    if name := clean_line(str(owner)).replace('"', "’"):
        organizer.params["CN"] = name
    return organizer
