"""Raised hands, and the stage."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from amphi.audience import domain, hands
from amphi.audience.exceptions import StageFullError, TooManyVoicesError, VoiceClosedError
from amphi.audience.models import Event, EventState, Hand, HandState
from amphi.audience.pace import Pace
from amphi.audience.speakers import Speaker
from amphi.webinars.models import State
from tests.audience.hall import hall, listener, told

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=4)


@pytest.fixture(autouse=True)
def in_use(settings, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(hands, "_pace", Pace(60, 60))
    with translation.override("en"):
        yield


def open_hall(state: State = State.LIVE, **settings) -> Event:
    return hall(state, **{"enable_hands": True} | settings)


def raise_hand(event: Event, by: Speaker | None = None, word: str = "") -> Hand:
    return hands.raise_hand(event, by=by or listener(), word=word)


def states(event: Event) -> list[str]:
    return list(event.hands.order_by("pk").values_list("state", flat=True))


@pytest.mark.django_db(transaction=True)
def test_queue_is_told_by_tokens():
    event = open_hall(stage_places=2)
    first, second, third = (raise_hand(event, word=word) for word in ("", "<b>un mot</b>", ""))
    assert second.word == "<b>un mot</b>"
    hands.invite(event, second.token)
    assert told(event, "hands")[-1] == {
        "raised": [first.token, third.token],
        "invited": [second.token],
        "on_stage": [],
    }
    hands.take_stage(event, viewer=second.viewer)
    hands.lower(event, viewer=first.viewer)
    assert told(event, "hands")[-1] == {"raised": [third.token], "invited": [], "on_stage": [second.token]}


def test_hand_raised_twice_is_one_hand():
    event, by = open_hall(), listener()
    first = raise_hand(event, by, "un")
    again = raise_hand(event, by, "deux " * 100)
    assert (again.pk, again.raised_at, len(again.word)) == (first.pk, first.raised_at, 120)
    assert hands.of_viewer(event.pk, by.viewer) == first


@pytest.mark.parametrize(
    ("state", "columns"),
    [(State.IDLE, {}), (State.STOPPED, {}), (State.LIVE, {"enable_hands": False})],
)
def test_when_no_hand_is_taken(state, columns):
    with pytest.raises(VoiceClosedError):
        raise_hand(open_hall(state, **columns))


def test_so_many_hands_are_up(monkeypatch):
    monkeypatch.setattr(hands, "MOST_UP", 2)
    event = open_hall()
    raise_hand(event)
    raise_hand(event)
    with pytest.raises(TooManyVoicesError):
        raise_hand(event)


def test_viewer_raises_so_often(monkeypatch):
    monkeypatch.setattr(hands, "_pace", Pace(1, 60, clock=lambda: 0.0))
    event, by = open_hall(), listener()
    raise_hand(event, by)
    hands.lower(event, viewer=by.viewer)
    with pytest.raises(TooManyVoicesError):
        raise_hand(event, by)


# --- on stage


def test_invited_twice_takes_one_place():
    event = open_hall()
    hand = raise_hand(event)
    assert hands.invite(event, hand.token).state == "invited"
    assert hands.invite(event, hand.token).state == "invited"
    with pytest.raises(StageFullError, match="1 place"):
        hands.invite(event, raise_hand(event).token)


@pytest.mark.django_db(transaction=True)
def test_two_invited_at_the_same_moment_never_share_a_place():
    event = open_hall()
    tokens = [raise_hand(event).token for _ in range(6)]

    def try_to_invite(token: str) -> bool:
        try:
            hands.invite(event, token)
        except StageFullError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_to_invite, tokens)) == 1
    assert sorted(states(event)) == ["invited"] + ["raised"] * 5


@pytest.mark.parametrize("how", ["never", "not_yet", "lowered", "own_lowered", "other", "over"])
def test_stage_is_only_for_who_is_invited_there(how):
    event, by = open_hall(), listener()
    viewer = by.viewer
    if how != "never":
        hand = raise_hand(event, by)
        if how != "not_yet":
            hands.invite(event, hand.token)
        if how == "lowered":
            hands.lower_other(event, hand.token)
        if how == "own_lowered":
            hands.lower(event, viewer=viewer)
        if how == "other":
            viewer = listener().viewer
        if how == "over":
            domain.set_state(event.pk, EventState.OVER, since=timezone.now(), held_since=None)
    with pytest.raises(VoiceClosedError):
        hands.take_stage(event, viewer=viewer)


def test_who_is_on_stage_may_come_in_again_until_they_leave():
    event, by = open_hall(), listener()
    hand = raise_hand(event, by)
    hands.invite(event, hand.token)
    assert hands.take_stage(event, viewer=by.viewer).state == "on_stage"
    assert hands.take_stage(event, viewer=by.viewer).state == "on_stage"
    hands.left_stage(event.pk, hand.token)
    hands.left_stage(event.pk, hand.token)
    with pytest.raises(VoiceClosedError):
        hands.take_stage(event, viewer=by.viewer)
    assert states(event) == ["lowered"]


@pytest.mark.parametrize(
    ("state", "is_up"), [(HandState.RAISED, False), (HandState.INVITED, False), (HandState.ON_STAGE, True)]
)
def test_listener_who_left_the_page_keeps_no_place(state, is_up):
    event, by = open_hall(), listener()
    hand = raise_hand(event, by)
    Hand.objects.update(state=state, seen_at=timezone.now() - LONG_AGO)
    assert bool(hands.of_viewer(event.pk, by.viewer)) is is_up
    if not is_up:
        with pytest.raises(VoiceClosedError):
            hands.invite(event, hand.token)
        hands.invite(event, raise_hand(event).token)
        again = raise_hand(event, by)
        assert again.pk != hand.pk
        hands.keep(event, viewer=by.viewer)


def test_page_that_is_open_keeps_its_hand():
    event, by = open_hall(), listener()
    raise_hand(event, by)
    Hand.objects.update(seen_at=timezone.now() - LONG_AGO)
    hands.keep(event, viewer=by.viewer)
    assert hands.of_viewer(event.pk, by.viewer)


def test_hands_are_down_when_the_live_is_over():
    event = open_hall()
    raise_hand(event)
    hands.invite(event, raise_hand(event).token)
    domain.set_state(event.pk, EventState.OVER, since=timezone.now(), held_since=None)
    assert states(event) == ["lowered", "lowered"]
    with pytest.raises(VoiceClosedError):
        hands.invite(event, event.hands.first().token)


def test_hand_of_another_event_is_not_touched():
    event, other = open_hall(), open_hall()
    hand = raise_hand(other)
    hands.lower_other(event, hand.token)
    with pytest.raises(VoiceClosedError):
        hands.invite(event, hand.token)
    assert states(other) == ["raised"]
