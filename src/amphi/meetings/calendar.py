"""Meetings as iCalendar objects (RFC 5545), sent as invitations (RFC 5546)."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_LINE_BYTES = 75
ALARM_BEFORE = timedelta(minutes=5)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """One meeting, as one reader is invited to it.

    Attributes:
        uid: the same through the meeting's life.
        sequence: grows with each change that calendars show.
        url: the reader's own way in.
        stamp: when it was written.
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


def _lines(invite: Invite) -> Iterator[str]:
    yield from (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
    )
    yield "BEGIN:VEVENT"
    yield f"UID:{invite.uid}"
    yield f"SEQUENCE:{invite.sequence}"
    yield f"DTSTAMP:{utc(invite.stamp)}"
    yield f"DTSTART:{utc(invite.start_at)}"
    yield f"DTEND:{utc(invite.end_at)}"
    yield f"SUMMARY:{escape(invite.summary)}"
    if invite.description:
        yield f"DESCRIPTION:{escape(invite.description)}"
    yield f"LOCATION:{escape(invite.url)}"
    yield f"URL:{invite.url}"
    yield _person("ORGANIZER", invite.organizer)
    yield _person("ATTENDEE", invite.attendee, ";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE")
    yield from ("STATUS:CONFIRMED", "TRANSP:OPAQUE")
    yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escape(invite.summary)}")
    yield f"TRIGGER:-PT{int(ALARM_BEFORE.total_seconds() // 60)}M"
    yield from ("END:VALARM", "END:VEVENT", "END:VCALENDAR")


def write(invite: Invite) -> str:
    """The iCalendar object of an invitation: UTC, with an alarm five minutes before (method REQUEST)."""
    return "".join(fold(line) + "\r\n" for line in _lines(invite))
