"""A person's copy, their erasure, and when rows about people end."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import attendance, questions
from amphi.audience.domain import write_message
from amphi.audience.models import (
    Airing,
    Ballot,
    Event,
    Hand,
    Message,
    Poll,
    Presence,
    Question,
    QuestionVote,
    Registration,
    Reminder,
    Replay,
    StreamMessage,
)
from amphi.audience.speakers import account_speaker
from amphi.mails.models import Mail
from amphi.meetings.models import Attendance, Invitation, Meeting, Session
from amphi.privacy import erasure, holdings, retention
from amphi.privacy.cli import main
from amphi.privacy.exceptions import ErasureError
from amphi.privacy.holdings import Subject
from amphi.webinars.models import Livestream, State
from amphi.worker import tidying
from tests.factories import in_hours, make_meeting, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
WHO = {"user", "identity", "users", "author", "viewer", "address", "to", "invited_by", "created_by", "actor"}


@pytest.fixture
def ada() -> User:
    return make_user("ada", first_name="Ada", last_name="Lovelace", affiliation="student")


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(name="Cours")
    put(livestream, State.LIVE)
    return Event.objects.get(pk=livestream.event_id)


@pytest.fixture
def spoken(ada, event):
    """All that a listener leaves in a live, once under their name and once by their registration."""
    by = account_speaker(ada, event)
    message = write_message(event, speaker=by, text="Bonjour")
    other = write_message(event, user=make_user("bob"), text="Bonjour Ada", reply_to=message.pk)
    question = questions.ask(event, by=by, text="Pourquoi ?")
    questions.vote(event, question.pk, viewer=f"u{ada.pk}", wanted=True)
    poll = Poll.objects.create(event=event, question="Oui ?", state="open")
    Ballot.objects.create(poll=poll, viewer=f"u{ada.pk}").choices.add(
        poll.choices.create(position=0, text="Oui")
    )
    Hand.objects.create(
        event=event, viewer=f"u{ada.pk}", user=ada, name="Ada", raised_at=in_hours(0), seen_at=in_hours(0)
    )
    airing = Airing.objects.create(event=event, began_at=in_hours(0))
    for viewer in (f"u{ada.pk}", "u0"):
        Presence.objects.create(airing=airing, viewer=viewer, minutes=3, first_minute=1, last_minute=3)
    Registration.objects.create(
        event=event, user=ada, name="Ada", address=ada.email, language="fr", told_start_at=in_hours(1)
    )
    Reminder.objects.create(event=event, address=ada.email, language="fr", told_start_at=in_hours(1))
    return message, other


def test_copy_has_all_that_belongs_to_the_account_and_nothing_by_address(ada, event, spoken):
    copy = holdings.copy_of(Subject((ada,)))
    assert copy["messages"][0]["text"] == "Bonjour"
    assert copy["live_attendance"][0]["minutes"] == 3
    assert copy["poll_votes"] == [{"event": "Cours", "poll": "Oui ?", "choice": "Oui"}]
    assert copy["registrations"][0]["address"] == ada.email
    assert copy["reminders"] == []
    assert len(holdings.copy_of(Subject((ada,), ada.email))["reminders"]) == 1
    assert "password" not in json.dumps(copy, default=str)


def test_minutes_under_a_pseudonym_are_found_and_erased(ada, event, spoken):
    attendance.set_pseudonyms(event, wanted=True)
    assert len(holdings.copy_of(Subject((ada,)))["live_attendance"]) == 1
    erasure.erase(Subject((ada,)))
    assert Presence.objects.count() == 1


def test_every_table_about_people_is_in_the_copy():
    read = {section.rows(Subject(())).model for section in holdings.SECTIONS}
    guests = {"Guest", "WrongGuesses"}  # nobody knows who they are
    sessions = {"Session", "SignOnSession", "Launch"}
    about = {
        model
        for model in apps.get_models()
        if WHO & {field.name for field in model._meta.get_fields() if not field.auto_created}
    }
    assert {model.__name__ for model in about - read} <= guests | sessions


def test_erased_person_leaves_what_others_need_without_a_name(ada, event, spoken):
    message, other = spoken
    session = Session.objects.create(
        meeting=event.livestream.meeting, internal_id="s", started_at=in_hours(0)
    )
    Attendance.objects.create(
        session=session, user_id_in_bbb="b", name="Ada", user=ada, joined_at=in_hours(0)
    )
    viewer = f"u{ada.pk}"
    erasure.erase(Subject((ada,), ada.email))
    assert not User.objects.filter(username="ada").exists()
    message.refresh_from_db()
    assert (message.text, message.author_name, message.viewer) == ("Bonjour", "Compte supprimé", "")
    assert Question.objects.get().author_name == "Compte supprimé"
    assert (QuestionVote.objects.count(), Ballot.objects.count(), Question.objects.get().votes) == (1, 1, 1)
    assert not QuestionVote.objects.filter(viewer=viewer).exists()
    assert (Presence.objects.count(), Airing.objects.get().forgotten) == (1, 1)
    assert Attendance.objects.get().name == "Compte supprimé"
    for model in (Hand, Registration, Reminder):
        assert not model.objects.exists()
    told = " ".join(StreamMessage.objects.values_list("data", flat=True))
    assert "Lovelace" not in told
    assert "Bonjour Ada" in told  # the words of somebody else
    assert Message.objects.get(pk=other.pk).author_name != "Compte supprimé"


def test_erasure_deletes_meetings_and_hands_on_those_that_others_present(settings, ada):
    settings.USE_MEETING_WEBINAR = True
    bob = make_user("bob")
    ada.affiliation = "staff"
    ada.save()
    shared = make_webinar(ada, additional_owners=[bob])
    alone = make_webinar(ada, start_at=in_hours(9))
    Invitation.objects.create(
        meeting=shared.meeting, address="zoe@univ.fr", role="listener", invited_by=ada, sent_at=in_hours(0)
    )
    said = " ".join(erasure.consequences(Subject((ada,))))
    assert "1 réunion" in said or "1 meeting" in said
    erasure.erase(Subject((ada,)))
    meeting = Meeting.objects.get()
    assert (meeting.pk, meeting.owner, list(meeting.additional_owners.all())) == (shared.meeting.pk, bob, [])
    assert Event.objects.get().owner == bob
    assert Invitation.objects.get().invited_by == bob
    assert not Livestream.objects.filter(pk=alone.pk).exists()


@pytest.mark.parametrize("runs", ["live", "meeting"])
def test_nobody_is_erased_while_something_of_theirs_runs(settings, ada, runs):
    settings.USE_MEETING_WEBINAR = True
    ada.affiliation = "staff"
    ada.save()
    livestream = make_webinar(ada)
    if runs == "live":
        put(livestream, State.LIVE)
    else:
        Meeting.objects.update(started_at=in_hours(0))
    with pytest.raises(ErasureError):
        erasure.erase(Subject((ada,)))
    assert User.objects.filter(pk=ada.pk).exists()
    assert Livestream.objects.exists()


def test_last_administrator_stays():
    root = make_user(is_superuser=True)
    with pytest.raises(ErasureError):
        erasure.erase(Subject((root,)))


# --- pages


def test_page_gives_the_copy_by_post_and_bounds_it(client, ada, monkeypatch):
    client.force_login(ada)
    page = client.get(reverse("accounts:data")).content.decode()
    assert "30 jours" in page
    assert client.get(reverse("accounts:copy")).status_code == 405
    answer = client.post(reverse("accounts:copy"))
    assert answer.json()["account"][0]["username"] == "ada"
    assert "attachment" in answer["Content-Disposition"]
    monkeypatch.setattr("amphi.pages.accounts.data_views.COPIES_AN_HOUR", 1)
    assert client.post(reverse("accounts:copy")).status_code == 302


def test_page_erases_once_the_name_was_typed(client, ada):
    client.force_login(ada)
    address = reverse("accounts:erase")
    assert "Compte supprimé" in client.get(address).content.decode()
    wrong = client.post(address, {"username": "adda"})
    assert wrong.status_code == 422
    assert 'value="adda"' in wrong.content.decode()
    done = client.post(address, {"username": "ada"}, follow=True)
    assert "Votre compte est effacé" in done.content.decode()
    assert not User.objects.exists()
    assert client.get(address).status_code == 302


# --- the command


@pytest.mark.parametrize("language", ["fr", "en"])
def test_sheet_has_the_times_of_the_settings(settings, capsys, language):
    settings.CONVERSATION_DAYS = 77
    assert main(["sheet", "--language", language]) == 0
    said = capsys.readouterr().out
    assert {"fr": "77 jours", "en": "77 days"}[language] in said
    assert {"fr": "à compléter", "en": "to be filled in"}[language] in said


def test_command_exports_and_erases_by_address(capsys, tmp_path, ada, monkeypatch):
    Mail.objects.create(to="ADA@example.org", subject="Rappel", sent_at=timezone.now())
    out = tmp_path / "ada.json"
    assert main(["export", "ada@example.org", "-o", str(out)]) == 0
    assert json.loads(out.read_text())["emails"][0]["subject"] == "Rappel"
    assert out.stat().st_mode & 0o77 == 0
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert main(["erase", "ada@example.org"]) == 1
    assert User.objects.exists()
    assert main(["erase", "ada@example.org", "--yes"]) == 0
    assert not User.objects.exists()
    assert not Mail.objects.exists()
    capsys.readouterr()
    assert main(["erase", "ada@example.org", "--yes"]) == 1
    assert "ada@example.org" in capsys.readouterr().err


# --- retention


def long_ago(event: Event, days: int) -> None:
    """Have an event, and all that is in it, be that long over."""
    then = timezone.now() - timedelta(days=days)
    livestream = event.livestream
    put(livestream, State.STOPPED)
    Airing.objects.filter(event=event).update(began_at=then, ended_at=then)
    Event.objects.filter(pk=event.pk).update(start_at=then - timedelta(hours=1), end_at=then)
    Livestream.objects.filter(pk=livestream.pk).update(starts_at=then - timedelta(hours=1), ends_at=then)
    Meeting.objects.filter(pk=livestream.meeting_id).update(
        start_at=then - timedelta(hours=1), updated_at=then, duration=timedelta(hours=1)
    )


@pytest.mark.parametrize(
    ("days", "replay", "kept"),
    [
        (9, False, (2, 1, 1, 1)),
        (11, False, (0, 0, 1, 1)),
        (11, True, (2, 1, 1, 1)),
        (21, False, (0, 0, 0, 1)),
        (31, False, (0, 0, 0, 0)),
        (31, True, (2, 1, 0, 1)),
    ],
)
def test_each_family_goes_in_its_time(settings, spoken, days, replay, kept):
    settings.CONVERSATION_DAYS, settings.ATTENDANCE_DAYS, settings.MEETINGS_DAYS = 10, 20, 30
    if replay:
        Replay.objects.create(airing=Airing.objects.get())
    long_ago(spoken[0].event, days)
    tidying.tidy()
    assert tuple(model.objects.count() for model in (Message, Question, Registration, Meeting)) == kept
    assert Event.objects.count() == kept[-1]
    assert Mail.objects.count() == 0


def test_running_and_recurring_and_personal_meetings_stay(settings):
    settings.MEETINGS_DAYS = 30
    then = timezone.now() - timedelta(days=90)
    recurring = make_meeting(start_at=then, recurrence="weekly", recurrence_times=20)
    running = make_meeting(start_at=then)
    Meeting.objects.filter(pk=running.pk).update(started_at=then)
    personal = make_meeting(start_at=then)
    Meeting.objects.filter(pk=personal.pk).update(is_personal=True)
    Meeting.objects.filter(pk=make_meeting(start_at=then).pk)
    Meeting.objects.update(updated_at=then)
    assert retention.remove_meetings(timezone.now()) == 1
    assert set(Meeting.objects.all()) == {recurring, running, personal}


def test_accounts_that_nobody_uses_and_that_own_nothing_go(settings):
    settings.ACCOUNTS_DAYS = 30
    then = timezone.now() - timedelta(days=31)
    unused, owner, staff, recent = (make_user(name) for name in ("unused", "owner", "staff", "recent"))
    make_meeting(owner)
    User.objects.update(date_joined=then)
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    User.objects.filter(pk=recent.pk).update(last_login=timezone.now())
    tidying.tidy()
    assert set(User.objects.all()) == {owner, staff, recent}
    assert not User.objects.filter(pk=unused.pk).exists()
