"""Events in calendars: the hours, the identity, who sees what, and what asking again costs."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience import calendar
from amphi.audience.models import Event
from amphi.meetings import domain
from amphi.webinars import saving
from tests.factories import in_hours, make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = "https://amphi.example.org"


def webinar(**fields) -> Event:
    return make_webinar(gateway=make_gateway(), **fields).event


def entries(content: bytes) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(content).walk("VEVENT"))


def entry(client, event: Event) -> icalendar.Event:
    answer = client.get(reverse("live:calendar", args=[event.slug]))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return entries(answer.content)[0]


def change(event: Event, **fields: object) -> None:
    meeting = event.livestream.meeting
    given = vars(domain.fields_of(meeting)) | fields
    saving.update_meeting(meeting, user=meeting.owner, fields=domain.MeetingFields(**given))


@pytest.mark.parametrize(
    "start",
    [
        datetime(2027, 3, 28, 0, 30, tzinfo=UTC),  # half an hour before Paris leaps
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2027, 10, 31, 0, 30, tzinfo=UTC),  # the hour that Paris has twice
        datetime(2027, 10, 31, 1, 30, tzinfo=UTC),
    ],
)
def test_hours_are_the_same_moment_everywhere(client, start):
    event = webinar(start_at=start, duration=timedelta(hours=2))
    found = entry(client, event)
    assert (found["DTSTART"].dt, found["DTEND"].dt) == (start, start + timedelta(hours=2))
    assert found["DTSTART"].to_ical().endswith(b"Z")


def test_entry_leads_to_the_live_page(client):
    event = webinar(name="Chimie, partie 1; suite", description="Ligne 1\nLigne 2")
    found = entry(client, event)
    assert found["URL"] == f"https://amphi.example.org{event.get_absolute_url()}"
    assert str(found["SUMMARY"]) == "Chimie, partie 1; suite"
    assert "Ligne 1\nLigne 2" in str(found["DESCRIPTION"])
    assert event.owner.email not in found.to_ical().decode()
    assert found.walk("VALARM")[0]["TRIGGER"].dt == timedelta(minutes=-5)


def test_entry_follows_a_change_under_the_same_identity(client):
    event = webinar()
    before = entry(client, event)
    change(event, enable_chat=not event.enable_chat)
    assert entry(client, event)["SEQUENCE"] == before["SEQUENCE"]
    change(event, start_at=in_hours(5))
    after = entry(client, event)
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], before["SEQUENCE"] + 1)
    assert after["DTSTAMP"].dt > before["DTSTAMP"].dt - timedelta(seconds=1)


def test_feed_has_what_is_open_to_all(client):
    titles = {"public": {}, "members": {"is_restricted": True}, "shut": {"password": "sésame"}}
    for name, fields in titles.items():
        webinar(name=name, **fields)
    Event.objects.filter(pk=webinar(name="draft").pk).update(is_draft=True)
    old = webinar(name="old")
    Event.objects.filter(pk=old.pk).update(start_at=in_hours(-24 * 40), end_at=in_hours(-24 * 40 + 1))
    answer = client.get("/directs.ics")
    assert [str(found["SUMMARY"]) for found in entries(answer.content)] == ["public"]
    assert answer["Cache-Control"] == "public, max-age=300"


def test_feed_that_did_not_change_is_not_sent_again(client):
    event = webinar()
    first = client.get("/directs.ics")
    again = client.get("/directs.ics", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    change(event, name="Autre titre")
    assert client.get("/directs.ics", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_feed_is_bounded(client, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(calendar, "FEED_EVENTS", 3)
    for hours in range(1, 6):
        webinar(name=f"in {hours}", start_at=in_hours(hours))
    with django_assert_num_queries(1):
        answer = client.get("/directs.ics")
    assert {str(found["SUMMARY"]) for found in entries(answer.content)} == {"in 5", "in 4", "in 3"}


def test_entry_is_for_those_who_may_watch(client):
    event = webinar(is_restricted=True)
    url = reverse("live:calendar", args=[event.slug])
    assert client.get(url)["Location"].startswith("/accounts/login/")
    client.force_login(make_user())
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("title", ["a\r\nATTENDEE:mailto:x@example.org", 'a"b', "🎓" * 60])
def test_title_stays_a_title(client, title):
    event = webinar()
    Event.objects.filter(pk=event.pk).update(title=title[:250])
    found = entry(client, event)
    assert "ATTENDEE" not in found
    assert str(found["SUMMARY"]).split() == title.split()


def test_page_offers_the_calendar_until_it_begins(client):
    event = webinar()
    page = client.get(event.get_absolute_url(), headers={"Accept-Language": "fr"}).content.decode()
    assert reverse("live:calendar", args=[event.slug]) in page
    assert f'data-local-time="{timezone.localtime(event.start_at).isoformat()}"' in page
