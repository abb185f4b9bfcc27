"""Registration for those who present: rules, approval, the list and its file, personal links."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from amphi.audience import registration, rights
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, Registration, RegistrationRules
from amphi.mails.models import Mail
from tests.live.registering import (
    BASE,
    FRENCH,
    Status,
    apply,
    claim,
    enter,
    last_link,
    make_event,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = BASE


@pytest.fixture
def event() -> Event:
    return make_event()


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


def test_owner_gives_one_person_another_link(client, event):
    row = enter(Client(), event)
    old, held = last_link(), claim(event, row)
    client.force_login(event.owner)
    url = reverse("webinars:registrations_decide", args=[event.livestream.meeting.slug])
    page = client.post(url, {"pk": str(row.pk), "decision": "renew"}, follow=True, **FRENCH)
    assert "Un nouveau lien personnel" in page.content.decode()
    assert rights.refused([held]) == {held}
    assert Client().get(old).status_code == 404
    assert last_link() != old
    assert Client().get(last_link())["Location"] == event.get_absolute_url()
    # Not without end, and nobody of another event's.
    for _ in range(registration.MAILS_TO_AN_ADDRESS):
        client.post(url, {"pk": str(row.pk), "decision": "renew"})
    row.refresh_from_db()
    assert row.key_number <= registration.MAILS_TO_AN_ADDRESS
    with pytest.raises(RegistrationError):
        registration.renew_link(make_event(), row.pk, user=event.owner)
