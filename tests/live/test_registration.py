"""Registration, from the form to the live page: places, personal links, who came."""

import re
import threading
import time

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from amphi.audience import domain, letters, registration
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, Registration, RegistrationRules
from amphi.audience.personal_links import personal_link
from amphi.audience.registration import Application
from amphi.mails.models import Mail
from amphi.mails.sending import _message
from amphi.system import tickets
from amphi.webinars.models import State
from tests.factories import in_hours, make_user, put
from tests.live.registering import BASE, FRENCH, JSON, Status, apply, enter, last_link, make_event, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = BASE


@pytest.fixture
def event() -> Event:
    return make_event()


# --- from the form to the live


def test_link_of_the_mail_opens_the_live_without_an_account(client, event):
    assert client.get(event.get_absolute_url())["Location"] == page_of(event)
    page = apply(client, event).content.decode()
    assert "lea@example.org" in page
    assert Registration.objects.get().status == Status.UNCONFIRMED
    link = last_link()
    assert client.get(link).status_code == 200
    assert Registration.objects.get().status == Status.UNCONFIRMED  # programs that open links confirm nothing
    assert client.get(event.get_absolute_url())["Location"] == page_of(event)
    assert "inscription est acceptée" in client.post(link, **FRENCH).content.decode()
    row = Registration.objects.get()
    assert row.is_good
    phone = Client()  # another browser of the same person
    assert phone.get(last_link())["Location"] == event.get_absolute_url()
    page = phone.get(event.get_absolute_url(), **FRENCH)
    assert "Léa Dupont" in page.content.decode()
    ticket = page.context["live"]["events_url"].partition("ticket=")[2]
    assert tickets.verify(domain.ticket_key(), ticket, now=time.time()).viewer == f"r{row.pk}"
    assert Client().get(event.get_absolute_url())["Location"] == page_of(event)


def test_mail_of_acceptance_has_the_link_and_the_calendar(client, event):
    row = enter(client, event)
    mail = Mail.objects.order_by("-pk")[0]
    assert personal_link(row) in mail.text
    message = _message(mail).message()
    kinds = [part.get_content_type() for part in message.walk()]
    assert "text/calendar" in kinds
    assert 'method="PUBLISH"' in message.as_string()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_person_who_is_logged_in_is_registered_at_once(client, event):
    user = make_user("lea")
    client.force_login(user)
    assert 'value="lea@example.org"' in client.get(page_of(event)).content.decode()
    assert "inscription est acceptée" in apply(client, event).content.decode()
    page = client.get(event.get_absolute_url())
    ticket = page.context["live"]["events_url"].partition("ticket=")[2]
    assert tickets.verify(domain.ticket_key(), ticket, now=time.time()).viewer == f"u{user.pk}"


def test_who_registered_without_logging_in_finds_their_place_once_logged_in(client, event):
    enter(Client(), event)
    client.force_login(make_user("lea"))
    assert client.get(event.get_absolute_url())["Location"] == page_of(event)
    assert "inscription est acceptée" in apply(client, event).content.decode()
    assert client.get(event.get_absolute_url()).status_code == 200
    assert Registration.objects.count() == 1


def test_owner_asks_what_they_want(client):
    event = make_event(asks_organisation=True, questions=["Votre niveau ?*", "Une remarque"])
    answer = apply(client, event)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["answer0"]
    assert 'value="Léa Dupont"' in answer.content.decode()
    apply(client, event, organisation="Université", answer0="L3", answer1="")
    row = Registration.objects.get()
    assert row.organisation == "Université"
    assert row.answers == [["Votre niveau ?", "L3"], ["Une remarque", ""]]


def test_registration_that_is_offered_shuts_nobody_out(client):
    event = make_event(required=False)
    page = client.get(event.get_absolute_url(), **FRENCH).content.decode()
    assert page_of(event) in page
    row = enter(client, event)
    page = client.get(event.get_absolute_url())
    ticket = page.context["live"]["events_url"].partition("ticket=")[2]
    assert tickets.verify(domain.ticket_key(), ticket, now=time.time()).viewer == row.viewer


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("lea@univ.fr", True),
        ("LEA@UNIV.FR", True),
        ("lea@etu.univ.fr", False),
        ("lea@univ.fr.evil.org", False),
        ("lea@evil-univ.fr", False),
    ],
)
def test_domain_is_the_whole_domain(client, address, fits):
    event = make_event(domains="univ.fr")
    assert apply(client, event, address).status_code == (200 if fits else 422)
    assert Registration.objects.exists() == fits


# --- places


def test_last_place_is_given_once(client):
    event = make_event(capacity=1)
    apply(client, event, "a@example.org")
    first = last_link()
    apply(client, event, "b@example.org")  # nothing is taken until it is confirmed
    second = last_link()
    client.post(second)
    assert "complet" in client.post(first, **FRENCH).content.decode()
    assert Registration.objects.get(address="a@example.org").status == Status.UNCONFIRMED
    assert "complet" in Client().get(page_of(event), **FRENCH).content.decode()
    assert apply(Client(), event, "c@example.org").status_code == 422
    registration.withdraw(Registration.objects.get(address="b@example.org"))
    client.post(first)
    assert Registration.objects.get(address="a@example.org").is_good


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_share_the_last_place():
    event = make_event(capacity=1)
    rows = []
    for name in "ab":
        said = Application(name=name, address=f"{name}@example.org")
        registration.register(event, said, network="n")
        rows.append(Registration.objects.get(address=said.address))
    together, refused = threading.Barrier(2), []

    def confirm(row: Registration) -> None:
        together.wait()
        try:
            registration.confirm(row)
        except RegistrationError:
            refused.append(row)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert Registration.objects.filter(status=Status.ACCEPTED).count() == 1


def test_address_that_is_known_is_not_told(client, event):
    enter(client, event)
    before = Registration.objects.values().get()
    known = apply(Client(), event).content.decode()
    new = apply(Client(), event, "new@example.org").content.decode()
    cut = re.compile(r"[\w.]+@example\.org|csrf\S+|value=\S+")
    assert cut.sub("", known) == cut.sub("", new)
    assert Registration.objects.values().get(pk=before["id"]) == before
    for _ in range(5):
        apply(Client(), event)
    assert Mail.objects.filter(to="lea@example.org").count() <= 2 + registration.MAILS_TO_AN_ADDRESS


# --- who came


def test_who_came_and_who_did_not_are_written_to(client, event):
    came, missed = (enter(Client(), event, f"{name}@example.org") for name in "ab")
    RegistrationRules.objects.update(thanks="Merci d’être venus.", missed="La prochaine fois !")
    assert registration.note_came(event, {came.viewer, "a-visitor", "u0"}) == 1
    assert registration.note_came(event, {came.viewer}) == 0
    put(event.livestream, State.STOPPED, state_since=in_hours(-2))
    Event.objects.update(start_at=in_hours(-4), end_at=in_hours(-2))
    Mail.objects.all().delete()
    letters.look_again(event)
    assert [letters.write_due(), letters.write_due()] == [2, 0]
    texts = dict(Mail.objects.values_list("to", "text"))
    assert "Merci" in texts[came.address]
    assert "prochaine" in texts[missed.address]


def test_who_wants_no_mail_stays_registered(client, event):
    row = enter(client, event)
    path = Mail.objects.order_by("-pk")[0].unsubscribe_url.removeprefix(BASE)
    Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    row.refresh_from_db()
    assert (row.is_good, row.wants_mail, row.due_at) == (True, False, None)
    letters.look_again(event)
    row.refresh_from_db()
    assert row.due_at is None


def test_administration_shows_who_registered_and_deletes_them(client, event):
    row = enter(Client(), event)
    client.force_login(make_user(is_superuser=True, is_staff=True))
    assert row.address in client.get(reverse("admin:audience_registration_changelist")).content.decode()
    assert client.get(reverse("admin:audience_registration_change", args=[row.pk])).status_code == 200
    assert client.get(reverse("admin:audience_registration_add")).status_code == 403
    client.post(reverse("admin:audience_registration_delete", args=[row.pk]), {"post": "yes"})
    assert not Registration.objects.exists()


def test_registered_person_writes_in_their_own_name(client, event):
    row = enter(client, event)
    put(event.livestream, State.LIVE)
    Event.objects.update(enable_chat=True)
    url = reverse("live:message", args=[event.slug])
    answer = client.post(url, {"text": "Bonjour"}, **JSON)
    assert answer.status_code == 201
    assert answer.json()["author"] == row.name
    message = event.messages.get()
    # Their link came by mail: they are no unverified guest.
    assert (message.viewer, message.role) == (row.viewer, "listener")
    registration.decide(event, [row.pk], accept=False, user=event.owner)
    assert client.post(url, {"text": "Encore"}, **JSON).status_code == 403


@pytest.mark.parametrize("name", ["Marie Curie", "curie, marie", "Modérateur"])
def test_name_of_those_who_present_is_not_registered(client, name):
    event = make_event(webinar={"user": make_user("marie", first_name="Marie", last_name="Curie")})
    answer = client.post(page_of(event), {"name": name, "address": "a@example.org"}, **FRENCH)
    assert answer.status_code == 422
    assert "Choisissez-en un autre" in answer.content.decode()
    assert not Registration.objects.exists()
