"""Questions: asked, voted for, taken up, answered."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from amphi.audience import hands, moderation, questions
from amphi.audience.exceptions import (
    InvalidVoiceError,
    ModerationError,
    TooManyVoicesError,
    VoiceClosedError,
    VoiceError,
)
from amphi.audience.models import Event, Message, Question, QuestionState, QuestionVote, Role
from amphi.audience.pace import Pace
from amphi.audience.speakers import Speaker, account_speaker
from amphi.system.typed import clean_text
from amphi.webinars.models import State
from tests.audience.hall import hall, listener, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(questions, "_votes_pace", Pace(60, 60))
    with translation.override("en"):
        yield


def ask(event: Event, text: str = "Pourquoi ?", by: Speaker | None = None, **options) -> Question:
    return questions.ask(event, by=by or listener(), text=text, **options)


def vote(event: Event, question: Question, viewer: str, *, wanted: bool = True) -> int:
    return questions.vote(event, question.pk, viewer=viewer, wanted=wanted).votes


# --- asking


def test_question_is_stored_and_told():
    event, by = hall(), listener("Inès")
    question = ask(event, "  Et l’uranium\x00 \u202e? ", by)
    assert (question.text, question.author_name, question.state) == ("Et l’uranium ?", by.name, "open")
    assert told(event, "question") == [questions.content(question)]
    assert told(event, "question")[0]["author"] == by.name


@pytest.mark.parametrize(
    ("allowed", "wished", "author"), [(True, True, ""), (False, True, "Hugo"), (True, False, "Hugo")]
)
def test_anonymous_question_hides_its_author_from_listeners(allowed, wished, author):
    event = hall(questions_anonymous=allowed)
    question = ask(event, anonymous=wished)
    assert told(event, "question")[0]["author"] == author
    assert question.author_name == "Hugo"


def test_question_to_be_approved_is_told_once_it_is():
    event, by = hall(questions_approved=True), listener()
    question = ask(event, by=by)
    assert (question.state, told(event, "question")) == ("waiting", [])
    assert questions.shown(event) == []
    assert questions.waiting_of(event, by.viewer) == [question]
    assert questions.waiting_of(event, "u0") == []
    questions.set_state(event, question.pk, QuestionState.OPEN)
    assert [one["state"] for one in told(event, "question")] == ["open"]


@pytest.mark.parametrize(
    ("state", "columns", "error"),
    [
        (State.IDLE, {}, None),  # before the live, one may ask already
        (State.LIVE, {}, None),
        (State.LIVE, {"enable_questions": False}, VoiceClosedError),
        (State.STOPPED, {}, VoiceClosedError),
    ],
)
def test_when_questions_are_taken(state, columns, error):
    event = hall(state, **columns)
    if error is None:
        assert ask(event)
    else:
        with pytest.raises(error):
            ask(event)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Write your question"),
        ("\u200b\u2060", "Write your question"),
        ("é" * 501, "500"),
        ("a" * 1_000_000, "500"),
    ],
)
def test_question_that_is_none(text, error):
    event = hall()
    with pytest.raises(InvalidVoiceError, match=error):
        ask(event, text)
    assert not Question.objects.exists()


HOSTILE = [
    "<script>alert(1)</script>",
    "e" + "\u0301" * 499,
    "\u202eabc",
    "👩‍👩‍👧‍👦",
    "=HYPERLINK(1)",
    "a\nb\n" * 100,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_text(text):
    event = hall()
    ask(event, text)
    assert told(event, "question")[0]["text"] == clean_text(text)


def test_listener_asks_so_many_questions_a_minute(settings):
    settings.QUESTIONS_PER_MINUTE = 2
    event, by = hall(), listener()
    first = ask(event, by=by)
    ask(event, by=by)
    with pytest.raises(TooManyVoicesError):
        ask(event, by=by)
    ask(event)
    Question.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(seconds=61))
    ask(event, by=by)


@pytest.mark.django_db(transaction=True)
def test_rate_holds_for_questions_of_the_same_moment(settings):
    settings.QUESTIONS_PER_MINUTE = 3
    event, by = hall(), listener()

    def try_to_ask(_: int) -> bool:
        try:
            ask(event, by=by)
        except TooManyVoicesError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_to_ask, range(12))) == 3


def test_event_takes_so_many(monkeypatch):
    monkeypatch.setattr(questions, "MOST_OF_AN_EVENT", 1)
    event = hall()
    ask(event)
    with pytest.raises(TooManyVoicesError):
        ask(event)


def test_question_sent_twice_is_stored_once():
    event, by, question_id = hall(), listener(), uuid.uuid4()
    first = ask(event, by=by, question_id=question_id)
    assert ask(event, by=by, question_id=question_id) == first
    assert ask(event, question_id=question_id).pk != question_id
    assert Question.objects.count() == 2


# --- voting


@pytest.mark.django_db(transaction=True)
def test_vote_counts_once_a_viewer_and_can_be_taken_back():
    event = hall()
    question = ask(event)
    other = ask(event)
    steps = [("u1", True, 1), ("u1", True, 1), ("a" * 17, True, 2), ("u1", False, 1), ("u1", False, 1)]
    assert [vote(event, question, viewer, wanted=wanted) for viewer, wanted, _ in steps] == [
        votes for _, _, votes in steps
    ]
    assert questions.voted("a" * 17, [question, other]) == {question.pk}
    # Each word is whole, so that hearing it twice is harmless; what changed nothing is not told.
    assert [one["votes"] for one in told(event, "votes")] == [
        {str(question.pk): number} for number in (1, 2, 1)
    ]
    assert questions.shown(event) == [question, other]


@pytest.mark.django_db(transaction=True)
def test_votes_of_the_same_moment_count_once_a_viewer():
    event = hall()
    question = ask(event)

    def try_to_vote(number: int) -> None:
        try:
            vote(event, question, f"u{number % 4}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_to_vote, range(24)))
    question.refresh_from_db()
    assert (question.votes, QuestionVote.objects.count()) == (4, 4)


@pytest.mark.parametrize("state", [QuestionState.WAITING, QuestionState.ANSWERED, QuestionState.HIDDEN])
def test_question_that_takes_no_votes(state):
    event = hall()
    question = ask(event)
    questions.set_state(event, question.pk, state)
    with pytest.raises(VoiceClosedError):
        vote(event, question, "u1")
    assert not QuestionVote.objects.exists()


def test_vote_where_none_is_taken():
    event, other = hall(), hall()
    question = ask(event)
    with pytest.raises(VoiceClosedError):
        vote(other, question, "u1")
    with pytest.raises(VoiceClosedError):
        questions.vote(event, uuid.uuid4(), viewer="u1", wanted=True)
    event.state = "over"
    with pytest.raises(VoiceClosedError):
        vote(event, question, "u1")


def test_viewer_votes_so_often(monkeypatch):
    monkeypatch.setattr(questions, "_votes_pace", Pace(2, 60, clock=lambda: 0.0))
    event = hall()
    question = ask(event)
    vote(event, question, "u1")
    vote(event, question, "u1", wanted=False)
    with pytest.raises(TooManyVoicesError):
        vote(event, question, "u1")
    vote(event, question, "u2")


# --- those who present


def test_one_question_is_taken_up_at_a_time():
    event = hall()
    first, second = ask(event), ask(event)
    questions.set_state(event, first.pk, QuestionState.CURRENT)
    questions.set_state(event, second.pk, QuestionState.CURRENT)
    questions.set_state(event, second.pk, QuestionState.CURRENT)
    states = dict(Question.objects.values_list("pk", "state"))
    assert states == {first.pk: "answered", second.pk: "current"}
    assert [(one["id"], one["state"]) for one in told(event, "question")[2:]] == [
        (str(first.pk), "current"),
        (str(first.pk), "answered"),
        (str(second.pk), "current"),
    ]


def test_answer_is_shown_with_its_question():
    event = hall()
    question = ask(event)
    questions.answer(event, question.pk, "Parce que <b>.")
    assert (told(event, "question")[-1]["answer"], told(event, "question")[-1]["state"]) == (
        "Parce que <b>.",
        "answered",
    )
    with pytest.raises(VoiceError, match="2000"):
        questions.answer(event, question.pk, "a" * 2001)


def test_hidden_question_is_only_named_on_the_stream():
    event = hall()
    question = ask(event, "Insulte")
    questions.set_state(event, question.pk, QuestionState.HIDDEN)
    assert told(event, "question")[-1] == {"id": str(question.pk), "state": "hidden"}
    assert questions.shown(event) == []
    questions.set_state(event, question.pk, QuestionState.OPEN)
    assert told(event, "question")[-1]["text"] == "Insulte"


def test_question_of_another_event_is_not_touched():
    event, other = hall(), hall()
    question = ask(other)
    with pytest.raises(VoiceClosedError):
        questions.set_state(event, question.pk, QuestionState.HIDDEN)
    with pytest.raises(VoiceClosedError):
        questions.answer(event, question.pk, "!")


# --- into the meeting


def test_question_goes_into_the_meeting_once_with_enough_votes():
    event = hall(to_meeting="voted", to_meeting_votes=2)
    question = ask(event, "Pourquoi ?")
    assert vote(event, question, "u1") == 1
    assert not Message.objects.exists()
    for viewer, wanted in [("u2", True), ("u2", False), ("u2", True), ("u3", True)]:
        vote(event, question, viewer, wanted=wanted)
    message = Message.objects.get()
    assert (message.source, message.delivery, message.text) == ("question", "waiting", "Pourquoi ?")
    assert "Hugo" not in json.dumps([message.author_name])


@pytest.mark.parametrize("to_meeting", ["all", "approved", "nothing"])
def test_question_stays_out_of_the_meeting_unless_votes_decide(to_meeting):
    event = hall(to_meeting=to_meeting, to_meeting_votes=1)
    vote(event, ask(event), "u1")
    assert not Message.objects.exists()


# --- the rules of the hall


def test_names_that_are_hidden_are_hidden_here_too():
    event = hall(names_hidden=True)
    ask(event)
    assert told(event, "question")[0]["author"] == ""


def test_question_with_a_word_that_holds_back_waits():
    event = hall(held_words="spam")
    assert (ask(event, "Du SPÀM ?").state, ask(event, "Du spammeur ?").state) == ("waiting", "open")


@pytest.mark.parametrize("kind", ["muted", "banned"])
def test_who_is_restrained_neither_asks_nor_raises_a_hand(kind):
    event, by = hall(enable_hands=True), listener()
    question = ask(event, by=by)
    hands.raise_hand(event, by=by)
    moderation.restrain_asker(event, question.pk, kind=kind, by=event.owner)
    for act in (lambda: ask(event, by=by), lambda: hands.raise_hand(event, by=by)):
        with pytest.raises(VoiceClosedError):
            act()
    question.refresh_from_db()
    assert question.state == ("hidden" if kind == "banned" else "open")
    assert hands.of_viewer(event.pk, by.viewer) is None


def test_who_keeps_order_is_not_restrained():
    event = hall()
    question = ask(event, by=account_speaker(event.owner, event))
    with pytest.raises(ModerationError):
        moderation.restrain_asker(event, question.pk, kind="muted", by=event.owner)
    with pytest.raises(ModerationError):
        moderation.restrain_asker(event, uuid.uuid4(), kind="muted", by=event.owner)


def test_guests_of_one_network_ask_so_often(monkeypatch):
    monkeypatch.setattr(questions, "_networks_pace", Pace(2, 60, clock=lambda: 0.0))
    event = hall()
    guests = [Speaker(f"a{number}", "Zoé", None, Role.GUEST, "192.0.2.1") for number in range(3)]
    assert [ask(event, by=one).author for one in guests[:2]] == [None, None]
    assert told(event, "question")[0]["guest"]
    with pytest.raises(TooManyVoicesError):
        ask(event, by=guests[2])
    ask(event)
