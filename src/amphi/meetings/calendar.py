"""Meetings as iCalendar objects (RFC 5545), sent as invitations (RFC 5546)."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from amphi.meetings.recurrence import WEEKLY, Rule

LONGEST_LINE_BYTES = 75
ALARM_BEFORE = timedelta(minutes=5)
_LONGEST_ZONE = timedelta(days=3660)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PRODUCT = "-//Amphi//Amphi//EN"
# Everything that is no text (RFC 5545, section 3.1: CONTROL), but tabs and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Person:
    """Who organizes or attends.

    Attributes:
        address: the mail address.
        name: as calendars show it; may be empty.
    """

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """How a meeting comes again, so many times, in local time.

    Attributes:
        rule: the rule.
        times: how many there are in all.
        zone: whose clock the hours are of.
        last: when the last one begins.
    """

    rule: Rule
    times: int
    zone: ZoneInfo
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """One meeting, as one reader is invited to it.

    Attributes:
        uid: the same through the meeting's life.
        sequence: grows with each change that calendars show.
        url: the reader's own way in.
        stamp: when it was written.
        again: how it comes again, if it does.
        is_cancelled: it does not take place.
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
    """The UID of the meeting whose `bbb_id`, which never changes, this is (RFC 7986, section 5.3)."""
    return f"{uuid.uuid5(uuid.NAMESPACE_URL, 'amphi:' + bbb_id)}@{host}"


def escape(text: str) -> str:
    """`text` as a TEXT value (section 3.3.11)."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def fold(line: str) -> str:
    """A content line in lines of at most 75 octets, none of which cuts a character (section 3.1)."""
    lines, current, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > LONGEST_LINE_BYTES:
            lines.append(current)
            current, size = " ", 1
        current += character
        size += width
    return "\r\n".join([*lines, current])


def utc(at: datetime) -> str:
    """A moment as a DATE-TIME in UTC (section 3.3.5, form 2)."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _quoted(text: str) -> str:
    """`text` as a quoted parameter value, which holds no quote and no line break (section 3.2)."""
    return '"' + " ".join(_CONTROL.sub("", text).replace('"', "’").split()) + '"'


def _person(name: str, person: Person, parameters: str = "") -> str:
    shown = f";CN={_quoted(person.name)}" if person.name else ""
    return f"{name}{shown}{parameters}:mailto:{_CONTROL.sub('', person.address)}"


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta()


def _signed(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _local(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S")


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When clocks change in [begin, end): the last minute of before, and the first of after, both in UTC."""
    day, one = begin.astimezone(UTC), timedelta(days=1)
    while day < end:
        low, high = day, day + one
        if _offset(low.astimezone(zone)) != _offset(high.astimezone(zone)):
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                middle = middle.replace(second=0, microsecond=0)
                same = _offset(middle.astimezone(zone)) == _offset(low.astimezone(zone))
                low, high = (middle, high) if same and middle > low else (low, middle)
            yield low, high
        day += one


def _timezone(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[str]:
    """The VTIMEZONE of the time from `first` to `last` (section 3.6.5)."""
    yield from ("BEGIN:VTIMEZONE", f"TZID:{zone.key}")
    begin = (first.astimezone(UTC) - timedelta(days=366)).replace(second=0, microsecond=0)
    end = min(last, first + _LONGEST_ZONE) + timedelta(days=1)
    before = begin.astimezone(zone)
    found = [(before.replace(tzinfo=None), before, before)]
    for old, new in _changes(zone, begin, end):
        at = new.astimezone(zone)
        onset = (new + _offset(old.astimezone(zone))).replace(tzinfo=None)
        found.append((onset, old.astimezone(zone), at))
    for onset, old_local, at in found:
        kind = "DAYLIGHT" if at.dst() else "STANDARD"
        yield from (
            f"BEGIN:{kind}",
            f"DTSTART:{_local(onset)}",
            f"TZOFFSETFROM:{_signed(_offset(old_local))}",
        )
        yield from (f"TZOFFSETTO:{_signed(_offset(at))}", f"TZNAME:{at.tzname()}", f"END:{kind}")
    yield "END:VTIMEZONE"


def _times(invite: Invite) -> Iterator[str]:
    again = invite.again
    if again is None:
        yield from (f"DTSTART:{utc(invite.start_at)}", f"DTEND:{utc(invite.end_at)}")
        return
    zone, first = again.zone, invite.start_at.astimezone(again.zone)
    yield f"DTSTART;TZID={zone.key}:{_local(first)}"
    yield f"DTEND;TZID={zone.key}:{_local(invite.end_at.astimezone(zone))}"
    days = ""
    if again.rule.kind == WEEKLY:
        wanted = sorted(again.rule.weekdays | {first.weekday()})
        days = ";BYDAY=" + ",".join(_WEEKDAYS[day] for day in wanted)
    yield f"RRULE:FREQ={again.rule.kind.upper()}{days};COUNT={again.times}"


def _lines(invite: Invite) -> Iterator[str]:
    yield from (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:CANCEL" if invite.is_cancelled else "METHOD:REQUEST",
    )
    if invite.again is not None:
        yield from _timezone(invite.again.zone, invite.start_at, invite.again.last)
    yield "BEGIN:VEVENT"
    yield f"UID:{invite.uid}"
    yield f"SEQUENCE:{invite.sequence}"
    yield f"DTSTAMP:{utc(invite.stamp)}"
    yield from _times(invite)
    yield f"SUMMARY:{escape(invite.summary)}"
    if invite.description:
        yield f"DESCRIPTION:{escape(invite.description)}"
    yield f"LOCATION:{escape(invite.url)}"
    yield f"URL:{invite.url}"
    yield _person("ORGANIZER", invite.organizer)
    yield _person("ATTENDEE", invite.attendee, ";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE")
    if invite.is_cancelled:
        yield "STATUS:CANCELLED"
    else:
        yield from ("STATUS:CONFIRMED", "TRANSP:OPAQUE")
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escape(invite.summary)}")
        yield f"TRIGGER:-PT{int(ALARM_BEFORE.total_seconds() // 60)}M"
        yield "END:VALARM"
    yield from ("END:VEVENT", "END:VCALENDAR")


def write(invite: Invite) -> str:
    """The iCalendar object of an invitation: UTC, or local time where it comes again; with an alarm five minutes before.

    Its method is REQUEST, or CANCEL for a meeting that does not take place (RFC 5546, sections 3.2.2 and 3.2.5).
    """
    return "".join(fold(line) + "\r\n" for line in _lines(invite))
