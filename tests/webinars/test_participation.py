"""Who is in the meeting, which hands are up, which poll is open: from what BBB tells to what the panel says."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars import domain, participation
from amphi.webinars.models import Livestream, Poll, PollResponse, RaisedHand, State
from amphi.worker import supervisor
from tests.factories import make_meeting
from tests.webhooks import came, deliver, event, went

pytestmark = pytest.mark.django_db


def hand(meeting: Meeting, name: str, at_s: float = 0, *, up: bool = True, **more: Any) -> dict[str, Any]:
    """A hand goes up or down, as BBB tells it: without the person's name."""
    user = {"internal-user-id": f"w_{name}", "external-user-id": f"guest-{name}", "raise-hand": up}
    return event(meeting, "user-raise-hand-changed", at_s, user=user, **more)


def emoji(meeting: Meeting, name: str, shown: str, at_s: float = 0) -> dict[str, Any]:
    user = {"internal-user-id": f"w_{name}", "external-user-id": f"guest-{name}", "emoji": shown}
    return event(meeting, "user-emoji-changed", at_s, user=user)


def poll(meeting: Meeting, question: str, poll_id: str = "p/1", at_s: float = 0) -> dict[str, Any]:
    answers = [{"id": 0, "key": "A"}, {"id": 1, "key": "B"}]
    user = {"internal-user-id": "w_presenter", "external-user-id": "amphi-1"}
    return event(
        meeting,
        "poll-started",
        at_s,
        user=user,
        poll={"id": poll_id, "question": question, "answers": answers},
    )


def answered(meeting: Meeting, at_s: float, poll_id: str = "p/1", answer: int = 0) -> dict[str, Any]:
    """An answer to a poll, which BBB tells in the presenter's name."""
    user = {"internal-user-id": "w_presenter", "external-user-id": "amphi-1"}
    return event(meeting, "poll-responded", at_s, user=user, poll={"id": poll_id, "answerIds": [answer]})


def look(livestream: Livestream, times: int = 1) -> None:
    for _ in range(times):
        livestream.refresh_from_db()
        livestream.meeting.refresh_from_db()
        supervisor.look(livestream)


@pytest.fixture
def live(livestream, stage, client) -> Livestream:
    """On air, with Ada and Bob and the streaming user in the meeting."""
    meeting = livestream.meeting
    stage.people = {
        "guest-Ada": "Ada",
        "guest-Bob": "Bob",
        f"amphi-streaming-{meeting.pk}": "streaming",
    }
    stage.sequence, stage.advancing = 1, True
    Meeting.objects.update(started_at=timezone.now())
    domain.go_live(livestream, user=meeting.owner)
    look(livestream, 5)
    deliver(client, meeting, came(meeting, "Ada"), came(meeting, "Bob"))
    client.force_login(meeting.owner)
    livestream.refresh_from_db()
    assert livestream.state == State.LIVE
    return livestream


def notes(client, livestream: Livestream, language: str = "en") -> dict[str, Any]:
    """The panel's notes by their keys; those that say nothing are left out."""
    url = reverse("webinars:status", args=[livestream.meeting.slug])
    answer = client.get(url, headers={"Accept": "application/json", "Accept-Language": language}).json()
    found = {note["key"]: note for note in answer["notes"] if note["text"]}
    return {**found, "meeting": answer["stations"][0]["text"]}


def hands(client, livestream: Livestream) -> str:
    return str(notes(client, livestream).get("hands", {}).get("text", ""))


# --- how many


def test_participants_are_those_of_the_meeting_server_without_the_streaming_user(client, live):
    assert notes(client, live)["meeting"] == "Running, 2 participants"
    assert notes(client, live, "fr")["meeting"] == "En cours, 2 participants"


def test_participants_follow(client, live, stage):
    stage.people.pop("guest-Bob")
    look(live)
    assert notes(client, live)["meeting"] == "Running, 1 participant"


def test_page_asks_the_meeting_server_nothing(client, live, stage):
    stage.asked.clear()
    notes(client, live)
    client.get(live.meeting.get_absolute_url())
    assert stage.asked == []


def test_count_that_is_old_is_not_said(client, live):
    long_ago = timezone.now() - participation.COUNT_FRESH - timedelta(seconds=1)
    Livestream.objects.update(participants_seen_at=long_ago)
    assert notes(client, live)["meeting"] == "Running"


def test_count_of_a_server_that_fails_is_kept_for_a_moment(client, live, stage):
    stage.broken["bbb"] = 500
    look(live)
    assert notes(client, live)["meeting"] == "Running, 2 participants"


# --- hands


def test_hands_are_named_in_the_order_they_went_up(client, live):
    deliver(client, live.meeting, hand(live.meeting, "Bob", 1), hand(live.meeting, "Ada", 2))
    assert hands(client, live) == "2 hands raised: Bob, Ada"
    assert notes(client, live, "fr")["hands"]["text"] == "2 mains levées\u00a0: Bob, Ada"


def test_hand_goes_down(client, live):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1), hand(live.meeting, "Ada", 2, up=False))
    assert hands(client, live) == ""


@pytest.mark.parametrize("times", [1, 2])
def test_hand_told_late_or_twice_changes_nothing(client, live, times):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 2, up=False))
    for _ in range(times):
        deliver(client, live.meeting, hand(live.meeting, "Ada", 1))
    assert hands(client, live) == ""
    for _ in range(times):
        deliver(client, live.meeting, hand(live.meeting, "Ada", 3))
    assert hands(client, live) == "1 hand raised: Ada"
    assert RaisedHand.objects.count() == 1


def test_hand_of_somebody_who_leaves_goes_down(client, live):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1), went(live.meeting, "Ada", 2))
    assert hands(client, live) == ""


def test_hand_of_somebody_who_is_not_there_goes_down_though_nothing_told_it(client, live, stage):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1))
    stage.people.pop("guest-Ada")
    look(live)
    assert hands(client, live) == ""


def test_hands_in_a_meeting_that_everybody_left_go_down_though_nothing_told_it(client, live, stage):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1), hand(live.meeting, "Bob", 2))
    stage.people.clear()
    look(live)
    assert (hands(client, live), notes(client, live)["meeting"]) == ("", "Running, 0 participants")


def test_hand_without_a_name_gets_it_from_the_meeting_server(client, live, stage):
    deliver(client, live.meeting, hand(live.meeting, "Zoé", 1))
    assert hands(client, live) == "1 hand raised"
    stage.people["guest-Zoé"] = "Zoé Martin"
    RaisedHand.objects.update(is_raised=True)
    look(live)
    assert hands(client, live) == "1 hand raised: Zoé Martin"


def test_hands_of_another_session_or_meeting_are_not_shown(client, live):
    other = make_meeting()
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1, session="life-0"), hand(other, "Bob", 2))
    assert hands(client, live) == ""


def test_hands_and_polls_of_a_meeting_that_ended_are_gone(client, live, stage):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1), poll(live.meeting, "Qui ?"))
    deliver(client, live.meeting, answered(live.meeting, 2))
    stage.meeting_exists = False
    deliver(client, live.meeting, event(live.meeting, "meeting-ended", 30))
    look(live, 3)
    assert set(notes(client, live)) == {"meeting"}
    assert not RaisedHand.objects.exists()
    assert not Poll.objects.exists()


def test_many_hands_are_counted_and_some_named(client, live, stage):
    names = [f"P{number}" for number in range(11)]
    stage.people |= {f"guest-{name}": name for name in names}
    meeting = live.meeting
    deliver(client, meeting, *(came(meeting, name) for name in names))
    deliver(client, meeting, *(hand(meeting, name, at_s) for at_s, name in enumerate(names)))
    assert hands(client, live) == "11 hands raised: P0, P1, P2, P3, P4, P5, P6, P7 and 3 others"


def test_hand_of_a_server_before_2_7_is_an_emoji(client, live):
    deliver(client, live.meeting, emoji(live.meeting, "Ada", "raiseHand", 1))
    assert hands(client, live) == "1 hand raised: Ada"
    deliver(client, live.meeting, emoji(live.meeting, "Ada", "none", 2))
    assert hands(client, live) == ""


def test_emoji_since_2_7_says_nothing_of_hands(client, live):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1), emoji(live.meeting, "Ada", "😀", 2))
    deliver(client, live.meeting, emoji(live.meeting, "Bob", "😀", 2))
    assert hands(client, live) == "1 hand raised: Ada"


def test_name_is_text_on_the_page(client, live):
    hostile = "<img src=x onerror=alert(1)>\u202e"
    deliver(client, live.meeting, came(live.meeting, hostile), hand(live.meeting, hostile, 1))
    page = client.get(live.meeting.get_absolute_url()).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_hand_in_a_plain_meeting_is_nobody_s(client, stage):
    meeting = make_meeting()
    assert deliver(client, meeting, hand(meeting, "Ada"), poll(meeting, "?"), answered(meeting, 1)) == 200
    assert not RaisedHand.objects.exists()
    assert not Poll.objects.exists()


# --- polls


def test_poll_is_told_with_its_answers(client, live):
    deliver(client, live.meeting, poll(live.meeting, "Qui a compris ?"))
    note = notes(client, live)["poll"]
    assert note["text"].startswith("Poll opened at ")
    assert "“Qui a compris ?”" in note["text"]
    assert note["count"] == ""
    deliver(client, live.meeting, *(answered(live.meeting, at_s) for at_s in (1, 2, 3)))
    deliver(client, live.meeting, answered(live.meeting, 3))
    assert notes(client, live)["poll"]["count"] == "3 answers"
    assert "«\u00a0Qui a compris ?\u00a0»" in (notes(client, live, "fr")["poll"]["text"])


def test_poll_told_after_its_first_answer_is_one_poll(client, live):
    deliver(client, live.meeting, answered(live.meeting, 1), poll(live.meeting, "Qui ?", at_s=0))
    assert notes(client, live)["poll"]["count"] == "1 answer"
    assert "Qui ?" in notes(client, live)["poll"]["text"]


def test_latest_poll_is_the_one(client, live):
    deliver(client, live.meeting, poll(live.meeting, "Un"), answered(live.meeting, 1))
    deliver(client, live.meeting, poll(live.meeting, "Deux", "p/2", at_s=2))
    note = notes(client, live)["poll"]
    assert ("Deux" in note["text"], note["count"]) == (True, "")


def test_poll_of_long_ago_is_not_shown(client, live):
    deliver(client, live.meeting, poll(live.meeting, "Qui ?"), answered(live.meeting, 1))
    old = timezone.now() - participation.POLL_FRESH - timedelta(seconds=2)
    Poll.objects.update(started_at=old)
    assert "poll" in notes(client, live)
    PollResponse.objects.update(at=old)
    assert "poll" not in notes(client, live)


# --- no webhooks


@pytest.mark.parametrize(("language", "words"), [("en", "has no webhooks"), ("fr", "n’a pas de webhooks")])
def test_server_without_webhooks_is_said(client, live, stage, language, words):
    deliver(client, live.meeting, hand(live.meeting, "Ada", 1))
    stage.has_hooks = False
    Livestream.objects.update(hook_asked_at=None)
    look(live)
    said = notes(client, live, language)
    assert set(said) == {"webhooks", "meeting"}
    assert words in said["webhooks"]["text"]


def test_nothing_is_said_of_webhooks_while_they_work(client, live):
    assert set(notes(client, live)) == {"meeting"}
