"""What the meeting tells of its polls, and of listeners who were on stage, as the listeners see it."""

import pytest
from django.utils import timezone

from amphi.audience import hands, polls
from amphi.audience.models import Event, Hand, Poll
from amphi.meetings.models import Meeting
from amphi.webinars import participation
from amphi.webinars.models import State
from tests.audience.hall import listener
from tests.factories import put
from tests.webhooks import deliver, event
from tests.webinars.test_participation import answered, poll

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_air(livestream):
    put(livestream, State.LIVE)
    Meeting.objects.update(started_at=timezone.now())
    Event.objects.update(enable_hands=True)
    return Event.objects.get(pk=livestream.event_id)


def mirrored() -> list[tuple[str, str, list[int]]]:
    return [
        (one.question, one.state, polls.results([one])[one.pk].counts)
        for one in Poll.objects.order_by("created_at")
    ]


def test_poll_of_the_meeting_is_mirrored_with_its_answers(client, livestream, on_air):
    meeting = livestream.meeting
    deliver(client, meeting, poll(meeting, "Compris ?"), answered(meeting, 1), answered(meeting, 2, answer=1))
    # bbb-webhooks tries again what it thinks was not heard.
    deliver(client, meeting, poll(meeting, "Compris ?"), answered(meeting, 1))
    assert mirrored() == [("Compris ?", "open", [1, 1])]


def test_answers_that_were_told_before_their_poll_count(client, livestream, on_air):
    meeting = livestream.meeting
    deliver(client, meeting, answered(meeting, 1, answer=1), answered(meeting, 2, answer=1))
    assert mirrored() == []
    deliver(client, meeting, poll(meeting, "Compris ?"))
    assert mirrored() == [("Compris ?", "open", [0, 2])]


def test_polls_of_the_meeting_end_with_it(client, livestream, on_air):
    meeting = livestream.meeting
    deliver(client, meeting, poll(meeting, "Un"), answered(meeting, 1), poll(meeting, "Deux", "p/2", 2))
    participation.forget(livestream)
    assert mirrored() == [("Un", "closed", [1, 0]), ("Deux", "closed", [0, 0])]


def test_listener_who_leaves_the_meeting_has_left_the_stage(client, livestream, on_air):
    meeting, by = livestream.meeting, listener()
    hand = hands.raise_hand(on_air, by=by)
    hands.invite(on_air, hand.token)
    hands.take_stage(on_air, viewer=by.viewer)
    user = {"internal-user-id": "w_1", "external-user-id": hands.meeting_user_id(hand)}
    for gone, state in (({**user, "external-user-id": "stage-nobody"}, "on_stage"), (user, "lowered")):
        deliver(client, meeting, event(meeting, "user-left", 1, user=gone))
        assert Hand.objects.get().state == state
