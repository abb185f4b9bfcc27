"""Listeners' messages on their way into the meeting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from amphi.audience.domain import write_message
from amphi.audience.models import Channel, Message, StreamMessage
from amphi.webinars.models import Livestream, State
from amphi.worker import delivery
from amphi.worker.meeting_chat import NotDeliveredError
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db


class Clock:
    """Time that passes when told to; it is later than all that is written meanwhile."""

    def __init__(self) -> None:
        self.now = timezone.now() + timedelta(minutes=10)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Meeting:
    """Takes messages, or fails as it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.fails: list[bool] = []
        """For the next messages: whether each fails for good."""

    def send(self, livestream: Livestream, message: Message) -> bool:
        if self.fails:
            raise NotDeliveredError("it failed", permanent=self.fails.pop(0))
        self.heard.append(message.text)
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


@pytest.fixture
def livestream(settings) -> Livestream:
    settings.USE_MEETING_WEBINAR = True
    found = make_webinar()
    put(found, State.LIVE)
    found.refresh_from_db()
    return found


def say(livestream: Livestream, *texts: str) -> None:
    for text in texts:
        write_message(livestream.event, user=make_user(), text=text)


def work(meeting: Meeting, clock: Clock) -> int:
    """What a worker does in one round."""
    return sum(
        delivery.deliver(lease, send=meeting.send, clock=clock)
        for lease in delivery.claim_due(limit=10, now=clock())
    )


def claim(clock: Clock, limit: int = 10) -> list[int]:
    """The events whose channels a worker claims."""
    return [lease.pk for lease in delivery.claim_due(limit=limit, now=clock())]


def states() -> list[str]:
    return list(Message.objects.order_by("created_at").values_list("delivery", flat=True))


def test_messages_are_sent_in_order(livestream, meeting, clock):
    say(livestream, "one", "two", "three")
    assert work(meeting, clock) == 3
    assert meeting.heard == ["one", "two", "three"]
    assert states() == ["sent"] * 3
    assert work(meeting, clock) == 0


def test_claimed_channel_is_not_claimed_again_until_its_lease_ends(livestream, meeting, clock):
    say(livestream, "one")
    assert claim(clock) == [livestream.event_id]
    assert claim(clock) == []
    clock.passes(delivery.LEASE.total_seconds() + 1)
    assert claim(clock) == [livestream.event_id]


def test_finished_work_gives_the_claim_up(livestream, meeting, clock):
    say(livestream, "one")
    work(meeting, clock)
    assert Channel.objects.get(pk=livestream.event_id).claimed_until is None


def test_failure_pauses_the_channel_and_keeps_the_order(livestream, meeting, clock):
    say(livestream, "one", "two")
    meeting.fails = [False, False]
    assert work(meeting, clock) == 0
    assert claim(clock) == []
    clock.passes(1)
    assert work(meeting, clock) == 0
    clock.passes(1)
    assert claim(clock) == []
    clock.passes(1)
    assert work(meeting, clock) == 2
    assert meeting.heard == ["one", "two"]


def test_new_message_does_not_overtake_one_that_pauses(livestream, meeting, clock):
    say(livestream, "one")
    meeting.fails = [False]
    work(meeting, clock)
    say(livestream, "two")
    Message.objects.filter(text="two").update(attempt_at=clock())
    assert work(meeting, clock) == 0
    clock.passes(2)
    assert work(meeting, clock) == 2
    assert meeting.heard == ["one", "two"]


def test_failure_for_good_is_told_and_does_not_stop_the_next(livestream, meeting, clock):
    say(livestream, "one", "two")
    meeting.fails = [True]
    work(meeting, clock)
    assert meeting.heard == ["two"]
    assert states() == ["failed", "sent"]
    told = StreamMessage.objects.get(kind="delivery")
    assert told.data == f'{{"id":"{Message.objects.get(text="one").pk}","delivery":"failed"}}'


def test_message_tried_too_often_is_marked(livestream, meeting, clock):
    say(livestream, "one")
    meeting.fails = [False] * delivery.ATTEMPTS
    for _ in range(delivery.ATTEMPTS):
        work(meeting, clock)
        clock.passes(delivery.LONGEST_PAUSE.total_seconds())
    assert states() == ["failed"]
    assert meeting.fails == []


def test_message_for_a_webinar_that_ended_is_marked(livestream, meeting, clock):
    say(livestream, "one")
    put(livestream, State.STOPPED)
    work(meeting, clock)
    assert (states(), meeting.heard) == (["failed"], [])


def test_rate_into_one_meeting_is_bounded(livestream, meeting, clock, settings):
    settings.CHAT_DELIVERY_PER_SECOND = 3
    say(livestream, *"abcdefgh")
    assert [work(meeting, clock), work(meeting, clock)] == [3, 0]
    clock.passes(1)
    assert work(meeting, clock) == 3
    clock.passes(1)
    assert work(meeting, clock) == 2
    assert meeting.heard == list("abcdefgh")


@pytest.mark.parametrize("turned", [False, True])
def test_one_meeting_does_not_wait_for_another(livestream, clock, turned):
    other = make_webinar(gateway=make_gateway())
    put(other, State.LIVE)
    other.refresh_from_db()
    first, second = (other, livestream) if turned else (livestream, other)
    say(first, "one")
    say(second, "two")
    # However the rows lie.
    Channel.objects.filter(pk=first.event_id).update(failures=0)
    assert claim(clock, limit=1) == [first.event_id]
    assert claim(clock, limit=1) == [second.event_id]


def test_worker_that_lost_its_channel_while_it_sent_writes_nothing(livestream, meeting, clock):
    say(livestream, "one", "two")
    (lost,) = delivery.claim_due(limit=10, worker="slow", now=clock())

    def send_slowly(_: Livestream, message: Message) -> bool:
        clock.passes(delivery.LEASE.total_seconds() + 1)
        assert work(meeting, clock) == 2
        return meeting.send(livestream, message)

    assert delivery.deliver(lost, send=send_slowly, clock=clock) == 0
    # Said twice, which can't be known; the second one is not.
    assert meeting.heard == ["one", "two", "one"]
    assert states() == ["sent"] * 2


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_send_each_message_once(livestream, meeting, settings):
    settings.CHAT_DELIVERY_PER_SECOND = 100
    say(livestream, *(str(number) for number in range(20)))
    clock = Clock()

    def one_worker(_: int) -> int:
        try:
            return sum(work(meeting, clock) for _ in range(5))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one_worker, range(4))) == 20
    assert meeting.heard == [str(number) for number in range(20)]
