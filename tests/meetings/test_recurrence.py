"""Meetings that come again, and the room that is always open."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dateutil.rrule
import dateutil.tz
import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.meetings import calendar, domain
from amphi.meetings.models import Meeting
from amphi.meetings.recurrence import MOST, Rule, occurrences
from amphi.webinars import invitations
from amphi.webinars.models import Livestream
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar
from tests.meetings.pages import form_data, local, names, text_of
from tests.meetings.test_calendar import INVITE, unfolded

PARIS = ZoneInfo("Europe/Paris")


def days(first: str, rule: Rule) -> list[str]:
    start = datetime.fromisoformat(first).replace(tzinfo=PARIS)
    return [at.strftime("%Y-%m-%d %H:%M") for at in occurrences(start.astimezone(UTC), rule, PARIS)]


@pytest.mark.parametrize(
    ("first", "rule", "expected"),
    [
        # Clocks change on 25 October 2026: the hour stays.
        ("2026-10-24 14:00", Rule("daily", times=3), ["10-24 14:00", "10-25 14:00", "10-26 14:00"]),
        ("2026-10-23 14:00", Rule("weekly", times=2), ["10-23 14:00", "10-30 14:00"]),
        (
            "2026-11-04 09:00",
            Rule("weekly", frozenset({0, 4}), until=date(2026, 11, 11)),
            ["11-04 09:00", "11-06 09:00", "11-09 09:00", "11-11 09:00"],
        ),
        ("2026-01-31 09:00", Rule("monthly", times=3), ["01-31 09:00", "03-31 09:00", "05-31 09:00"]),
        ("2026-11-04 09:00", Rule("daily", until=date(2026, 1, 1)), ["11-04 09:00"]),
    ],
)
def test_occurrences(first, rule, expected):
    assert [day.removeprefix("2026-") for day in days(first, rule)] == expected


def test_occurrence_across_a_change_of_clocks_is_as_long_as_the_others(marie):
    # Clocks go from 2:00 to 3:00 on 28 March 2027, and back on 31 October.
    for first in (datetime(2027, 3, 27, 1, 0, tzinfo=PARIS), datetime(2027, 10, 30, 1, 0, tzinfo=PARIS)):
        meeting = make_meeting(
            marie, start_at=first, duration=timedelta(hours=3), recurrence="daily", recurrence_times=3
        )
        lengths = {one.end_at - one.start_at for one in meeting.occurrences.all()}
        assert lengths == {timedelta(hours=3)}


def test_webinar_across_a_change_of_clocks_is_booked_as_long_as_it_lasts(client, marie):
    make_gateway()
    typed = form_data(is_webinar="on", start_at="2027-03-28T01:00", duration="120")
    client.post("/meetings/add/", typed)
    livestream = Livestream.objects.select_related("event").get()
    assert livestream.ends_at - livestream.starts_at == timedelta(hours=2)
    assert livestream.event.end_at == livestream.ends_at
    assert text_of(client.get(livestream.meeting.get_absolute_url())).count("01:00 – 04:00") > 0


def test_leap_day_comes_in_leap_years():
    assert [day[:10] for day in days("2028-02-29 09:00", Rule("yearly", times=2))] == [
        "2028-02-29",
        "2032-02-29",
    ]


def test_occurrences_are_limited():
    assert len(days("2026-11-04 09:00", Rule("daily", until=date(2099, 1, 1)))) == MOST


# --- the form and the list


@pytest.fixture
def marie(client, settings, db):
    settings.USE_MEETING_WEBINAR = True
    user = make_user(first_name="Marie", last_name="Curie")
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "recurrence_until"),
        ({"recurrence_times": "1"}, "recurrence_times"),
        ({"recurrence_times": "401"}, "recurrence_times"),
        ({"recurrence_until": "2020-01-01"}, "recurrence_until"),
        ({"recurrence_until": "2099-01-01", "recurrence_times": "3"}, "recurrence_times"),
    ],
)
def test_form_says_what_is_wrong(client, marie, fields, field):
    response = client.post("/meetings/add/", form_data(recurrence="weekly", **fields))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_webinar_never_comes_again(client, marie):
    make_gateway()
    client.post("/meetings/add/", form_data(is_webinar="on", recurrence="weekly", recurrence_times="3"))
    meeting = Meeting.objects.get()
    assert (meeting.is_webinar, meeting.recurrence, meeting.occurrences.count()) == (True, "", 0)


def days_later(at: datetime, number: int) -> datetime:
    """At the same hour, whatever clocks did in between."""
    return timezone.localtime(at) + timedelta(days=number)


def test_list_shows_the_next_time(client, marie):
    once = make_meeting(marie, name="Once", start_at=in_hours(100))
    weekly = make_meeting(
        marie, name="Weekly", start_at=in_hours(24 * -20), recurrence="weekly", recurrence_times=9
    )
    over = make_meeting(
        marie, name="Over", start_at=in_hours(24 * -20), recurrence="daily", recurrence_times=3
    )
    page = client.get("/meetings/")
    assert names(page) == ["Weekly", "Once"]
    assert page.context["cards"][0]["when"].start_at == days_later(weekly.start_at, 21)
    past = client.get("/meetings/?when=past")
    assert names(past) == ["Over"]
    assert past.context["cards"][0]["when"].start_at == days_later(over.start_at, 2)
    assert "chaque semaine" in text_of(client.get(weekly.get_absolute_url()))
    assert once.occurrences.count() == 0


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("when", ["", "past"])
def test_list_takes_as_many_queries_for_any_number(client, marie, rows, when, django_assert_num_queries):
    start = in_hours(-100 if when else 1)
    for _ in range(rows):
        make_meeting(marie, start_at=start, recurrence="daily", recurrence_times=2)
    with django_assert_num_queries(6):
        client.get(f"/meetings/?when={when}")


def test_change_of_the_rule_changes_the_days(client, marie):
    meeting = make_meeting(marie, recurrence="daily", recurrence_times=3)
    url = reverse("meetings:edit", args=[meeting.slug])
    client.post(url, form_data(start_at=local(meeting.start_at)))
    meeting.refresh_from_db()
    assert (meeting.recurrence, meeting.occurrences.count(), meeting.calendar_sequence > 0) == ("", 0, True)


# --- the calendar


def test_calendar_says_how_it_comes_again():
    first = datetime(2026, 10, 20, 14, 0, tzinfo=PARIS)
    again = calendar.Again(
        Rule("weekly", frozenset({3})), 4, PARIS, datetime(2026, 10, 29, 14, 0, tzinfo=PARIS)
    )
    invite = calendar.Invite(
        **{name: getattr(INVITE, name) for name in INVITE.__dataclass_fields__}
        | {"start_at": first, "end_at": first + timedelta(hours=1), "again": again}
    )
    lines = unfolded(calendar.write(invite))
    assert "DTSTART;TZID=Europe/Paris:20261020T140000" in lines
    assert "DTEND;TZID=Europe/Paris:20261020T150000" in lines
    assert "RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=TU,TH" in lines
    zone = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE")]
    change = zone.index("DTSTART:20261025T030000")
    assert zone[change - 1 : change + 4] == [
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZNAME:CET",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
    ]
    assert "DTSTART:20260329T020000" in zone


@pytest.mark.parametrize(
    ("first", "zone"),
    [
        ("2026-10-20 14:00", "Europe/Paris"),
        ("2027-03-27 03:30", "Europe/Paris"),
        ("2026-10-24 03:00", "Europe/Paris"),
        ("2026-10-24 09:00", "America/Martinique"),
        ("2027-03-10 09:00", "America/Miquelon"),
        ("2026-09-24 09:00", "Pacific/Auckland"),
    ],
)
def test_another_program_reads_the_same_moments(first, zone):
    """`dateutil` knows nothing of our zone: it reads rule and VTIMEZONE, and comes to the times that we keep."""
    place = ZoneInfo(zone)
    start = datetime.fromisoformat(first).replace(tzinfo=place)
    rule = Rule("daily", times=200)
    ours = occurrences(start, rule, place)
    invite = replace(
        INVITE,
        start_at=start,
        end_at=start.astimezone(UTC) + timedelta(hours=1),
        again=calendar.Again(rule, len(ours), place, ours[-1]),
    )
    written = calendar.write(invite)
    theirs = dateutil.tz.tzical(io.StringIO("\n".join(unfolded(written)))).get(zone)
    (event,) = icalendar.Calendar.from_ical(written).walk("VEVENT")
    rrule = dateutil.rrule.rrulestr(
        event["RRULE"].to_ical().decode(), dtstart=datetime.fromisoformat(first), ignoretz=True
    )
    read = [day.replace(tzinfo=theirs).astimezone(UTC) for day in rrule]
    assert read == [one.astimezone(UTC) for one in ours]


def test_invitation_to_a_recurring_meeting_has_its_rule(marie):
    meeting = make_meeting(marie, recurrence="daily", recurrence_times=5)
    letter = invitations.Letter(role=invitations.Role.PARTICIPANT, language="fr")
    mail = invitations.write(meeting, invitations.mails.Reader("jean@univ.fr"), letter, user=marie)
    assert "RRULE:FREQ=DAILY;COUNT=5\r\n" in mail.calendar
    assert "chaque jour" in mail.text


# --- the personal room


def test_personal_room_is_one_and_always_there(client, marie):
    for _ in range(2):
        response = client.post(reverse("meetings:personal"))
    room = Meeting.objects.get()
    assert response["Location"] == room.get_absolute_url()
    assert (room.is_personal, room.owner, room.name) == (True, marie, "Salle de Marie Curie")
    Meeting.objects.update(start_at=timezone.now() - timedelta(days=400))
    make_meeting(marie, name="Next")
    page = client.get("/meetings/")
    assert names(page) == ["Salle de Marie Curie", "Next"]
    assert reverse("meetings:personal") not in page.content.decode()
    assert "Toujours ouverte" in text_of(client.get(room.get_absolute_url()))


def test_people_without_an_account_are_let_into_a_personal_room_by_its_owner(marie):
    assert domain.personal_room(marie).guest_policy == "ASK_MODERATOR"


def test_personal_room_of_somebody_with_a_long_name_has_one_that_meeting_servers_take(db):
    user = make_user("x" * 150, first_name="É" * 150, last_name="🎓" * 150)
    assert domain.personal_room(user).name.startswith("Salle de ÉÉÉ")


def test_addresses_of_meetings_and_events_cannot_be_counted_up(marie):
    first, second = make_webinar(marie, name="Cours"), make_webinar(marie, name="Cours", start_at=in_hours(9))
    slugs = [one for live in (first, second) for one in (live.meeting.slug, live.event.slug)]
    secrets = [re.fullmatch(r"\d{4}-cours-([a-z2-9]{10})", slug)[1] for slug in slugs]
    assert len(set(secrets)) == 4
    assert make_meeting(marie, name="!!").slug.count("-") == 1


def test_personal_room_is_never_a_webinar(client, marie):
    make_gateway()
    client.post(reverse("meetings:personal"))
    room = Meeting.objects.get()
    url = reverse("meetings:edit", args=[room.slug])
    assert 'name="is_webinar"' not in client.get(url).content.decode()
    forged = form_data(is_webinar="on", recurrence="daily", recurrence_times="2", name="Ma salle")
    assert client.post(url, forged).status_code == 302
    room.refresh_from_db()
    assert (room.name, room.is_webinar, room.recurrence) == ("Ma salle", False, "")


def test_invitation_to_a_personal_room_has_no_date(client, marie):
    client.post(reverse("meetings:personal"))
    letter = invitations.Letter(role=invitations.Role.PARTICIPANT, language="fr")
    mail = invitations.write(
        Meeting.objects.get(), invitations.mails.Reader("jean@univ.fr"), letter, user=marie
    )
    assert mail.calendar == ""
    assert "Quand" not in mail.text
