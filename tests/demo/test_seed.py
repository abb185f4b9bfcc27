"""What the demo's database holds, and which database it refuses."""

import json
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import attendance_report
from amphi.audience.models import (
    Airing,
    Event,
    EventState,
    Message,
    MessageReaction,
    Poll,
    Question,
    QuestionVote,
    Registration,
)
from amphi.demo import database, lecture, seed, show, talk
from amphi.meetings.models import Attendance, Meeting

pytestmark = pytest.mark.django_db

STREAMS = [
    {
        "name": name,
        "title": title,
        "hls_url": f"http://127.0.0.1:8003/hls/{name}.m3u8",
        "rtmp_url": f"rtmp://127.0.0.1/live/{name}",
    }
    for name, title in (("salle-1", "Amphi A"), ("salle-2", "Amphi B"))
]
PASSWORDS = dict.fromkeys(("camille", "lea", "hugo", "admin"), "mot-de-passe")


@pytest.fixture(autouse=True)
def _webinars(settings: Any) -> None:
    settings.USE_MEETING_WEBINAR = True


def fill() -> None:
    seed.fill_accounts(PASSWORDS, new=False)
    seed.fill_gateways(STREAMS, "http://127.0.0.1:8002", "token")
    seed.fill_webinars()


def counted() -> dict[str, int]:
    models: list[Any] = [
        User,
        Meeting,
        Event,
        Message,
        MessageReaction,
        Question,
        QuestionVote,
        Poll,
        Registration,
        Attendance,
    ]
    return {model.__name__: model.objects.count() for model in models}


def test_seed_has_a_past_webinar_one_of_today_and_one_with_registration() -> None:
    fill()
    past, today, coming = Event.objects.order_by("start_at")
    assert past.state == EventState.OVER
    assert past.messages.count() == len(lecture.MESSAGES)
    assert past.questions.exclude(answer="").count() >= 3
    assert past.start_at.date() < timezone.now().date()
    poll = past.polls.get()
    votes = [choice.ballots.count() for choice in poll.choices.all()]
    assert votes == [count for _text, count in lecture.CHOICES]
    assert today.state == coming.state == EventState.WAITING
    assert coming.needs_registration
    assert coming.registrations.filter(status=Registration.Status.ACCEPTED).count() == len(seed.REGISTERED)


def test_past_webinar_has_its_attendance() -> None:
    fill()
    airing = Airing.objects.get()
    found = attendance_report.figures(airing)
    assert found.viewers == lecture.WITHOUT_ACCOUNT + airing.presences.count()
    assert found.peak is not None
    assert len(found.curve) == lecture.MINUTES
    assert found.peak.listeners <= found.viewers


def test_what_was_on_the_air_is_removed() -> None:
    fill()
    before = counted()
    show.set_up()
    assert Meeting.objects.filter(name=talk.TITLE).exists()
    seed.remove_alive()
    assert counted() == before


def test_votes_of_questions_are_those_of_their_rows() -> None:
    fill()
    for question in Question.objects.all():
        assert question.votes == question.voters.count() > 0


def test_second_run_adds_nothing() -> None:
    fill()
    once = counted()
    fill()
    assert counted() == once


def test_pages_of_the_seed_answer(client: Client) -> None:
    fill()
    for event in Event.objects.all():
        assert client.get(event.get_absolute_url(), follow=True).status_code == 200
    client.force_login(User.objects.get(username="camille"))
    for meeting in Meeting.objects.all():
        assert client.get(meeting.get_absolute_url()).status_code == 200


# --- a database of another version


def test_database_of_this_version_is_taken() -> None:
    assert not database.is_of_another_version()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE webinars_livestream RENAME COLUMN look_at TO check_at",
        "ALTER TABLE audience_event ADD COLUMN forgotten integer",
        "ALTER TABLE audience_questionvote RENAME TO audience_vote",
    ],
    ids=["renamed", "one more", "table missing"],
)
def test_database_with_other_columns_is_refused(change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)
    assert database.is_of_another_version()


def test_database_with_an_unknown_migration_is_refused() -> None:
    MigrationRecorder(connection).record_applied("webinars", "0099_of_tomorrow")
    assert database.is_of_another_version()


def test_refused_database_is_left_alone_and_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webinars_livestream RENAME COLUMN look_at TO check_at")
    monkeypatch.setenv("AMPHI_DEMO_SEED", json.dumps({}))
    assert database.main() == 1
    said = capsys.readouterr()
    assert "make clean demo" in said.err
    assert database.MIGRATED not in said.out
    assert not User.objects.exists()
