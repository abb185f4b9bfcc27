"""Reminders by mail, from the page to the letter: confirmed, bounded, stopped with one press; nothing is told of an address."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import WrongGuesses
from amphi.audience import letters, reminders
from amphi.audience.models import Event, Reminder
from amphi.mails.models import Mail
from amphi.mails.sending import _message
from amphi.meetings import domain
from amphi.webinars import deletion, saving
from amphi.webinars.models import State
from amphi.worker import tidying
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
ADDRESS = "lea@example.org"
FRENCH = {"headers": {"Accept-Language": "fr"}}


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = "https://amphi.example.org"


@pytest.fixture
def event() -> Event:
    return make_webinar(gateway=make_gateway(), name="La radioactivité", start_at=in_hours(48)).event


def ask(client, event: Event, address: str = ADDRESS):
    return client.post(reverse("live:reminder", args=[event.slug]), {"address": address}, **FRENCH)


def link(mail: Mail) -> str:
    return re.search(r"https://amphi.example.org(\S+/reminder/\S+)", mail.text)[1]


def remind(client, event: Event, address: str = ADDRESS) -> Reminder:
    ask(client, event, address)
    client.post(link(Mail.objects.order_by("-pk")[0]))
    return Reminder.objects.get(event=event, address=address)


def change(event: Event, **fields: object) -> None:
    meeting = event.livestream.meeting
    given = vars(domain.fields_of(meeting)) | fields
    saving.update_meeting(meeting, user=meeting.owner, fields=domain.MeetingFields(**given))


def let_pass(event: Event, time: timedelta) -> None:
    """Have so much time pass: what was to come is nearer, what was told is older."""
    Event.objects.filter(pk=event.pk).update(
        start_at=event.start_at - time, end_at=event.end_at - time, calendar_stamp=in_hours(-1)
    )
    for row in Reminder.objects.filter(event=event):
        row.told_start_at -= time
        row.due_at = timezone.now()
        row.save()


def test_address_is_kept_once_it_is_confirmed(client, event):
    answer = ask(client, event)
    assert answer["Location"] == event.get_absolute_url()
    assert not Reminder.objects.exists()
    mail = Mail.objects.get()
    assert (mail.to, mail.unsubscribe_url) == (ADDRESS, "")
    assert "Confirmez votre rappel" in mail.subject
    page = client.get(link(mail), **FRENCH).content.decode()
    assert ADDRESS in page
    assert not Reminder.objects.exists()  # programs that open links confirm nothing
    assert "Votre rappel est programmé" in client.post(link(mail), **FRENCH).content.decode()
    client.post(link(mail))
    found = Reminder.objects.get()
    assert (found.address, found.language, found.due_at) == (
        ADDRESS,
        "fr",
        event.start_at - timedelta(minutes=15),
    )


def test_person_who_is_logged_in_has_confirmed_already(client, event):
    user = make_user("lea", email="Lea@example.org")
    client.force_login(user)
    page = client.get(event.get_absolute_url()).content.decode()
    assert 'value="Lea@example.org"' in page
    ask(client, event)
    assert Reminder.objects.get().address == ADDRESS
    assert not Mail.objects.exists()
    ask(client, event, "somebody.else@example.org")
    assert Reminder.objects.count() == 1
    assert Mail.objects.get().to == "somebody.else@example.org"
    page = client.get(event.get_absolute_url(), **FRENCH).content.decode()
    assert "Rappel programmé" in page
    client.post(re.search(r'href="(/mail/stop/[^"]+)"', page)[1])
    assert not Reminder.objects.exists()
    assert "Rappel programmé" not in client.get(event.get_absolute_url(), **FRENCH).content.decode()


def test_letter_is_written_once_and_stopped_by_one_press(client, event):
    remind(client, event)
    Mail.objects.all().delete()
    assert (letters.is_due(), letters.write_due()) == (False, 0)
    let_pass(event, timedelta(hours=47.8))
    assert letters.is_due()
    assert [letters.write_due(), letters.write_due()] == [1, 0]
    mail = Mail.objects.get()
    assert "Bientôt" in mail.subject
    assert event.get_absolute_url() in mail.text
    sent = _message(mail).message()
    assert sent["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = mail.unsubscribe_url.removeprefix("https://amphi.example.org")
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(path).status_code == 200
    assert Reminder.objects.exists()
    assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Reminder.objects.exists()
    assert strict.post(path).status_code == 200  # twice does no harm
    assert strict.get(path).status_code == 404


def test_letters_follow_a_webinar_that_moves(client, event):
    remind(client, event)
    Mail.objects.all().delete()
    change(event, start_at=in_hours(72))
    assert letters.write_due() == 0  # it may be moved once more
    Event.objects.update(calendar_stamp=in_hours(-1))
    Reminder.objects.update(due_at=timezone.now())
    assert letters.write_due() == 1
    assert "Nouvelle date" in Mail.objects.get().subject
    event.refresh_from_db()
    assert Reminder.objects.get().due_at == event.start_at - timedelta(minutes=15)


def test_thousands_are_told_at_once(event, django_assert_max_num_queries):
    rows = [
        Reminder(
            event=event,
            address=f"a{number}@example.org",
            language="fr" if number % 2 else "en",
            told_start_at=event.start_at,
        )
        for number in range(2000)
    ]
    Reminder.objects.bulk_create(rows)
    with django_assert_max_num_queries(10):
        assert letters.cancel(event) == len(rows)
    subjects = set(Mail.objects.values_list("subject", flat=True))
    assert len(subjects) == 2
    assert Mail.objects.values("to").distinct().count() == len(rows)


@pytest.mark.parametrize("how", ["delete", "untick"])
def test_letters_tell_that_it_is_cancelled(client, event, how):
    remind(client, event)
    Mail.objects.all().delete()
    meeting = event.livestream.meeting
    if how == "delete":
        deletion.delete(meeting, user=meeting.owner, tells_invited=False)
    else:
        change(event, is_webinar=False)
    assert "Annulation" in Mail.objects.get(to=ADDRESS).subject
    assert not Reminder.objects.exists()


def test_nothing_is_cancelled_that_was_over(client, event):
    remind(client, event)
    Mail.objects.all().delete()
    put(event.livestream, State.STOPPED)
    meeting = event.livestream.meeting
    deletion.delete(meeting, user=meeting.owner, tells_invited=False)
    assert not Mail.objects.exists()


def test_answer_tells_nothing_of_an_address(client, event):
    remind(client, event)
    said = set()
    for address in (ADDRESS, "new@example.org", *["often@example.org"] * 5):
        answer = client.post(
            reverse("live:reminder", args=[event.slug]), {"address": address}, follow=True, **FRENCH
        )
        said.add(str([*answer.context["messages"]][-1]))
    assert len(said) == 1
    assert Mail.objects.filter(to="often@example.org").count() == reminders.MAILS_TO_AN_ADDRESS


def test_requests_from_one_network_are_bounded(client, event, monkeypatch):
    monkeypatch.setattr(reminders, "MAILS_FROM_A_NETWORK", 2)
    for number in range(3):
        answer = ask(client, event, f"a{number}@example.org")
    assert answer.status_code == 422
    assert "Trop de demandes" in answer.content.decode()
    assert 'value="a2@example.org"' in answer.content.decode()
    assert Mail.objects.count() == 2


@pytest.mark.parametrize("name", ["MOST_OF_AN_EVENT", "MOST_OF_AN_ADDRESS"])
def test_reminders_are_bounded(client, event, monkeypatch, name):
    remind(client, event)
    monkeypatch.setattr(reminders, name, 1)
    other = make_webinar(gateway=make_gateway(), start_at=in_hours(50)).event
    about, address = (event, "b@example.org") if name == "MOST_OF_AN_EVENT" else (other, ADDRESS)
    ask(client, about, address)
    page = client.post(link(Mail.objects.order_by("-pk")[0]), **FRENCH).content.decode()
    assert "Aucun rappel" in page
    assert Reminder.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_not_both_the_last_allowed(event, monkeypatch):
    monkeypatch.setattr(reminders, "MOST_OF_AN_EVENT", 1)
    together, refused = threading.Barrier(2), []

    def add(address: str) -> None:
        together.wait()
        try:
            reminders._add(event, address, "fr")
        except reminders.ReminderError:
            refused.append(address)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add, args=[f"{name}@example.org"]) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Reminder.objects.count(), len(refused)) == (1, 1)


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: c@example.org", "x" * 250 + "@example.org"])
def test_what_is_no_address_is_refused_at_its_field(client, event, address):
    answer = ask(client, event, address)
    assert answer.status_code == 422
    assert answer.context["form"].errors["address"]
    assert not Mail.objects.exists()


@pytest.mark.parametrize("token", ["nonsense", "a:b:c"])
def test_forged_link_confirms_nothing(client, event, token):
    url = reverse("live:confirm_reminder", args=[event.slug, token])
    assert (client.get(url).status_code, client.post(url).status_code) == (404, 404)
    assert client.get(reverse("live:unsubscribe", args=[token])).status_code == 404
    assert not Reminder.objects.exists()


def test_link_is_for_its_event_and_for_two_days(client, event, monkeypatch):
    ask(client, event)
    other = make_webinar(gateway=make_gateway(), start_at=in_hours(50)).event
    path = link(Mail.objects.get())
    assert client.post(path.replace(event.slug, other.slug)).status_code == 404
    monkeypatch.setattr(reminders, "CONFIRM_WITHIN", timedelta(seconds=-1))
    assert "n’est plus valide" in client.get(path, **FRENCH).content.decode()


def test_nothing_is_to_be_reminded_of_once_it_runs(client, event):
    put(event.livestream, State.LIVE)
    assert ask(client, event).status_code == 422
    assert (
        reverse("live:reminder", args=[event.slug])
        not in client.get(event.get_absolute_url()).content.decode()
    )


def test_addresses_go_a_week_after(client, event):
    remind(client, event)
    tidying.tidy()
    assert Reminder.objects.exists()
    Event.objects.update(start_at=in_hours(-24 * 9), end_at=in_hours(-24 * 8))
    tidying.tidy()
    assert not Reminder.objects.exists()
    assert WrongGuesses.objects.exists()
