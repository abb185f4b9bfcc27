"""iCalendar objects, against the letter of RFC 5545."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import icalendar
import pytest

from amphi.meetings import calendar
from amphi.meetings.calendar import Invite, Person

PARIS_SUMMER = timezone(timedelta(hours=2))
INVITE = Invite(
    uid="2b1c@amphi.univ.fr",
    sequence=3,
    summary="Optique",
    description="",
    url="https://amphi.univ.fr/live/0001-optique/",
    start_at=datetime(2026, 7, 1, 14, 0, tzinfo=PARIS_SUMMER),
    end_at=datetime(2026, 7, 1, 15, 30, tzinfo=PARIS_SUMMER),
    organizer=Person("marie@univ.fr", "Marie Curie"),
    attendee=Person("jean@univ.fr"),
    stamp=datetime(2026, 6, 1, 8, 0, tzinfo=UTC),
)


def unfolded(text: str) -> list[str]:
    assert text.endswith("\r\n")
    return text[:-2].replace("\r\n ", "").split("\r\n")


def test_write():
    assert calendar.write(INVITE) == (
        "BEGIN:VCALENDAR\r\n"
        "VERSION:2.0\r\n"
        "PRODID:-//Amphi//Amphi//EN\r\n"
        "CALSCALE:GREGORIAN\r\n"
        "METHOD:REQUEST\r\n"
        "BEGIN:VEVENT\r\n"
        "UID:2b1c@amphi.univ.fr\r\n"
        "SEQUENCE:3\r\n"
        "DTSTAMP:20260601T080000Z\r\n"
        "DTSTART:20260701T120000Z\r\n"
        "DTEND:20260701T133000Z\r\n"
        "SUMMARY:Optique\r\n"
        "LOCATION:https://amphi.univ.fr/live/0001-optique/\r\n"
        "URL:https://amphi.univ.fr/live/0001-optique/\r\n"
        'ORGANIZER;CN="Marie Curie":mailto:marie@univ.fr\r\n'
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:jean\r\n"
        " @univ.fr\r\n"
        "STATUS:CONFIRMED\r\n"
        "TRANSP:OPAQUE\r\n"
        "BEGIN:VALARM\r\n"
        "ACTION:DISPLAY\r\n"
        "DESCRIPTION:Optique\r\n"
        "TRIGGER:-PT5M\r\n"
        "END:VALARM\r\n"
        "END:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )


def event(invite: Invite) -> icalendar.Event:
    """The one event, as another program reads what was written."""
    (found,) = icalendar.Calendar.from_ical(calendar.write(invite)).walk("VEVENT")
    return found


@pytest.mark.parametrize("text", ["é" * 200, "a" + "é" * 200, "🎓" * 60, "x" * 75, "x" * 76, "court"])
def test_lines_have_75_octets_and_cut_no_character(text):
    written = calendar.write(replace(INVITE, summary=text))
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))
    assert f"SUMMARY:{text}" in unfolded(written)


def test_text_is_escaped():
    given = replace(INVITE, summary="a;b,c\\d\r\ne\nf\x00g")
    assert "SUMMARY:a\\;b\\,c\\\\d\\ne\\nfg" in unfolded(calendar.write(given))
    assert event(given)["SUMMARY"] == "a;b,c\\d\ne\nfg"


@pytest.mark.parametrize("hostile", ["x\r\nATTENDEE:mailto:evil@example.org", "x\nEND:VCALENDAR", "x\rURL:y"])
def test_no_text_adds_a_line(hostile):
    invite = replace(INVITE, summary=hostile, description=hostile, organizer=Person("marie@univ.fr", hostile))
    names = [line.partition(":")[0].partition(";")[0] for line in unfolded(calendar.write(invite))]
    plain = unfolded(calendar.write(replace(INVITE, description="x")))
    assert names == [line.partition(":")[0].partition(";")[0] for line in plain]


def test_quote_in_a_name_ends_no_parameter():
    given = replace(INVITE, organizer=Person("m@univ.fr", 'M "la" C;X=1:y'))
    assert 'ORGANIZER;CN="M ’la’ C;X=1:y":mailto:m@univ.fr' in unfolded(calendar.write(given))
    assert event(given)["ORGANIZER"].params == {"CN": "M ’la’ C;X=1:y"}


@pytest.mark.parametrize("address", ["m@univ.fr\r\nATTENDEE:mailto:x", "m@univ.fr\x00"])
def test_address_adds_no_line(address):
    written = unfolded(calendar.write(replace(INVITE, attendee=Person(address))))
    assert sum(line.startswith("ATTENDEE") for line in written) == 1


def test_cancellation_is_of_the_same_event():
    asked, cancelled = event(INVITE), event(replace(INVITE, sequence=4, is_cancelled=True))
    assert asked["UID"] == cancelled["UID"]
    assert (cancelled["SEQUENCE"], cancelled["STATUS"]) == (4, "CANCELLED")
    assert cancelled.walk("VALARM") == []
    assert "METHOD:CANCEL" in unfolded(calendar.write(replace(INVITE, is_cancelled=True)))


def test_uid_follows_the_meeting_alone():
    assert calendar.uid_of("amphi-1", "h") == calendar.uid_of("amphi-1", "h")
    assert calendar.uid_of("amphi-1", "h") != calendar.uid_of("amphi-2", "h")
