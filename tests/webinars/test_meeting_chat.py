"""What listeners write on its way into the meeting, over sockets, and what the panel says of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience.domain import write_message
from amphi.audience.models import Message
from amphi.meetings import server
from amphi.meetings.models import Meeting
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker import delivery
from tests.factories import make_user, put

pytestmark = pytest.mark.django_db
LONG = "😀" * 250 + " " + "😂" * 250 + " fin"
"""500 characters to a listener, and three pieces to a server that counts UTF-16 units."""


@pytest.fixture
def live(livestream, settings, client) -> Livestream:
    settings.CHAT_DELIVERY_PER_SECOND = 100
    settings.CHAT_MESSAGE_MAX_LENGTH = 2000
    now = timezone.now()
    Meeting.objects.update(started_at=now)
    for one in Livestream.objects.all():
        put(one, State.LIVE, start_asked_at=now, has_hook=True)
    livestream.refresh_from_db()
    client.force_login(livestream.meeting.owner)
    return livestream


def say(livestream: Livestream, *texts: str, author: str = "zoé") -> None:
    user = make_user(author, first_name="Zoé", last_name="Martin")
    for text in texts:
        write_message(livestream.event, user=user, text=text)


def work(times: int = 1) -> None:
    """What a worker does in some rounds, each once all pauses are over."""
    for _ in range(times):
        Message.objects.update(attempt_at=timezone.now() - timedelta(seconds=1))
        Message.objects.exclude(sent_at=None).update(sent_at=timezone.now() - timedelta(seconds=2))
        for lease in delivery.claim_due(limit=10):
            delivery.deliver(lease)


def notes(client, livestream: Livestream, language: str = "en") -> dict[str, Any]:
    url = reverse("webinars:status", args=[livestream.meeting.slug])
    answer = client.get(url, headers={"Accept": "application/json", "Accept-Language": language}).json()
    return {note["key"]: note for note in answer["notes"] if note["text"]}


# --- pieces


def test_long_message_is_heard_in_pieces_and_in_order(live, stage):
    say(live, LONG, "après")
    work(4)
    assert [text for _, text in stage.heard] == ["😀" * 250, "😂" * 250, "fin", "après"]
    assert {author for author, _ in stage.heard} == {"Zoé Martin"}
    assert set(Message.objects.values_list("delivery", flat=True)) == {"sent"}


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_long_message_goes_on_from_the_piece_that_failed(live, stage, taken):
    say(live, LONG, "après")
    stage.hears = taken
    work(5)
    assert [text for _, text in stage.heard] == ["😀" * 250, "😂" * 250, "fin"][:taken]
    stage.hears = None
    work(4)
    assert [text for _, text in stage.heard] == ["😀" * 250, "😂" * 250, "fin", "après"]


def test_piece_that_a_dead_worker_sent_without_noting_it_is_all_that_is_said_twice(live, stage):
    say(live, LONG)
    work(2)
    Message.objects.update(pieces_sent=1)
    work(2)
    assert [text for _, text in stage.heard] == ["😀" * 250, "😂" * 250, "😂" * 250, "fin"]


def test_pieces_take_their_turns_at_the_rate(live, stage, settings):
    settings.CHAT_DELIVERY_PER_SECOND = 2
    say(live, LONG, "après")
    now = timezone.now()
    for _ in range(3):
        for lease in delivery.claim_due(limit=10, now=now):
            delivery.deliver(lease, clock=lambda: now)
    assert len(stage.heard) == 1
    assert Message.objects.order_by("created_at")[0].attempt_at == now + timedelta(seconds=0.5)


def test_chat_goes_on_when_a_clock_was_ahead_that_is_set_right(live, stage):
    say(live, "un", "deux")
    work()
    say(live, "trois", author="léo")
    ahead = timezone.now() + timedelta(minutes=5)
    Message.objects.update(attempt_at=ahead)
    Message.objects.exclude(sent_at=None).update(sent_at=ahead)
    for lease in delivery.claim_due(limit=10):
        delivery.deliver(lease)
    assert [text for _, text in stage.heard] == ["un", "deux", "trois"]


def test_what_is_left_is_typed_where_the_call_went_away(live, stage):
    say(live, LONG)
    work()
    stage.version = "2.7.10"
    server._server.cache_clear()  # what a server can do is remembered for ten minutes
    work()
    assert [text for _, text in stage.heard] == ["😀" * 250, "😂" * 250 + " fin"]
    assert Message.objects.get().delivery == "sent"


# --- what the panel says of it


def test_messages_that_are_sent_are_no_news(client, live):
    say(live, "un", "deux")
    Message.objects.update(created_at=timezone.now() + timedelta(minutes=1))  # however long that took
    assert notes(client, live) == {}
    work()
    assert notes(client, live) == {}


def test_messages_that_wait_are_told_with_the_reason(client, live, stage):
    say(live, "un", "deux")
    stage.hears = 0
    work()
    note = notes(client, live)["waiting"]
    assert note["count"] == "2 messages"
    assert note["text"].startswith("Listeners’ messages have been waiting to be sent to the meeting since ")
    assert note["text"].endswith("The meeting server does not accept messages at the moment.")
    french = notes(client, live, "fr")["waiting"]["text"]
    assert french.startswith("Des messages d’auditeurs attendent d’être transmis à la réunion depuis ")
    stage.hears = None
    work()
    assert notes(client, live) == {}


def test_messages_held_back_by_the_rate_are_told(client, live, settings):
    settings.CHAT_DELIVERY_PER_SECOND = 1
    settings.CHAT_RATE_PER_MINUTE = 100
    say(live, *"abcdefgh")
    for lease in delivery.claim_due(limit=1):
        delivery.deliver(lease)
    Message.objects.update(created_at=timezone.now() + timedelta(minutes=1))  # however long that took
    assert notes(client, live) == {}
    Message.objects.update(created_at=timezone.now() - timedelta(seconds=6))
    Livestream.objects.update(start_asked_at=timezone.now() - timedelta(seconds=60))
    note = notes(client, live)["waiting"]
    assert note["count"] == "7 messages"
    assert note["text"].endswith("Too many were written at once: they are sent little by little.")


def test_messages_that_nobody_takes_are_told(client, live):
    say(live, "un")
    Message.objects.update(created_at=timezone.now() - timedelta(seconds=6))
    Livestream.objects.update(start_asked_at=timezone.now() - timedelta(seconds=60))
    assert notes(client, live)["waiting"]["text"].endswith(
        "Nothing has been sent for a while. Tell an administrator."
    )


def test_messages_that_were_not_sent_are_shown_with_the_reason(client, live, stage):
    say(live, "Où est <b>le plan</b> ?", *(f"question {number}" for number in range(6)))
    stage.meeting_exists = False
    work()
    note = notes(client, live)["failed"]
    assert note["text"] == "7 messages of listeners could not be sent to the meeting."
    assert [item["text"] for item in note["items"]] == [f"question {number}" for number in (5, 4, 3, 2, 1)]
    assert note["items"][0]["by"].startswith("Zoé Martin, ")
    assert note["items"][0]["reason"] == "The meeting server no longer knows the meeting."
    Message.objects.filter(text__startswith="question").delete()
    page = client.get(live.meeting.get_absolute_url()).content.decode()
    assert "Où est &lt;b&gt;le plan&lt;/b&gt; ?" in page


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("gateway_not_in_meeting", "The streaming gateway is not in the meeting at the moment."),
        ("gateway_unsupported", "The streaming gateway can’t write in the meeting."),
        ("something new", "The meeting refused them."),
    ],
)
def test_reason_is_in_plain_words(client, live, code, words):
    say(live, "un")
    Message.objects.update(delivery="failed", delivery_error=code)
    assert notes(client, live)["failed"]["items"][0]["reason"] == words


def test_messages_of_a_live_before_are_no_news(client, live):
    say(live, "un")
    Message.objects.update(delivery="failed")
    Livestream.objects.update(start_asked_at=timezone.now())
    assert notes(client, live) == {}


# --- a gateway that can't be asked


@pytest.mark.parametrize("wrong", [{"sipmediagw_url": "http://127.0.0.1:9"}, {"sipmediagw_url": "nothing"}])
def test_message_for_a_gateway_that_can_not_be_asked_is_given_up_and_told(client, live, stage, wrong):
    """Which dialect it speaks is asked of a gateway, too."""
    stage.version = "2.7.10"
    server._server.cache_clear()
    LiveGateway.objects.update(dialect="auto", **wrong)
    say(live, "un")
    work(delivery.ATTEMPTS)
    message = Message.objects.get()
    assert message.delivery == "failed"
    assert message.delivery_error in {"gateway_unreachable", "gateway_misconfigured"}
    assert notes(client, live)["failed"]["items"][0]["reason"]
