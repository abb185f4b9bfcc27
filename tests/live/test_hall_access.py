"""Who may in the hall: each kind of person over page, facts, stream, messages, reactions and order."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from amphi.audience import claims, domain, rights
from amphi.audience.guests import become_guest
from amphi.audience.models import Event, Message, Restraint
from amphi.pages.live.viewers import VISITOR_COOKIE
from amphi.system import tickets
from amphi.webinars.models import State
from tests.factories import make_user, make_webinar, put

pytestmark = pytest.mark.django_db

AS_SCRIPT = {"Accept": "application/json"}
VISITOR = "abcdefghijklmnop"
NETWORK = "127.0.0.1"
PEOPLE = ("stranger", "guest", "banned guest", "listener", "muted", "banned", "moderator", "owner")
# What each gets, in the order of PEOPLE; a stranger is a browser without a name.
MATRIX = {
    "page": (200, 200, 403, 200, 200, 403, 200, 200),
    "facts": (200, 200, 403, 200, 200, 403, 200, 200),
    "stream": (True, True, False, True, True, False, True, True),
    "write": (401, 201, 403, 201, 422, 403, 201, 201),
    "react": (401, 200, 403, 200, 422, 403, 200, 200),
    "moderation": (401, 401, 403, 403, 403, 403, 200, 200),
    "hide": (401, 401, 403, 403, 403, 403, 201, 201),
}


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(make_user("owner"), enable_chat=True)
    put(livestream, State.LIVE)
    event = livestream.event
    event.moderators.add(make_user("moderator"))
    Event.objects.filter(pk=event.pk).update(guests_may_write=True)
    return Event.objects.get(pk=event.pk)


def client_of(event: Event, person: str) -> Client:
    client = Client()
    if person == "stranger":
        return client
    if person.endswith("guest"):
        client.cookies[VISITOR_COOKIE] = VISITOR
        become_guest(event, viewer=f"a{VISITOR}", name="Zoé", network=NETWORK)
        viewer = f"a{VISITOR}"
    else:
        user = (
            event.owner
            if person == "owner"
            else event.moderators.first()
            if person == "moderator"
            else make_user(person)
        )
        client.force_login(user)
        viewer = f"u{user.pk}"
    if "banned" in person or person == "muted":
        kind = "muted" if person == "muted" else "banned"
        Restraint.objects.create(event=event, viewer=viewer, kind=kind, name=person)
    return client


def hears(event: Event, client: Client, person: str) -> bool:
    """Whether a ticket that was given before opens the stream now."""
    page = Client() if "banned" in person else client
    text = page.get(event.get_absolute_url()).content.decode()
    ticket = re.search(r"ticket=([^\"&]+)", text)[1]
    claim = claims.claim_of(tickets.verify(domain.ticket_key(), ticket, now=0))
    if "banned" in person:
        claim = claim._replace(viewer=Restraint.objects.get().viewer)
    return not rights.refused([claim])


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix_of_the_hall(event, person):
    said = domain.write_message(event, user=make_user("lea"), text="Bonjour")
    client = client_of(event, person)

    def post(name: str, *args: str, **data: str) -> int:
        url = reverse(f"live:{name}", args=[event.slug, *args])
        return client.post(url, data, headers=AS_SCRIPT).status_code

    def get(name: str) -> int:
        return client.get(reverse(f"live:{name}", args=[event.slug]), headers=AS_SCRIPT).status_code

    got = {
        "page": client.get(event.get_absolute_url()).status_code,
        "facts": get("state"),
        "stream": hears(event, client, person),
        "write": post("message", text="Bonjour"),
        "react": post("react", message=str(said.pk), kind="clap", wanted="1"),
        "moderation": get("moderation"),
        "hide": post("moderate", "hide", id=str(said.pk)),
    }
    assert got == {name: row[PEOPLE.index(person)] for name, row in MATRIX.items()}
    said.refresh_from_db()
    assert said.visibility == ("hidden" if person in {"moderator", "owner"} else "shown")


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
    for person, seen in (("stranger", False), ("listener", False), ("moderator", True), ("owner", True)):
        client = client_of(event, person)
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
