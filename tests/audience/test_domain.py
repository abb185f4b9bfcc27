"""What the audience says and is told."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import domain, queries
from amphi.audience.exceptions import (
    ChatClosedError,
    EmptyMessageError,
    MessageTooLongError,
    NothingRunsError,
    TooManyMessagesError,
)
from amphi.audience.models import Audience, Channel, ChatMode, Event, Message, StreamMessage
from amphi.system.tickets import verify
from amphi.webinars.models import Livestream, State
from amphi.worker import calls
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


def on_air(state: State = State.LIVE, **columns: object) -> Livestream:
    livestream = make_webinar(gateway=make_gateway())
    put(livestream, state, **columns)
    return Livestream.objects.select_related("event", "meeting", "gateway__broadcaster").get(pk=livestream.pk)


def stream_of(event: Event) -> list[tuple[int, str, dict]]:
    rows = StreamMessage.objects.filter(channel_id=event.pk).order_by("seq")
    return [(row.seq, row.kind, json.loads(row.data)) for row in rows]


# --- the event stream


def test_numbers_grow_by_one_in_each_stream():
    one, two = on_air().event, on_air().event
    assert [domain.publish(one.pk, "state", {}) for _ in range(3)] == [1, 2, 3]
    assert domain.publish(two.pk, "state", {}) == 1
    assert Channel.objects.get(pk=one.pk).last_seq == 3


def test_what_is_rolled_back_leaves_no_gap():
    event = on_air().event
    domain.publish(event.pk, "state", {"n": 1})
    with transaction.atomic():
        domain.publish(event.pk, "state", {"n": 2})
        transaction.set_rollback(True)
    domain.publish(event.pk, "state", {"n": 3})
    assert [(seq, data["n"]) for seq, _, data in stream_of(event)] == [(1, 1), (2, 3)]


@pytest.mark.django_db(transaction=True)
def test_publishers_at_the_same_moment_leave_no_gap():
    event = on_air().event

    def publish(_: int) -> list[int]:
        try:
            return [domain.publish(event.pk, "message", {}) for _ in range(10)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [seq for seqs in pool.map(publish, range(8)) for seq in seqs]
    assert sorted(taken) == list(range(1, 81))
    assert [seq for seq, _, _ in stream_of(event)] == list(range(1, 81))


@pytest.mark.parametrize(
    ("state", "columns", "told"),
    [
        (State.IDLE, {}, "waiting"),
        (State.STARTING, {}, "starting"),
        (State.LIVE, {}, "live"),
        (State.RECOVERING, {}, "recovering"),
        (State.STOPPING, {}, "over"),
        (State.STOPPED, {}, "over"),
        (State.FAILED, {}, "waiting"),
        (State.FAILED, {"went_live_at": in_hours(0)}, "recovering"),
    ],
)
def test_listeners_are_told_the_state(state, columns, told):
    livestream = on_air(state, **columns)
    domain.publish_state(livestream.event_id)
    ((_, kind, data),) = stream_of(livestream.event)
    assert (kind, data["state"], data["since"]) == ("state", told, livestream.state_since.isoformat())


def test_failed_live_of_a_meeting_that_ended_is_over():
    livestream = on_air(State.FAILED, went_live_at=timezone.now())
    calls.note_meeting_end(livestream, timezone.now())
    assert stream_of(livestream.event)[0][2]["state"] == "over"


@pytest.mark.parametrize(("hours", "told"), [(-3, "over"), (-0.5, "live"), (1, "waiting")])
def test_event_that_others_carry_follows_its_hours(hours, told):
    event = on_air().event
    event = Event.objects.create(
        title="Elsewhere",
        slug="elsewhere",
        owner=event.owner,
        broadcaster=event.broadcaster,
        start_at=in_hours(hours),
        end_at=in_hours(hours + 1),
    )
    assert queries.listener_state(event, timezone.now()) == told


def test_closing_the_chat_is_told():
    event = on_air().event
    event.enable_chat = False
    domain.publish_chat_setting(event)
    assert stream_of(event) == [(1, "chat", queries.chat_content(event))]


# --- a listener's message


def write(event: Event, text: str = "Bonjour", user: User | None = None, **options) -> Message:
    return domain.write_message(event, user=user or make_user(), text=text, **options)


def test_message_is_stored_told_and_waits_for_the_meeting():
    event = on_air().event
    author = make_user(first_name="Inès", last_name="Lefèvre")
    message = write(event, "  Bonjour\x00 à\u202e tous \r\n\x07!  ", author)
    assert (message.text, message.author_name) == ("Bonjour à tous \n!", "Inès Lefèvre")
    assert (message.delivery, message.source) == ("waiting", "listener")
    assert stream_of(event) == [(1, "message", queries.message_content(message))]


def test_user_without_a_name_writes_by_username():
    assert write(on_air().event, user=make_user("nobody")).author_name == "nobody"


@pytest.mark.parametrize("text", ["", "   ", "\n\t\x00"])
def test_message_that_says_nothing_is_refused(text):
    with pytest.raises(EmptyMessageError):
        write(on_air().event, text)


def test_message_of_the_longest_length_is_taken_and_a_longer_one_refused(settings):
    settings.CHAT_MESSAGE_MAX_LENGTH = 10
    event = on_air().event
    write(event, "é" * 10)
    with pytest.raises(MessageTooLongError, match="10"):
        write(event, "é" * 11)
    assert len(stream_of(event)) == 1


def test_closed_chat_takes_nothing():
    event = on_air().event
    event.enable_chat = False
    with pytest.raises(ChatClosedError):
        write(event)


@pytest.mark.parametrize("state", [State.IDLE, State.STOPPING, State.STOPPED])
def test_nothing_is_sent_when_nothing_runs(state):
    with pytest.raises(NothingRunsError):
        write(on_air(state).event)
    assert not Message.objects.exists()


def test_listener_may_write_so_many_messages_a_minute(settings):
    settings.CHAT_RATE_PER_MINUTE = 2
    event, user = on_air().event, make_user()
    write(event, user=user)
    first = write(event, user=user)
    with pytest.raises(TooManyMessagesError):
        write(on_air().event, user=user)
    write(event)
    Message.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(seconds=61))
    write(event, user=user)
    # A clock that was ahead, and is right again, keeps nobody from writing.
    Message.objects.update(created_at=timezone.now() + timedelta(minutes=5))
    event.chat_mode, event.slow_s = ChatMode.SLOW, 30
    event.save(update_fields=["chat_mode", "slow_s"])
    write(event, user=user)


@pytest.mark.django_db(transaction=True)
def test_rate_holds_for_messages_of_the_same_moment(settings):
    settings.CHAT_RATE_PER_MINUTE = 3
    event, user = on_air().event, make_user()

    def try_to_write(_: int) -> bool:
        try:
            write(event, user=user)
        except TooManyMessagesError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_to_write, range(12))) == 3


def test_message_sent_twice_is_stored_once():
    event, user, message_id = on_air().event, make_user(), uuid.uuid4()
    first = write(event, user=user, message_id=message_id)
    assert write(event, user=user, message_id=message_id) == first
    assert first.pk == message_id
    assert len(stream_of(event)) == 1


def test_id_of_another_one_is_not_taken_over():
    event, message_id = on_air().event, uuid.uuid4()
    first = write(event, "first", message_id=message_id)
    second = write(event, "second", message_id=message_id)
    assert second.pk != first.pk
    assert len(stream_of(event)) == 2


# --- a message of the meeting


def record(event: Event, **given) -> Message | None:
    fields = {
        "meeting_message_id": "m-1",
        "author_name": "Claire",
        "text": "Bonjour",
        "sent_at": timezone.now(),
    }
    return domain.record_meeting_message(event, **(fields | given))


def test_meeting_message_is_told_once():
    event = on_air().event
    message = record(event)
    assert message is not None
    assert (message.source, message.delivery) == ("meeting", "none")
    assert record(event) is None
    assert stream_of(event) == [(1, "message", queries.message_content(message))]


@pytest.mark.django_db(transaction=True)
def test_meeting_message_told_by_two_at_the_same_moment_is_told_once():
    event = on_air().event

    def try_to_record(_: int) -> bool:
        try:
            return record(event) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_to_record, range(12))) == 1
    assert len(stream_of(event)) == 1


def test_clock_that_is_ahead_is_not_believed():
    before = timezone.now()
    message = record(on_air().event, sent_at=before + timedelta(hours=1))
    assert message.created_at < before + timedelta(minutes=1)
    early = record(on_air().event, meeting_message_id="m-2", sent_at=before - timedelta(seconds=30))
    assert early.created_at == before - timedelta(seconds=30)


# --- tickets and viewers


def test_ticket_says_who_may_see_what(settings):
    settings.AMPHI_TICKET_KEY = "shared"
    event, user = on_air().event, make_user()
    ticket = verify(b"shared", domain.ticket_for(event, user), now=0)
    assert (ticket.event_id, ticket.stream, ticket.viewer) == (
        event.pk,
        event.broadcaster.stream,
        f"u{user.pk}",
    )


def test_ticket_is_in_the_address_of_an_origin_that_asks_for_one():
    broadcaster = on_air().event.broadcaster
    event = Event(broadcaster=broadcaster)
    assert domain.hls_url_for(event, "T") == broadcaster.hls_url
    broadcaster.has_tickets = True
    assert domain.hls_url_for(event, "T") == f"https://live.example.org/t/T/hls/{broadcaster.stream}.m3u8"


def test_viewers_of_all_processes_are_added_while_they_say_so():
    event, other = on_air().event, on_air().event
    log = queries.DatabaseLog()
    log.count("a", {event.pk: 3, other.pk: 1, 999_999: 5})
    log.count("b", {event.pk: 4})
    assert (queries.viewers(event.pk), queries.viewers(other.pk)) == (7, 1)
    log.count("a", {event.pk: 2})
    assert (queries.viewers(event.pk), queries.viewers(other.pk)) == (6, 0)
    Audience.objects.filter(process="b").update(seen_at=timezone.now() - timedelta(seconds=20))
    assert queries.viewers(event.pk) == 2


# --- the log


def test_log_opens_at_the_newest_messages():
    event = on_air().event
    for number in range(5):
        domain.publish(event.pk, "message", {"n": number})
    reading = queries.DatabaseLog().opening(event.pk, 2)
    assert (reading.head, [row.seq for row in reading.rows]) == (5, [4, 5])
    assert (reading.snapshot["state"], reading.snapshot["chat"]) == ("live", queries.chat_content(event))
    assert queries.DatabaseLog().opening(999_999, 2) is None


@pytest.mark.parametrize("events", [1, 3])
def test_log_reads_all_streams_in_two_queries(django_assert_num_queries, events):
    ids = [on_air().event.pk for _ in range(events)]
    for event_id in ids:
        for _ in range(4):
            domain.publish(event_id, "message", {})
    with django_assert_num_queries(2):
        found = queries.DatabaseLog().after(dict.fromkeys(ids, 2))
    assert {key: [row.seq for row in rows] for key, rows in found.items()} == {key: [3, 4] for key in ids}
    with django_assert_num_queries(1):
        assert queries.DatabaseLog().after(dict.fromkeys(ids, 4)) == {}


def test_log_reads_between():
    event = on_air().event
    for _ in range(6):
        domain.publish(event.pk, "message", {})
    assert [row.seq for row in queries.DatabaseLog().between(event.pk, 2, 5)] == [3, 4]
