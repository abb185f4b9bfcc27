"""Registration, from the form to the live page: places, approval, personal links, and what ends them."""

import csv
import io
import re
import threading
import time

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.test import Client
from django.urls import reverse

from amphi.accounts.models import AccessGroup
from amphi.audience import domain, letters, registration, rights
from amphi.audience.claims import claim_of
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, Registration, RegistrationRules
from amphi.audience.personal_links import personal_link
from amphi.audience.registration import Application
from amphi.mails.models import Mail
from amphi.mails.sending import _message
from amphi.system import tickets
from amphi.webinars.models import State
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
FRENCH = {"headers": {"Accept-Language": "fr"}}
JSON = {"headers": {"Accept": "application/json"}}
BASE = "https://amphi.example.org"
Status = Registration.Status


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = BASE


def make_event(*, required: bool = True, webinar: dict | None = None, **rules: object) -> Event:
    event = make_webinar(gateway=make_gateway(), start_at=in_hours(48), **webinar or {}).event
    registration.set_rules(event, is_required=required, is_open=True, **rules)
    event.refresh_from_db()
    return event


@pytest.fixture
def event() -> Event:
    return make_event()


def page_of(event: Event) -> str:
    return reverse("live:registration", args=[event.slug])


def apply(client, event: Event, address: str = "lea@example.org", **more: str):
    return client.post(page_of(event), {"name": "Léa Dupont", "address": address, **more}, **FRENCH)


def last_link() -> str:
    return re.search(BASE + r"(\S+/r/\S+)", Mail.objects.order_by("-pk")[0].text)[1]


def enter(client, event: Event, address: str = "lea@example.org") -> Registration:
    """Register, and confirm from the mail."""
    apply(client, event, address)
    client.post(last_link())
    return Registration.objects.get(event=event, address=address)


def claim(event: Event, row: Registration):
    row = Registration.objects.get(pk=row.pk)
    ticket = domain.ticket_for(Event.objects.get(pk=event.pk), AnonymousUser(), registration=row)
    return claim_of(tickets.verify(domain.ticket_key(), ticket, now=time.time()))


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


# --- approval


def test_owner_accepts_and_refuses(client):
    event = make_event(needs_approval=True)
    rows = [enter(Client(), event, f"{name}@example.org") for name in "abc"]
    assert {row.status for row in rows} == {Status.WAITING}
    client.force_login(event.owner)
    meeting = event.livestream.meeting
    page = client.get(reverse("webinars:registrations", args=[meeting.slug])).content.decode()
    assert all(row.address in page for row in rows)
    url = reverse("webinars:registrations_decide", args=[meeting.slug])
    client.post(url, {"pk": rows[0].pk, "decision": "refuse"})
    client.post(url, {"all": "1"})
    assert list(Registration.objects.order_by("pk").values_list("status", flat=True)) == [
        "refused",
        "accepted",
        "accepted",
    ]
    assert "acceptée" in Mail.objects.filter(to="a@example.org").order_by("-pk")[0].subject
    client.post(url, {"pk": rows[0].pk, "decision": "accept"})
    assert Registration.objects.get(pk=rows[0].pk).is_good


def test_owner_accepts_no_more_than_there_are_places(client):
    event = make_event(capacity=1)
    refused, other = enter(client, event, "a@example.org"), "b@example.org"
    registration.decide(event, [refused.pk], accept=False, user=event.owner)
    enter(Client(), event, other)
    with pytest.raises(RegistrationError):
        registration.decide(event, [refused.pk], accept=True, user=event.owner)


def test_owner_decides_of_their_own_event_only(event):
    row = enter(Client(), make_event(needs_approval=True))
    assert registration.decide(event, [row.pk], accept=True, user=event.owner) == 0


def test_file_of_the_registered(client):
    event = make_event(questions=["Votre niveau ?"])
    apply(client, event, "a@example.org", answer0="=HYPERLINK(1)")
    client.post(last_link())
    client.force_login(event.owner)
    answer = client.get(reverse("webinars:registrations_csv", args=[event.livestream.meeting.slug]), **FRENCH)
    rows = [*csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")]
    assert rows[0][-1] == "Votre niveau ?"
    assert (rows[1][1], rows[1][-1]) == ("a@example.org", "'=HYPERLINK(1)")


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("domains", "not a domain"),
        ("questions", "\n".join("abcdef")),
        ("capacity", "0"),
        ("questions", "x" * 201),
        ("mode", "nonsense"),
    ],
)
def test_rules_that_make_no_sense_are_refused_at_their_field(client, event, field, typed):
    client.force_login(event.owner)
    url = reverse("webinars:change_options", args=[event.livestream.meeting.slug, "registration"])
    answer = client.post(url, {"mode": "required", field: typed})
    assert answer.status_code == 422
    forms = {one["section"].key: one["form"] for one in answer.context["sections"]}
    assert list(forms["registration"].errors) == [field]
    assert typed.split()[0] in answer.content.decode() or field == "mode"


def test_rules_are_written(client, event):
    client.force_login(event.owner)
    url = reverse("webinars:change_options", args=[event.livestream.meeting.slug, "registration"])
    given = {
        "mode": "offered",
        "capacity": "30",
        "domains": "@Univ.fr, etu.univ.fr",
        "questions": "Un\n\nDeux*",
    }
    assert client.post(url, given).status_code == 302
    rules = RegistrationRules.objects.get()
    assert (rules.capacity, rules.domains, rules.questions) == (30, "univ.fr etu.univ.fr", ["Un", "Deux*"])
    event.refresh_from_db()
    assert not event.needs_registration
    client.post(url, {"mode": "none"})
    assert registration.rules_of(event) is None


# --- what ends a right


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
    assert event.messages.get().viewer == row.viewer
    registration.decide(event, [row.pk], accept=False, user=event.owner)
    assert client.post(url, {"text": "Encore"}, **JSON).status_code == 403
