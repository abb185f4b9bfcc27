"""Inviting by mail: who gets which link, in which language, and the page."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import User
from amphi.mails.models import Mail
from amphi.meetings import domain
from amphi.meetings.exceptions import TooManyInvitationsError
from amphi.meetings.models import Invitation, Meeting
from amphi.webinars import deletion, invitations, saving
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import State
from tests.factories import make_meeting, make_user, make_webinar, put
from tests.meetings.pages import text_of
from tests.webinars.test_race_locks import Other, wait_until, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = "https://amphi.univ.fr"


@pytest.fixture
def marie(client):
    user = make_user("marie", first_name="Marie", last_name="Curie")
    client.force_login(user)
    return user


def invite_url(meeting: Meeting) -> str:
    return reverse("meetings:invite", args=[meeting.slug])


def data(**fields: str) -> dict[str, str]:
    return {
        "addresses": "jean@univ.fr",
        "role": "listener",
        "word": "",
        "language": "fr",
        "step": "send",
    } | fields


def line(mail: Mail, name: str) -> str:
    unfolded = mail.calendar.replace("\r\n ", "")
    return re.search(rf"^{name}:(.*)\r$", unfolded, re.MULTILINE)[1]


# --- the link that is right for the reader


def test_listeners_get_the_live_page_and_presenters_the_meeting(client, marie):
    livestream = make_webinar(marie)
    meeting = livestream.meeting
    client.post(invite_url(meeting), data(addresses="jean@univ.fr"))
    client.post(invite_url(meeting), data(addresses="irene@univ.fr", role="presenter"))
    listener, presenter = Mail.objects.order_by("pk")
    live = "https://amphi.univ.fr" + livestream.event.get_absolute_url()
    room = f"https://amphi.univ.fr/meetings/{meeting.slug}/join/{meeting.presenter_key}/"
    assert (listener.to, line(listener, "URL")) == ("jean@univ.fr", live)
    assert (presenter.to, line(presenter, "URL")) == ("irene@univ.fr", room)
    for mail, right, wrong in ((listener, live, room), (presenter, room, live)):
        assert right in mail.text
        assert f'href="{right}"' in mail.html
        assert wrong not in mail.text + mail.html + mail.calendar


def test_participants_of_a_plain_meeting_get_its_door_and_password(client, marie):
    meeting = make_meeting(marie, password="sésame & <co>")
    client.post(invite_url(meeting), data(role="presenter"))
    mail = Mail.objects.get()
    assert line(mail, "URL") == f"https://amphi.univ.fr/meetings/{meeting.slug}/join/"
    assert "sésame & <co>" in mail.text
    assert "sésame &amp; &lt;co&gt;" in mail.html
    assert Invitation.objects.get().role == "participant"


def test_password_of_a_webinar_is_for_its_listeners(client, marie):
    meeting = make_webinar(marie, password="sésame").meeting
    client.post(invite_url(meeting), data(addresses="a@univ.fr"))
    client.post(invite_url(meeting), data(addresses="b@univ.fr", role="presenter"))
    listener, presenter = Mail.objects.order_by("pk")
    assert "sésame" in listener.text
    assert "sésame" in listener.html
    assert "sésame" not in presenter.text + presenter.html + presenter.calendar


# --- languages


def test_known_reader_is_written_to_in_their_language(client, marie):
    make_user("john", language="en")
    meeting = make_webinar(marie, name="Optique").meeting
    client.post(invite_url(meeting), data(addresses="jean@univ.fr, john@example.org"))
    french, english = Mail.objects.order_by("pk")
    assert french.subject.startswith("Invitation\u00a0: «\u00a0Optique\u00a0», ")
    assert "Marie Curie vous invite au webinaire «\u00a0Optique\u00a0»." in french.text
    assert english.subject.startswith("Invitation: “Optique”, ")
    assert "Marie Curie invites you to the webinar “Optique”." in english.text


def test_language_chosen_on_the_page_is_that_of_the_mails(client, marie):
    client.post(reverse("accounts:language"), {"language": "en"})
    marie.refresh_from_db()
    assert marie.language == "en"
    client.post(reverse("accounts:language"), {"language": "nonsense"})
    marie.refresh_from_db()
    assert marie.language == "en"


# --- calendars


def test_calendar_follows_the_meeting(client, marie):
    meeting = make_meeting(marie)
    client.post(invite_url(meeting), data(language="en", addresses="jean@univ.fr, john@univ.fr"))
    fields = domain.fields_of(meeting)
    saving.update_meeting(meeting, user=marie, fields=fields)  # nothing changed
    moved = {**vars(fields), "start_at": fields.start_at + timedelta(hours=1)}
    saving.update_meeting(meeting, user=marie, fields=domain.MeetingFields(**moved))
    client.post(reverse("meetings:invite_again", args=[meeting.slug]))
    first, _, second, _ = Mail.objects.order_by("pk")
    assert line(first, "UID") == line(second, "UID")
    assert (line(first, "SEQUENCE"), line(second, "SEQUENCE")) == ("0", "1")
    assert line(first, "DTSTART") != line(second, "DTSTART")
    assert second.subject.startswith("Changed: ")
    assert Invitation.objects.count() == 2


def test_those_invited_as_presenters_stay_presenters_when_told_again(client, marie):
    meeting = make_webinar(marie).meeting
    client.post(invite_url(meeting), data(role="presenter"))
    client.post(reverse("meetings:invite_again", args=[meeting.slug]))
    assert [meeting.presenter_key in mail.text for mail in Mail.objects.all()] == [True, True]


# --- the page


def test_preview_shows_what_will_be_sent_and_sends_nothing(client, marie):
    meeting = make_webinar(marie, name="Optique").meeting
    sent = data(step="preview", word="À très vite & merci", addresses="jean@univ.fr\nirene@univ.fr")
    page = client.post(invite_url(meeting), sent)
    text = text_of(page)
    assert "Marie Curie vous invite au webinaire" in text
    assert "À très vite &amp; merci" in text
    assert "jean@univ.fr, irene@univ.fr" in text
    assert "Envoyer à 2 personnes" in text
    assert not Mail.objects.exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("jean@univ.fr, pierre, @univ.fr", "pierre, @univ.fr"),
        ("", "obligatoire"),
        (" ".join(f"a{n}@univ.fr" for n in range(201)), "200"),
        ("x" * 20_001, "20001"),
    ],
)
def test_wrong_addresses_are_told_at_the_field_and_nothing_is_lost(client, marie, typed, said):
    meeting = make_webinar(marie).meeting
    page = client.post(invite_url(meeting), data(addresses=typed, word="un mot"))
    form = page.context["form"]
    assert page.status_code == 422
    assert said in re.sub(r"\s", "", "".join(form.errors["addresses"])) or said in form.errors["addresses"][0]
    assert (form["addresses"].value(), form["word"].value()) == (typed, "un mot")
    assert not Mail.objects.exists()


def test_addresses_as_people_paste_them(client, marie):
    meeting = make_meeting(marie)
    typed = 'Jean Perrin <jean@univ.fr>; irene@univ.fr\r\n  IRENE@univ.fr, "Joliot, F." <fred@univ.fr>\n'
    client.post(invite_url(meeting), data(addresses=typed))
    assert [mail.to for mail in Mail.objects.order_by("pk")] == [
        "jean@univ.fr",
        "irene@univ.fr",
        "fred@univ.fr",
    ]


def test_sending_tells_how_many(client, marie):
    meeting = make_meeting(marie)
    page = client.post(invite_url(meeting), data(addresses="a@univ.fr, b@univ.fr"), follow=True)
    assert "2 invitations en cours d’envoi." in text_of(page)


@pytest.mark.parametrize(("limit", "length"), [("MOST_IN_AN_HOUR", 1), ("MOST_IN_A_DAY", 24)])
def test_mails_of_an_hour_and_of_a_day_are_limited(client, marie, monkeypatch, limit, length):
    monkeypatch.setattr(invitations, limit, 2)
    meeting = make_meeting(marie)
    client.post(invite_url(meeting), data(addresses="a@univ.fr, b@univ.fr"))
    page = client.post(invite_url(meeting), data(addresses="c@univ.fr"))
    assert page.status_code == 422
    assert Mail.objects.count() == 2
    Mail.objects.update(created_at=timezone.now() - timedelta(hours=length, minutes=1))
    assert client.post(invite_url(meeting), data(addresses="c@univ.fr")).status_code == 302


@pytest.mark.parametrize("loop", ["again", "another word", "another role"])
def test_inviting_the_same_people_in_a_loop_is_limited(client, marie, monkeypatch, loop):
    monkeypatch.setattr(invitations, "MOST_IN_AN_HOUR", 5)
    meeting = make_webinar(marie).meeting
    client.post(invite_url(meeting), data(addresses="a@univ.fr, b@univ.fr"))
    for number in range(10):
        Meeting.objects.update(name=f"Cours {number}")
        role = ("listener", "presenter")[number % 2]
        if loop == "again":
            client.post(reverse("meetings:invite_again", args=[meeting.slug]))
        else:
            given = {"word": str(number)} if loop == "another word" else {"role": role}
            client.post(invite_url(meeting), data(addresses="a@univ.fr, b@univ.fr", **given))
    assert Mail.objects.count() == 4


def test_send_that_is_pressed_twice_mails_once(client, marie):
    meeting = make_webinar(marie).meeting
    pages = [client.post(invite_url(meeting), data(), follow=True) for _ in range(2)]
    assert Mail.objects.count() == 1
    assert "1 invitation en cours d’envoi" in text_of(pages[0])
    assert "déjà en cours d’envoi" in text_of(pages[1])
    for _ in range(2):
        client.post(reverse("meetings:invite_again", args=[meeting.slug]))
    assert Mail.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_send_at_once_are_counted_one_after_the_other(marie, monkeypatch):
    monkeypatch.setattr(invitations, "MOST_IN_AN_HOUR", 1)
    meeting = make_meeting(marie)
    letter = invitations.Letter(role=invitations.Role.PARTICIPANT, language="fr")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=marie.pk)
        both = [
            Other(lambda to=to: invitations.invite(meeting, [to], letter, user=marie))
            for to in ("a@univ.fr", "b@univ.fr")
        ]
        wait_until(lambda: waiting() >= 2)
    refused = 0
    for one in both:
        try:
            one.wait()
        except TooManyInvitationsError:
            refused += 1
    assert (refused, Mail.objects.count()) == (1, 1)


@pytest.mark.parametrize("state", [State.IDLE, State.LIVE])
def test_nobody_is_invited_to_what_was_deleted_meanwhile(client, marie, state):
    livestream = make_webinar(marie)
    put(livestream, state)
    deletion.delete(Meeting.objects.get(), user=marie, tells_invited=False)
    letter = invitations.Letter(role=invitations.Role.LISTENER, language="fr")
    with pytest.raises(MeetingDeletedError):
        invitations.invite(livestream.meeting, ["a@univ.fr"], letter, user=marie)
    assert not Mail.objects.exists()


# --- another link for presenters


def test_new_link_for_presenters_replaces_the_one_of_before(client, marie):
    livestream = make_webinar(marie)
    meeting = livestream.meeting
    client.post(invite_url(meeting), data(role="presenter"))
    before = reverse("meetings:join_invited", args=[meeting.slug, meeting.presenter_key])
    url = reverse("meetings:renew_link", args=[meeting.slug])
    assert "ne fonctionnera plus" in text_of(client.get(url))
    meeting.refresh_from_db()
    assert meeting.presenter_key_number == 0
    page = client.post(url, follow=True)
    assert "nouveau lien" in text_of(page)
    assert page.request["PATH_INFO"] == invite_url(meeting)
    meeting.refresh_from_db()
    after = reverse("meetings:join_invited", args=[meeting.slug, meeting.presenter_key])
    guest = Client()
    assert (guest.get(before).status_code, guest.get(after).status_code) == (404, 200)
    assert meeting.calendar_sequence == 1
    client.post(reverse("meetings:invite_again", args=[meeting.slug]))
    assert after in Mail.objects.first().text


def test_new_link_is_for_those_who_moderate_and_for_webinars(client, marie):
    plain = make_meeting(marie)
    assert client.post(reverse("meetings:renew_link", args=[plain.slug])).status_code == 404
    webinar = make_webinar(marie).meeting
    client.force_login(make_user())
    assert client.post(reverse("meetings:renew_link", args=[webinar.slug])).status_code == 403


# --- whose language


@pytest.mark.parametrize(
    "typed", ["jean.dupont@univ.example", "JEAN.DUPONT@UNIV.EXAMPLE", "Jean.Dupont@Univ.example"]
)
def test_language_of_an_account_whatever_the_case_of_its_address(client, marie, typed):
    make_user("jean", email="Jean.Dupont@Univ.example", language="en")
    client.post(invite_url(make_meeting(marie)), data(addresses=typed))
    assert "invites you" in Mail.objects.get().text


def test_word_is_escaped_in_html(client, marie):
    meeting = make_meeting(marie, name="<b>Optique</b>")
    client.post(invite_url(meeting), data(word="<script>x</script>"))
    mail = Mail.objects.get()
    assert "<script>" not in mail.html
    assert "<b>Optique" not in mail.html
    assert "<script>x</script>" in mail.text


# --- when it does not take place


def test_who_was_invited_is_told_of_the_end(client, marie):
    make_user("john", language="en")
    meeting = make_webinar(marie, name="Optique").meeting
    client.post(invite_url(meeting), data(addresses="jean@univ.fr, john@example.org"))
    uid = line(Mail.objects.first(), "UID")
    Mail.objects.all().delete()
    url = reverse("meetings:delete", args=[meeting.slug])
    assert "Prévenir par courriel les 2 personnes invitées" in text_of(client.get(url))
    client.post(url, {"tells_invited": "on"})
    french, english = Mail.objects.order_by("pk")
    assert french.subject.startswith("Annulation\u00a0: «\u00a0Optique\u00a0», ")
    assert "annulation par Marie Curie" in french.text
    assert "cancelled by Marie Curie" in english.html
    for mail in (french, english):
        entry = {name: line(mail, name) for name in ("UID", "METHOD", "STATUS", "SEQUENCE")}
        assert entry == {"UID": uid, "METHOD": "CANCEL", "STATUS": "CANCELLED", "SEQUENCE": "1"}
        assert "BEGIN:VALARM" not in mail.calendar
        assert "/live/" not in mail.text + mail.html + mail.calendar


def test_deleting_a_running_webinar_twice_tells_once(client, marie):
    livestream = make_webinar(marie)
    client.post(invite_url(livestream.meeting), data())
    Mail.objects.all().delete()
    put(livestream, State.LIVE)
    for _ in range(2):
        client.post(reverse("meetings:delete", args=[livestream.meeting.slug]), {"tells_invited": "on"})
    assert Mail.objects.count() == 1


def test_nobody_is_told_when_that_is_not_wanted(client, marie):
    meeting = make_meeting(marie)
    client.post(invite_url(meeting), data(role="participant"))
    Mail.objects.all().delete()
    client.post(reverse("meetings:delete", args=[meeting.slug]))
    assert not Mail.objects.exists()
    assert not Meeting.objects.exists()
