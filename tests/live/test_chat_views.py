"""The discussion's addresses: guests' names, plain forms, hidden names, orders. Who may is in `tests/test_hall_access.py`."""

import pytest
from django.test import Client
from django.urls import reverse

from amphi.audience import domain
from amphi.audience.models import Event, Message
from amphi.webinars.models import State
from tests.factories import make_user, make_webinar, put
from tests.test_hall_access import client_of

pytestmark = pytest.mark.django_db

AS_SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(make_user("owner"), enable_chat=True)
    put(livestream, State.LIVE)
    event = livestream.event
    event.moderators.add(make_user("leo"))
    Event.objects.filter(pk=event.pk).update(guests_may_write=True)
    return Event.objects.get(pk=event.pk)


def test_guest_takes_a_name_and_keeps_it(event, client):
    def call_me(name: str):
        return client.post(reverse("live:guest", args=[event.slug]), {"name": name}, headers=AS_SCRIPT)

    assert call_me("Zoé").status_code == 404  # the page gives the browser its own name first
    client.get(event.get_absolute_url())
    assert call_me("Owner").json()["error"] == "name"
    assert call_me("Zoé").json() == {"name": "Zoé"}
    Event.objects.filter(pk=event.pk).update(guests_may_write=False)
    assert call_me("Zoé").status_code == 404
    written = client.post(reverse("live:message", args=[event.slug]), {"text": "x"}, headers=AS_SCRIPT)
    assert written.status_code == 401


def test_plain_forms_answer_with_the_page(event, client):
    client.force_login(make_user())
    url = reverse("live:message", args=[event.slug])
    for text, words in (("Bonjour", "Message envoyé"), ("", "Écrivez")):
        assert client.post(url, {"text": text}).status_code == 302
        assert (
            words in client.get(event.get_absolute_url(), headers={"Accept-Language": "fr"}).content.decode()
        )
    assert Message.objects.count() == 1


def test_hidden_names_reach_those_who_keep_order_alone(event):
    Event.objects.filter(pk=event.pk).update(names_hidden=True)
    writer = make_user("hugo", first_name="Hugo", last_name="Bernard")
    domain.write_message(Event.objects.get(pk=event.pk), user=writer, text="Bonjour")
    for person, seen in (("anonymous", False), ("listener", False), ("moderator", True), ("presenter", True)):
        client = client_of(person, event)
        answers = [client.get(event.get_absolute_url()), client.get(reverse("live:state", args=[event.slug]))]
        assert ["Hugo" in answer.content.decode() for answer in answers] == [seen, seen], person


@pytest.mark.parametrize(
    ("action", "given", "status"),
    [
        ("mode", "slow", 201),
        ("mode", "loud", 404),
        ("unpin", "", 201),
        ("lift", "x", 404),
        ("lift", "9" * 30, 404),
        ("hide", "x", 404),
        ("fly", "", 404),
    ],
)
def test_orders_that_mean_something(event, client, action, given, status):
    client.force_login(event.owner)
    url = reverse("live:moderate", args=[event.slug, action])
    assert client.post(url, {"id": given}, headers=AS_SCRIPT).status_code == status
    assert client.get(url).status_code == 405
    assert Client(enforce_csrf_checks=True).post(url, {"id": given}).status_code == 403


def test_moderator_closes_and_opens_the_discussion(event, client):
    client.force_login(event.moderators.get())
    url = reverse("live:moderate", args=[event.slug, "mode"])
    for mode, is_open in (("closed", False), ("approved", True)):
        assert client.post(url, {"id": mode}, headers=AS_SCRIPT).json()["mode"] == mode
        assert Event.objects.get(pk=event.pk).enable_chat is is_open
