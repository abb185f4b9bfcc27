"""Registration: what ends a right to watch, and what a personal link opens."""

import time

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from amphi.accounts.models import AccessGroup
from amphi.audience import domain, registration, rights
from amphi.audience.claims import claim_of
from amphi.audience.models import Event, Registration
from amphi.audience.personal_links import personal_link
from amphi.system import tickets
from tests.factories import make_user
from tests.live.registering import (
    BASE,
    JSON,
    Status,
    apply,
    claim,
    enter,
    last_link,
    make_event,
    page_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = BASE


@pytest.fixture
def event() -> Event:
    return make_event()


def withdraw(event: Event, row: Registration) -> None:
    registration.withdraw(row)


def refuse(event: Event, row: Registration) -> None:
    registration.decide(event, [row.pk], accept=False, user=event.owner)


def renew_link(event: Event, row: Registration) -> None:
    Registration.objects.filter(pk=row.pk).update(key_number=1)


def make_draft(event: Event, row: Registration) -> None:
    Event.objects.filter(pk=event.pk).update(is_draft=True)


def restrict(event: Event, row: Registration) -> None:
    Event.objects.filter(pk=event.pk).update(is_restricted=True)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("withdraw_right", [withdraw, refuse, renew_link, make_draft, restrict])
def test_right_that_ends_ends_the_ticket_and_the_link(client, withdraw_right, required):
    event = make_event(required=required)
    row = enter(client, event)
    link = last_link()
    held = claim(event, row)
    assert rights.refused([held]) == set()
    withdraw_right(event, row)
    assert rights.refused([held]) == {held}
    answer = Client().get(link)
    assert (
        answer.status_code != 302
        or answer["Location"] != event.get_absolute_url()
        or withdraw_right is restrict
    )


def test_withdrawn_place_is_given_back_by_its_holder(client, event):
    row = enter(client, event)
    client.post(page_of(event), {"withdraw": "1"})
    assert Registration.objects.get().status == Status.WITHDRAWN
    assert client.get(event.get_absolute_url())["Location"] == page_of(event)
    old = personal_link(row)
    apply(client, event)
    assert last_link() not in old  # who registers again has another link


def test_rule_for_many_is_the_rule_for_one(settings):
    group = AccessGroup.objects.create(code_name="l1", display_name="L1")
    for restricted in (False, True):
        for required in (False, True):
            event = make_event(required=required)
            Event.objects.filter(pk=event.pk).update(is_restricted=restricted)
            event.refresh_from_db()
            event.access_groups.add(group)
            member, stranger, registered_member, registered_stranger = (make_user() for _ in range(4))
            for user in (member, registered_member):
                user.access_groups.add(group)
            held = {}
            for user in (registered_member, registered_stranger, None):
                row = Registration.objects.create(
                    event=event,
                    address=f"{user}@example.org",
                    name="x",
                    user=user,
                    status=Status.ACCEPTED,
                    told_start_at=event.start_at,
                )
                held[claim(event, row)] = rights.can_watch(AnonymousUser(), event, row)
            for user in (
                AnonymousUser(),
                member,
                stranger,
                registered_member,
                registered_stranger,
                event.owner,
            ):
                ticket = tickets.verify(domain.ticket_key(), domain.ticket_for(event, user), now=time.time())
                held[claim_of(ticket)] = rights.can_watch(user, event)
            refused = rights.refused(held)
            assert {one: one not in refused for one in held} == held


def test_crowd_of_registered_costs_few_readings(event, django_assert_num_queries):
    from amphi.audience.claims import Claim  # noqa: PLC0415

    claims = [Claim(event.pk, f"r{number}", "x") for number in range(500)]
    with django_assert_num_queries(3):
        assert rights.refused(claims) == set(claims)


PEOPLE = ("anonymous", "unconfirmed", "waiting", "registered", "refused", "account", "owner")
# What each gets of a live that is for the registered: the page, or the registration.
TO_REGISTER = "registration"
PAGES = {
    "event": (TO_REGISTER, TO_REGISTER, TO_REGISTER, 200, TO_REGISTER, 200, 200),
    "state": (TO_REGISTER, TO_REGISTER, TO_REGISTER, 200, TO_REGISTER, 200, 200),
    "calendar": (TO_REGISTER, TO_REGISTER, TO_REGISTER, 200, TO_REGISTER, 200, 200),
    "reminder": (TO_REGISTER, TO_REGISTER, TO_REGISTER, 200, TO_REGISTER, 200, 200),
    "registration": (200, 200, 200, 200, 200, 200, 200),
}


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix_of_a_live_for_the_registered(event, person):
    client = Client()
    status = {"registered": Status.ACCEPTED}.get(person, person)
    row = Registration.objects.create(
        event=event, address="lea@example.org", name="Léa", told_start_at=event.start_at
    )
    if status in Status.values:
        Registration.objects.filter(pk=row.pk).update(status=status)
        client.get(personal_link(row).removeprefix(BASE))
    if person == "account":
        user = make_user()
        Registration.objects.filter(pk=row.pk).update(status=Status.ACCEPTED, user=user)
        client.force_login(user)
    if person == "owner":
        client.force_login(event.owner)
    got = {}
    for name in PAGES:
        answer = client.get(reverse(f"live:{name}", args=[event.slug]))
        is_sent = answer.status_code == 302 and answer["Location"] == page_of(event)
        got[name] = TO_REGISTER if is_sent else answer.status_code
    assert got == {name: row_[PEOPLE.index(person)] for name, row_ in PAGES.items()}


# --- other doors


def test_password_is_asked_before_registering(client):
    event = make_event(webinar={"password": "sésame"})
    door = reverse("live:door", args=[event.slug])
    assert client.get(event.get_absolute_url())["Location"] == page_of(event)
    assert client.get(page_of(event))["Location"] == door
    assert client.get(door).status_code == 200
    client.post(door, {"password": "sésame"})
    row = enter(client, event)
    phone = Client()
    phone.get(personal_link(row).removeprefix(BASE))
    assert phone.get(event.get_absolute_url()).status_code == 200


def test_restricted_event_takes_registrations_of_those_who_may_watch(client):
    event = make_event(webinar={"is_restricted": True})
    assert client.get(page_of(event))["Location"].startswith("/accounts/login/")
    client.force_login(make_user())
    assert client.get(page_of(event)).status_code == 200


def test_script_is_told_that_it_is_to_register(client, event):
    answer = client.get(reverse("live:state", args=[event.slug]), **JSON)
    assert (answer.status_code, answer.json()) == (403, {"error": "registration_required"})


@pytest.mark.parametrize("token", ["1-nonsense", "nonsense", "99999999999999999999-x", "-", "1"])
def test_forged_link_opens_nothing(client, event, token):
    enter(Client(), event)
    url = reverse("live:registered", args=[event.slug, token])
    assert (client.get(url).status_code, client.post(url).status_code) == (404, 404)


def test_link_opens_its_event_only(client, event):
    link = personal_link(enter(client, event)).removeprefix(BASE)
    other = make_event()
    assert Client().get(link.replace(event.slug, other.slug)).status_code == 404
