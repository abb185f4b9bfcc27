"""Meetings as iCalendar objects (RFC 5545), sent as invitations (RFC 5546); icalendar writes them."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress

from amphi.meetings.recurrence import WEEKLY, Rule

ALARM_BEFORE = timedelta(minutes=5)
_LONGEST_ZONE = timedelta(days=3660)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PRODUCT = "-//Amphi//Amphi//EN"
Observance = TimezoneStandard | TimezoneDaylight
# CONTROL of RFC 5545, section 3.1, and DEL; tabs and line breaks may stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Person:
    """An organizer or attendee.

    Attributes:
        address: the email address.
        name: as calendars show it; may be empty.
    """

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """How a meeting recurs, in local time.

    Attributes:
        rule: the rule.
        times: the number of occurrences.
        zone: the time zone in which the hour stays the same.
        last: when the last occurrence begins.
    """

    rule: Rule
    times: int
    zone: ZoneInfo
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """One reader's invitation to one meeting.

    Attributes:
        uid: the same for the meeting's whole life.
        sequence: grows with each change that calendars show.
        url: the reader's personal link.
        stamp: when the invitation was written.
        again: how the meeting recurs; None when it takes place once.
        is_cancelled: the meeting is cancelled.
    """

    uid: str
    sequence: int
    summary: str
    description: str
    url: str
    start_at: datetime
    end_at: datetime
    organizer: Person
    attendee: Person
    stamp: datetime
    again: "Again | None" = None
    is_cancelled: bool = False


def uid_of(bbb_id: str, host: str) -> str:
    """The UID of a meeting (RFC 7986, section 5.3), made from its `bbb_id`, which never changes."""
    return f"{uuid.uuid5(uuid.NAMESPACE_URL, 'amphi:' + bbb_id)}@{host}"


def _plain(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _person(person: Person, **parameters: str) -> vCalAddress:
    address = vCalAddress("mailto:" + "".join(_CONTROL.sub("", person.address).split()))
    # A parameter can't contain quotes or line breaks (section 3.2).
    if name := " ".join(_plain(person.name).replace('"', "’").split()):
        address.params["CN"] = name
    address.params.update(parameters)
    return address


def _timezone(zone: ZoneInfo, first: datetime, last: datetime) -> Timezone:
    """The VTIMEZONE for the time from `first` to `last` (section 3.6.5).

    Each change of the clocks gets a component of its own, since some calendars ignore RDATE.
    """
    begin = first.astimezone(UTC).date() - timedelta(days=366)
    end = min(last, first + _LONGEST_ZONE).date() + timedelta(days=1)
    written = Timezone()
    written.add("tzid", zone.key)
    known = Timezone.from_tzinfo(zone, first_date=begin, last_date=end)
    for found in known.subcomponents:
        if not isinstance(found, Observance):
            continue
        for onset in (found.DTSTART, *(at for at, _duration in found.rdates)):
            if isinstance(onset, datetime):
                written.add_component(_observance(found, onset))
    return written


def _observance(found: Observance, onset: datetime) -> Observance:
    """One change of the clocks, at `onset`: icalendar's first local time with the new offset.

    The RFC asks for the local time with the old offset, which is an hour earlier in spring.
    """
    one = type(found)()
    one.add("dtstart", onset - max(found.TZOFFSETTO - found.TZOFFSETFROM, timedelta()))
    one.add("tzname", str(found["TZNAME"]))
    one.add("tzoffsetfrom", found.TZOFFSETFROM)
    one.add("tzoffsetto", found.TZOFFSETTO)
    return one


def _recurrence(again: Again, first: datetime) -> dict[str, object]:
    rule: dict[str, object] = {"freq": again.rule.kind.upper(), "count": again.times}
    if again.rule.kind == WEEKLY:
        wanted = sorted(again.rule.weekdays | {first.weekday()})
        rule["byday"] = [_WEEKDAYS[day] for day in wanted]
    return rule


def _alarm(invite: Invite) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _plain(invite.summary))
    alarm.add("trigger", -ALARM_BEFORE)
    return alarm


def _event(invite: Invite) -> Event:
    event, again = Event(), invite.again
    event.add("uid", invite.uid)
    event.add("sequence", invite.sequence)
    event.add("dtstamp", invite.stamp.astimezone(UTC))
    zone = again.zone if again else UTC
    event.add("dtstart", invite.start_at.astimezone(zone))
    event.add("dtend", invite.end_at.astimezone(zone))
    if again:
        event.add("rrule", _recurrence(again, invite.start_at.astimezone(zone)))
    event.add("summary", _plain(invite.summary))
    if invite.description:
        event.add("description", _plain(invite.description))
    event.add("location", invite.url)
    event.add("url", invite.url)
    event.add("organizer", _person(invite.organizer))
    asked = {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "FALSE"}
    event.add("attendee", _person(invite.attendee, **asked))
    if invite.is_cancelled:
        event.add("status", "CANCELLED")
    else:
        event.add("status", "CONFIRMED")
        event.add("transp", "OPAQUE")
        event.add_component(_alarm(invite))
    return event


def write(invite: Invite) -> str:
    """The iCalendar object of an invitation, with an alarm five minutes before the start.

    Times are in UTC, or in local time with a VTIMEZONE for a recurring meeting. The method is REQUEST, or CANCEL for a cancelled
    meeting (RFC 5546, sections 3.2.2 and 3.2.5).
    """
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "CANCEL" if invite.is_cancelled else "REQUEST")
    if invite.again is not None:
        calendar.add_component(_timezone(invite.again.zone, invite.start_at, invite.again.last))
    calendar.add_component(_event(invite))
    written: bytes = calendar.to_ical(sorted=False)
    return written.decode()
