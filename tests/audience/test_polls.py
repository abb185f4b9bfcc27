"""Polls: made, opened, voted in, closed, shown; and mirrored from the meeting."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import translation

from amphi.audience import polls
from amphi.audience.exceptions import InvalidVoiceError, TooManyVoicesError, VoiceClosedError
from amphi.audience.models import Ballot, Event, EventState, Poll
from amphi.audience.pace import Pace
from tests.audience.hall import hall, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(polls, "_pace", Pace(60, 60))
    with translation.override("en"):
        yield


def make(event: Event, *choices: str, multiple: bool = False, opens: bool = True) -> Poll:
    return polls.make(
        event,
        question="Combien ?",
        choices=choices or ("Un", "Deux", "Trois"),
        multiple=multiple,
        opens=opens,
        user=event.owner,
    )


def vote(event: Event, poll: Poll, viewer: str, *positions: int) -> Poll:
    return polls.vote(event, poll.pk, viewer=viewer, positions=positions)


# --- making


def test_poll_is_told_when_it_is_opened():
    event = hall()
    poll = make(event, opens=False)
    assert (told(event, "poll"), polls.shown(event)) == ([], [])
    polls.open_poll(event, poll.pk)
    polls.open_poll(event, poll.pk)
    (said,) = told(event, "poll")
    assert (said["question"], said["choices"], said["state"]) == (
        "Combien ?",
        ["Un", "Deux", "Trois"],
        "open",
    )
    assert "counts" not in said


@pytest.mark.parametrize(
    ("question", "choices", "error"),
    [
        ("", ["a", "b"], "question first"),
        ("\u2060", ["a", "b"], "question first"),
        ("q" * 501, ["a", "b"], "500"),
        ("q", ["a"], "two"),
        ("q", ["a", " a ", "\u200b"], "two"),
        ("q", [str(number) for number in range(11)], "10"),
        ("q", ["a", "b" * 201], "200"),
    ],
)
def test_poll_that_is_none(question, choices, error):
    event = hall()
    with pytest.raises(InvalidVoiceError, match=error):
        polls.make(event, question=question, choices=choices, multiple=False, opens=True, user=event.owner)
    assert not Poll.objects.exists()


def test_event_has_so_many(monkeypatch):
    monkeypatch.setattr(polls, "MOST_OF_AN_EVENT", 1)
    event = hall()
    make(event)
    with pytest.raises(TooManyVoicesError):
        make(event)


# --- voting


def test_ballot_counts_once_and_may_be_changed():
    event = hall()
    poll = make(event)
    vote(event, poll, "u1", 0)
    vote(event, poll, "u2", 0)
    vote(event, poll, "u1", 2)
    vote(event, poll, "u1", 2)
    assert polls.results([poll])[poll.pk] == ([1, 0, 1], 2)
    assert polls.chosen("u1", [poll]) == {poll.pk: [2]}
    assert polls.chosen("", [poll]) == {}


def test_several_choices_where_they_are_allowed():
    event = hall()
    poll = make(event, multiple=True)
    vote(event, poll, "u1", 0, 2)
    vote(event, poll, "u2", 2)
    assert polls.results([poll])[poll.pk] == ([1, 0, 2], 2)


@pytest.mark.parametrize("positions", [[], [3], [-1], [0, 9], [0, 1]])
def test_ballot_that_is_none(positions):
    event = hall()
    poll = make(event)
    with pytest.raises(InvalidVoiceError):
        vote(event, poll, "u1", *positions)
    assert not Ballot.objects.exists()


def test_vote_where_none_is_taken():
    event, other = hall(), hall()
    poll = make(event)
    draft = make(event, opens=False)
    polls.close_poll(event, poll.pk)
    for where, which in [(event, poll.pk), (event, draft.pk), (other, poll.pk), (event, uuid.uuid4())]:
        with pytest.raises(VoiceClosedError):
            polls.vote(where, which, viewer="u1", positions=[0])
    polls.open_poll(event, poll.pk)
    vote(event, poll, "u1", 0)


@pytest.mark.django_db(transaction=True)
def test_vote_that_waits_for_the_closing_is_refused():
    event = hall()
    poll = make(event)
    refused: list[Exception] = []

    def try_to_vote() -> None:
        try:
            vote(event, poll, "u1", 0)
        except VoiceClosedError as error:
            refused.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        polls.close_poll(event, poll.pk)
        thread = threading.Thread(target=try_to_vote)
        thread.start()
        # Whether it waits for the lock by now or comes after the commit, it finds the poll closed.
    thread.join(60)
    assert len(refused) == 1
    assert polls.results([poll])[poll.pk].voters == 0


def test_nobody_votes_once_the_live_is_over():
    event = hall()
    poll = make(event)
    event.state = EventState.OVER
    with pytest.raises(VoiceClosedError, match="closed"):
        vote(event, poll, "u1", 0)


@pytest.mark.django_db(transaction=True)
def test_ballots_of_the_same_moment_count_once_a_viewer():
    event = hall()
    poll = make(event)

    def try_to_vote(number: int) -> None:
        try:
            vote(event, poll, f"u{number % 4}", number % 3)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_to_vote, range(24)))
    counts, voters = polls.results([poll])[poll.pk]
    assert (sum(counts), voters) == (4, 4)


# --- results


@pytest.mark.django_db(transaction=True)
def test_results_are_told_once_the_presenter_says():
    event = hall()
    poll = make(event)
    vote(event, poll, "u1", 0)
    assert len(told(event, "poll")) == 1
    polls.show_results(event, poll.pk, shown=True)
    vote(event, poll, "u2", 1)
    polls.show_results(event, poll.pk, shown=False)
    vote(event, poll, "u3", 1)
    assert [one.get("counts") for one in told(event, "poll")] == [None, [1, 0, 0], [1, 1, 0], None]


def test_deleted_poll_is_taken_off_the_pages():
    event = hall()
    poll = make(event)
    polls.delete_poll(event, poll.pk)
    said = told(event, "poll")[-1]
    assert (said["id"], said["state"], "question" in said) == (str(poll.pk), "draft", False)
    assert not Poll.objects.exists()


# --- the meeting's own


def mirror(event: Event, name: str = "s1 p1") -> bool:
    return polls.mirror(event.pk, name, question="", answers=[(0, "True"), (1, "False")])


@pytest.mark.django_db(transaction=True)
def test_poll_of_the_meeting_is_mirrored_and_only_shown():
    event = hall()
    assert (mirror(event), mirror(event)) == (True, False)
    (poll,) = Poll.objects.all()
    polls.count_answer(event.pk, "s1 p1", [1])
    polls.count_answer(event.pk, "s1 p1", [0])
    polls.count_answer(event.pk, "s1 unknown", [0])
    assert polls.results([poll])[poll.pk] == ([1, 1], 2)
    with pytest.raises(VoiceClosedError):
        vote(event, poll, "u1", 0)
    assert "counts" not in told(event, "poll")[-1]
    polls.show_results(event, poll.pk, shown=True)
    polls.count_answer(event.pk, "s1 p1", [0])
    assert told(event, "poll")[-1]["counts"] == [2, 1]
    mirror(event, "s1 p2")
    poll.refresh_from_db()
    assert poll.state == "closed"
    with pytest.raises(VoiceClosedError):
        polls.open_poll(event, poll.pk)
    polls.close_mirrored(event.pk)
    assert set(Poll.objects.values_list("state", flat=True)) == {"closed"}


def test_results_of_many_polls_take_two_queries(django_assert_num_queries):
    event = hall()
    found = [make(event), make(event)]
    vote(event, found[0], "u1", 2)
    with django_assert_num_queries(2):
        assert polls.results(found) == {found[0].pk: ([0, 0, 1], 1), found[1].pk: ([0, 0, 0], 0)}
    assert polls.results([]) == {}
