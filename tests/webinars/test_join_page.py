"""The page by which a gateway's browser enters."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from django.utils.html import escape

from amphi.audience.models import Event
from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream
from amphi.worker import gateways
from tests.factories import make_meeting


@pytest.fixture
def meeting(livestream) -> Meeting:
    """A webinar that runs, restricted as any may be: the key is the right to enter."""
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=timezone.now(), is_restricted=True)
    Event.objects.update(is_restricted=True)
    return Meeting.objects.get(pk=livestream.meeting_id)


def by_key(meeting: Meeting) -> str:
    return f"/meeting/{meeting.slug}/{meeting.access_key[:-10]}/{meeting.access_key[-10:]}"


def by_room(meeting: Meeting) -> str:
    return f"/g/{meeting.room}"


def joined(response) -> dict[str, str]:
    assert response.status_code == 302, response.content.decode()
    url = urlsplit(response["Location"])
    assert url.path == "/bigbluebutton/api/join"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


@pytest.mark.parametrize("address", [by_key, by_room])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_form(client, meeting, address, language):
    response = client.get(address(meeting), headers={"Accept-Language": language})
    page = response.content.decode()
    assert response.status_code == 200
    assert f'<html lang="{language}"' in page
    assert page.count('type="submit"') == 1
    assert all(f'id="{name}"' in page for name in ("okcookie", "id_name", "joinFormName"))
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("address", [by_key, by_room])
def test_entering(client, meeting, address):
    query = joined(client.post(address(meeting), {"name": "streaming"}))
    assert query["fullName"] == "streaming"
    assert query["role"] == "VIEWER"
    assert query["userID"] == gateways.streaming_user_id(meeting)
    assert query["meetingID"] == meeting.bbb_id
    assert query["userdata-bbb_hide_nav_bar"] == "true"


def test_address_given_to_gateways_opens_the_page(client, livestream, meeting):
    request = gateways.start_request(livestream, show_chat=False)
    url = urlsplit(f"https://{request.domain}/{request.room}")
    assert client.get(url.path).status_code == 200


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("", "streaming"),
        ("  \t ", "streaming"),
        (["", "Salle 1"], "Salle 1"),
        ("Amphi\u202e\n d’honneur ", "Amphi d’honneur"),
        ("<b>'\"&", "<b>'\"&"),
        ("x" * 300, "x" * 60),
    ],
)
def test_name(client, meeting, typed, shown):
    assert joined(client.post(by_key(meeting), {"name": typed}))["fullName"] == shown


def test_name_never_shows_the_key(client, meeting):
    assert joined(client.post(by_room(meeting), {"name": meeting.room}))["fullName"] == "streaming"


def test_streaming_user_is_a_setting(client, meeting, settings):
    settings.MEETING_WEBINAR_STREAMING_USER = "Captation"
    assert joined(client.post(by_key(meeting)))["fullName"] == "Captation"


@pytest.mark.parametrize("why", ["not started", "ended", "unknown to BBB", "BBB is ill"])
def test_waiting(client, stage, meeting, why):
    if why == "not started":
        Meeting.objects.update(started_at=None)
    elif why == "ended":
        Meeting.objects.update(ended_at=timezone.now())
    elif why == "unknown to BBB":
        stage.meeting_exists = False
    else:
        stage.broken["bbb"] = 500
    response = client.post(by_key(meeting), {"name": "Salle <1>"})
    assert response.status_code == 200
    page = response.content.decode()
    assert 'id="waiting"' in page
    assert escape("Salle <1>") in page
    looked = client.get(by_key(meeting), headers={"Accept": "application/json"})
    assert looked.json() == {"running": False}


def test_waiting_page_is_told_when_the_meeting_runs(client, meeting):
    assert client.get(by_room(meeting), headers={"Accept": "application/json"}).json() == {"running": True}


def another(character: str) -> str:
    return "0" if character != "0" else "1"


def wrong_addresses(meeting: Meeting) -> list[str]:
    key = meeting.access_key
    return [
        f"/meeting/{meeting.slug}/{key[:-10]}/{key[-10:-1]}{another(key[-1])}",
        f"/meeting/{meeting.slug}/{another(key[0])}{key[1:-10]}/{key[-10:]}",
        f"/meeting/{meeting.slug}/{key[:-10]}/x{key[-10:]}",
        f"/meeting/{meeting.slug}//{key[-10:]}",
        f"/meeting/{meeting.slug}/{key}/{key[-10:]}",
        f"/meeting/{meeting.slug}/é{key[:-11]}/{key[-10:]}",
        f"/meeting/another/{key[:-10]}/{key[-10:]}",
        f"/g/{meeting.room[:-1]}{another(key[-1])}",
        f"/g/webinar-{meeting.pk}-{key[-10:]}",
        f"/g/webinar-{meeting.pk + 1}-{key[-20:]}",
        "/g/webinar-999999999999999999-0",
        "/g/room",
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_wrong_key(client, stage, meeting, method):
    for url in wrong_addresses(meeting):
        assert getattr(client, method)(url).status_code == 404, url
    assert stage.asked == []


@pytest.mark.parametrize("address", [by_key, by_room])
def test_no_page_for_what_is_no_webinar(client, meeting, settings, address):
    plain = make_meeting(meeting.owner)
    assert client.get(address(plain)).status_code == 404
    settings.USE_MEETING_WEBINAR = False
    assert client.get(address(meeting)).status_code == 404


def test_room_is_stable_and_suits_gateways(client, meeting):
    room = meeting.room
    Meeting.objects.filter(pk=meeting.pk).update(name="Renamed", attendee_password="changed", slug="renamed")
    renamed = Meeting.objects.get(pk=meeting.pk)
    assert renamed.room == room
    assert len(room.rpartition("-")[2]) == 20
    assert len(room) <= 58
    assert Livestream.objects.get(meeting=renamed).meeting.room == room
