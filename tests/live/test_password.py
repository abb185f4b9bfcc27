"""Events with a password: who is asked, what stays shut, what is remembered."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from amphi.accounts.models import AccessGroup
from amphi.audience.models import Event, Message
from amphi.meetings import domain
from amphi.webinars import saving
from amphi.webinars.models import State
from tests.factories import make_user, make_webinar, put

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}
PASSWORD = "sésame"


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    cache.clear()


@pytest.fixture
def event() -> Event:
    livestream = make_webinar(password=PASSWORD)
    put(livestream, State.LIVE)
    return livestream.event


def door(event: Event) -> str:
    return reverse("live:door", args=[event.slug])


def give(client, event: Event, password: str = PASSWORD):
    return client.post(door(event), {"password": password}, headers={"Accept-Language": "fr"})


def change(event: Event, **fields: object) -> None:
    meeting = event.livestream.meeting
    given = vars(domain.fields_of(meeting)) | fields
    saving.update_meeting(meeting, user=meeting.owner, fields=domain.MeetingFields(**given))


@pytest.mark.parametrize("has_account", [False, True])
def test_nothing_opens_before_the_password(client, event, has_account):
    if has_account:
        client.force_login(make_user())
    state, message = (reverse(f"live:{name}", args=[event.slug]) for name in ("state", "message"))
    for url in (event.get_absolute_url(), state):
        assert client.get(url)["Location"] == door(event)
        answer = client.get(url, **JSON)
        assert (answer.status_code, answer.json()) == (403, {"error": "password_required"})
    assert client.post(message, {"text": "Bonjour"}, **JSON).status_code == 403
    assert not Message.objects.exists()
    page = client.get(door(event)).content.decode()
    assert event.title in page
    assert "ticket" not in page
    assert event.broadcaster.hls_url not in page


def test_password_opens_all_and_is_asked_once(client, event):
    assert give(client, event, f" {PASSWORD} ")["Location"] == event.get_absolute_url()
    assert client.get(event.get_absolute_url()).status_code == 200
    assert client.get(reverse("live:state", args=[event.slug]), **JSON).status_code == 200
    assert client.get(door(event))["Location"] == event.get_absolute_url()
    assert PASSWORD not in client.get(event.get_absolute_url()).content.decode()


@pytest.mark.parametrize("wrong", ["", "autre", "SÉSAME", "x" * 65])
def test_wrong_password_says_so_and_opens_nothing(client, event, wrong):
    page = give(client, event, wrong)
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["password"]
    assert client.get(event.get_absolute_url()).status_code == 302


def test_owners_are_not_asked(client, event):
    co_owner = make_user()
    event.additional_owners.add(co_owner)
    for user in (event.owner, co_owner, make_user(is_superuser=True)):
        client.force_login(user)
        assert client.get(event.get_absolute_url()).status_code == 200


def test_password_of_another_event_opens_nothing(client, event):
    other = make_webinar(password=PASSWORD, start_at=event.end_at).event
    give(client, event)
    assert client.get(other.get_absolute_url())["Location"] == door(other)


def test_new_password_is_asked_and_none_ends_the_asking(client, event):
    give(client, event)
    change(event, password="nouveau")
    assert client.get(event.get_absolute_url())["Location"] == door(event)
    change(event, password="")
    assert client.get(event.get_absolute_url()).status_code == 200


def test_restriction_comes_before_the_password(client, event):
    group = AccessGroup.objects.create(code_name="l1", display_name="L1")
    change(event, is_restricted=True, access_groups=[group])
    assert client.get(door(event))["Location"].startswith("/accounts/login/")
    client.force_login(make_user())
    assert give(client, event).status_code == 403
    Event.objects.filter(pk=event.pk).update(is_draft=True)
    assert client.get(door(event)).status_code == 404


def test_guessing_is_slowed_for_the_one_who_guesses(client, event, monkeypatch):
    monkeypatch.setattr("amphi.accounts.guesses.DOOR_BY_ADDRESS", 2)
    for _ in range(2):
        give(client, event, "autre")
    assert "Trop de mots de passe" in give(client, event).content.decode()
    elsewhere = client.post(door(event), {"password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    assert elsewhere["Location"] == event.get_absolute_url()


def test_list_marks_it(client, event):
    assert "bi-key-fill" in client.get("/").content.decode()
    change(event, password="")
    assert "bi-key-fill" not in client.get("/").content.decode()


def test_change_without_csrf_token_is_refused(event):
    assert give(Client(enforce_csrf_checks=True), event).status_code == 403
