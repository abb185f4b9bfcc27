"""A meeting's door: names, passwords, restrictions, the waiting room; who is let in as what."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import AccessGroup
from amphi.meetings import domain
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url
from amphi.webinars import saving
from tests.factories import make_meeting, make_user, make_webinar
from tests.meetings.pages import text_of
from tests.webinars.stage import Stage, open_stage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stage(settings):
    settings.USE_MEETING_WEBINAR = True
    stage, server = open_stage()
    settings.BBB_API_URL = stage.url + "/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"
    cache.clear()
    yield stage
    server.shutdown()
    server.server_close()


def door(meeting: Meeting) -> str:
    return reverse("meetings:join", args=[meeting.slug])


def run(meeting: Meeting) -> None:
    Meeting.objects.filter(pk=meeting.pk).update(started_at=timezone.now(), ended_at=None)


def entered(response) -> dict[str, str]:
    """What BBB is told of the person who is let in."""
    parts = urlsplit(response["Location"])
    assert parts.path == "/bigbluebutton/api/join"
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def running(client: Client, url: str) -> bool:
    return client.get(url, headers={"Accept": "application/json"}).json()["running"]


# --- who is let in as what


def test_anonymous_gives_a_name_and_comes_in_as_a_guest(client):
    meeting = make_meeting()
    run(meeting)
    page = client.get(door(meeting))
    assert 'name="name"' in page.content.decode()
    assert 'name="password"' not in page.content.decode()
    response = client.post(door(meeting), {"name": "  Ada\u202e \n Lovelace "}, follow=False)
    assert response["Location"] == door(meeting)
    told = entered(client.get(door(meeting)))
    assert (told["fullName"], told["role"], told["guest"]) == ("Ada Lovelace", "VIEWER", "true")
    assert told["userID"].startswith("guest-")
    assert 'value="Ada Lovelace"' in client.get(door(meeting)).content.decode()


def test_person_with_an_account_goes_straight_in(client):
    meeting = make_meeting()
    run(meeting)
    user = make_user(first_name="Ada", last_name="Lovelace")
    client.force_login(user)
    told = entered(client.get(door(meeting)))
    assert (told["fullName"], told["role"], told["userID"]) == ("Ada Lovelace", "VIEWER", f"amphi-{user.pk}")
    assert "guest" not in told


def test_co_owner_comes_in_as_a_moderator(client):
    user = make_user()
    meeting = make_meeting(additional_owners=[user], password="sésame")
    run(meeting)
    client.force_login(user)
    assert entered(client.get(door(meeting)))["role"] == "MODERATOR"


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "x" * 61])
def test_name_that_can_t_be_shown_is_refused(client, name):
    page = client.post(door(make_meeting()), {"name": name})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["name"]


# --- passwords


@pytest.mark.parametrize("has_account", [False, True])
def test_password_is_asked_of_everyone_but_moderators(client, has_account):
    meeting = make_meeting(password="sésame")
    run(meeting)
    if has_account:
        client.force_login(make_user())
    assert client.post(door(meeting), {"name": "Ada", "password": "autre"}).status_code == 422
    assert client.get(door(meeting)).status_code == 200
    assert client.post(door(meeting), {"name": "Ada", "password": " sésame "}).status_code == 302
    assert entered(client.get(door(meeting)))["role"] == "VIEWER"


def test_password_that_changed_is_asked_again_and_nothing_else_changes(client):
    meeting = make_meeting(password="sésame")
    client.post(door(meeting), {"name": "Ada", "password": "sésame"})
    before = (meeting.slug, meeting.room, meeting.bbb_id, meeting.attendee_password, meeting.presenter_key)
    fields = vars(domain.fields_of(meeting)) | {"password": "nouveau", "name": "Autre nom"}
    saving.update_meeting(meeting, user=meeting.owner, fields=domain.MeetingFields(**fields))
    meeting.refresh_from_db()
    run(meeting)
    assert 'name="password"' in client.get(door(meeting)).content.decode()
    after = (meeting.slug, meeting.room, meeting.bbb_id, meeting.attendee_password, meeting.presenter_key)
    assert before == after


def test_guessing_is_slowed(client, monkeypatch):
    monkeypatch.setattr("amphi.accounts.guesses.DOOR_BY_ADDRESS", 2)
    meeting = make_meeting(password="sésame")
    for _ in range(2):
        client.post(door(meeting), {"name": "Ada", "password": "autre"})
    page = client.post(door(meeting), {"name": "Ada", "password": "sésame"})
    assert "Trop de mots de passe" in text_of(page)


# --- restrictions


def test_restricted_meeting_asks_for_a_login_and_a_group(client):
    group = AccessGroup.objects.create(code_name="l1", display_name="L1")
    meeting = make_meeting(is_restricted=True, access_groups=[group])
    run(meeting)
    assert client.get(door(meeting))["Location"].startswith("/accounts/login/")
    user = make_user()
    client.force_login(user)
    assert client.get(door(meeting)).status_code == 403
    user.access_groups.add(group)
    assert entered(client.get(door(meeting)))["role"] == "VIEWER"


# --- webinars


def test_door_of_a_webinar_leads_listeners_to_the_live_page(client):
    livestream = make_webinar()
    run(livestream.meeting)
    for _ in ("anonymous", "logged in"):
        assert client.get(door(livestream.meeting))["Location"] == livestream.event.get_absolute_url()
        client.force_login(make_user())


def test_presenters_link_opens_the_meeting_of_a_webinar(client):
    meeting = make_webinar(is_restricted=True, password="sésame").meeting
    run(meeting)
    url = reverse("meetings:join_invited", args=[meeting.slug, meeting.presenter_key])
    assert 'name="password"' not in client.get(url).content.decode()
    client.post(url, {"name": "Irène"})
    assert entered(client.get(url))["fullName"] == "Irène"


@pytest.mark.parametrize("key", ["x", "0" * 32, "é"])
def test_wrong_key_opens_nothing(client, key):
    meeting = make_webinar().meeting
    assert client.get(reverse("meetings:join_invited", args=[meeting.slug, key])).status_code == 404


# --- the waiting room


def test_waiting_room_asks_our_own_database_and_goes_on_by_itself(
    client, stage: Stage, django_assert_max_num_queries
):
    meeting = make_meeting()
    page = client.post(door(meeting), {"name": "Ada"}, follow=True)
    assert "Salle d’attente" in text_of(page)
    assert "Ada" in text_of(page)
    with django_assert_max_num_queries(3):
        assert not running(client, door(meeting))
    assert stage.asked == []
    run(meeting)
    assert running(client, door(meeting))
    assert entered(client.get(door(meeting)))["fullName"] == "Ada"


def test_meeting_that_is_gone_from_the_server_is_waited_for(client, stage: Stage):
    stage.meeting_exists = False
    meeting = make_meeting()
    run(meeting)
    client.force_login(make_user())
    assert "Salle d’attente" in text_of(client.get(door(meeting)))
    assert Meeting.objects.get().is_open
    Meeting.objects.update(gone_since=timezone.now() - timedelta(seconds=11))
    assert "Salle d’attente" in text_of(client.get(door(meeting)))
    assert Meeting.objects.get().ended_at is not None
    assert not running(client, door(meeting))


def test_meeting_that_the_server_misses_for_seconds_goes_on(client, stage: Stage):
    meeting = make_meeting()
    run(meeting)
    client.force_login(make_user())
    stage.meeting_exists = False
    assert "Salle d’attente" in text_of(client.get(door(meeting)))
    stage.meeting_exists = True
    assert client.get(door(meeting)).status_code == 302
    assert Meeting.objects.get().gone_since is None


@pytest.mark.parametrize(
    ("exists", "is_over", "goes_on"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_end_callback_is_looked_up_for_a_plain_meeting(client, stage: Stage, exists, is_over, goes_on):
    meeting = make_meeting()
    run(meeting)
    stage.meeting_exists, stage.is_over = exists, is_over
    assert client.get(urlsplit(callback_url(meeting, "ended")).path).status_code == 200
    assert Meeting.objects.get().is_open is goes_on


def test_server_that_does_not_answer_is_told_and_asked_again(client, stage: Stage):
    stage.broken["bbb"] = 500
    meeting = make_meeting()
    run(meeting)
    client.force_login(make_user())
    page = client.get(door(meeting))
    assert page.status_code == 503
    assert "ne répond pas pour le moment" in text_of(page)
    assert Meeting.objects.get().ended_at is None


def test_name_can_be_changed_while_waiting(client):
    meeting = make_meeting()
    client.post(door(meeting), {"name": "Ada"})
    page = client.get(door(meeting) + "?again")
    assert 'value="Ada"' in page.content.decode()


# --- starting


def created(stage: Stage) -> dict[str, str]:
    call = next(call for call in stage.asked if "/api/create?" in call)
    return {name: values[0] for name, values in parse_qs(urlsplit(call.split(" ", 1)[1]).query).items()}


def test_rules_are_told_to_the_server(client, stage: Stage, settings):
    settings.MEETING_DISABLE_RECORD = False
    meeting = make_meeting(
        guest_policy="ASK_MODERATOR",
        is_recorded=True,
        lock_cam=True,
        lock_private_chat=True,
        hide_user_list=True,
    )
    client.force_login(meeting.owner)
    client.post(reverse("meetings:start", args=[meeting.slug]))
    told = created(stage)
    assert (told["guestPolicy"], told["record"]) == ("ASK_MODERATOR", "true")
    locks = {name for name in told if name.startswith("lockSettings")}
    assert locks == {"lockSettingsDisableCam", "lockSettingsDisablePrivateChat", "lockSettingsHideUserList"}
    assert told["meta_bbb-recording-ready-url"] == callback_url(meeting, "recording")
    assert told["logoutURL"].endswith(reverse("meetings:left", args=[meeting.slug]))
    assert stage.count("/api/hooks/create") == 1


def test_webinar_lets_everybody_in_and_recording_may_be_out_of_use(client, stage: Stage, settings):
    settings.MEETING_DISABLE_RECORD = True
    meeting = make_webinar(guest_policy="ALWAYS_DENY", is_recorded=True).meeting
    client.force_login(meeting.owner)
    client.post(reverse("meetings:start", args=[meeting.slug]))
    told = created(stage)
    assert told["guestPolicy"] == "ALWAYS_ACCEPT"
    assert "record" not in told
    assert "meta_bbb-recording-ready-url" not in told


def test_server_without_webhooks_starts_meetings_all_the_same(client, stage: Stage):
    stage.has_hooks = False
    meeting = make_meeting()
    client.force_login(meeting.owner)
    response = client.post(reverse("meetings:start", args=[meeting.slug]))
    assert entered(response)["role"] == "MODERATOR"


# --- leaving


def test_those_who_leave_are_not_led_back_in(client):
    meeting = make_meeting()
    run(meeting)
    url = reverse("meetings:left", args=[meeting.slug])
    assert re.search(r"quitté la réunion", text_of(client.get(url)))
    client.force_login(meeting.owner)
    assert client.get(url)["Location"] == meeting.get_absolute_url()
