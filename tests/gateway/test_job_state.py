from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from amphi.gateway.job_state import PUBLIC_STATES, TRANSITIONS, State, Status, Trigger, advance, remark

START = datetime(2026, 3, 29, 14, 0, tzinfo=UTC)
LATER = START + timedelta(seconds=5)

ENDINGS = {
    "meeting_ended": "stopping",
    "removed": "stopping",
    "stop": "stopping",
    "capture_failed": "stopping",
    "gave_up": "stopping",
}
SHUT_OUT = {"join_refused": "stopping", "join_timeout": "stopping"}
EXPECTED = {
    "joining": {"entered": "publishing", "page_crashed": "joining"} | ENDINGS | SHUT_OUT,
    "publishing": {
        "published": "on_air",
        "rtmp_lost": "publishing",
        "rtmp_refused": "publishing",
        "page_crashed": "joining",
    }
    | ENDINGS,
    "on_air": {"rtmp_lost": "republishing", "rtmp_refused": "republishing", "page_crashed": "rejoining"}
    | ENDINGS,
    "republishing": {
        "published": "on_air",
        "rtmp_lost": "republishing",
        "rtmp_refused": "republishing",
        "page_crashed": "rejoining",
    }
    | ENDINGS,
    "rejoining": {"entered": "republishing", "page_crashed": "rejoining"} | ENDINGS | SHUT_OUT,
    "stopping": {"closed": "idle"},
    "idle": {},
}


@pytest.mark.parametrize(("state", "trigger"), list(product(State, Trigger)))
def test_every_pair(state, trigger):
    before = Status(state, START)
    after = advance(before, trigger, now=LATER, detail="why")
    expected = EXPECTED[state].get(trigger)
    if expected is None:
        assert after is before
    else:
        assert after.state == expected
        assert after.since == (START if PUBLIC_STATES[state] == after.public_state else LATER)


def test_every_state_has_a_row_and_a_public_name():
    assert set(TRANSITIONS) == set(PUBLIC_STATES) == set(State)
    assert set(PUBLIC_STATES.values()) == {"joining", "on_air", "recovering", "stopping", "idle"}


def test_reason_is_cleared_on_air_and_kept_when_idle():
    status = Status(State.ON_AIR, START)
    status = advance(status, Trigger.RTMP_LOST, now=LATER, detail="broken pipe")
    assert (status.public_state, status.reason, status.detail) == ("recovering", "rtmp_lost", "broken pipe")
    status = advance(status, Trigger.PUBLISHED, now=LATER)
    assert (status.public_state, status.reason, status.detail) == ("on_air", "", "")
    status = advance(status, Trigger.MEETING_ENDED, now=LATER, detail="the meeting is over")
    status = advance(status, Trigger.STOP, now=LATER)
    status = advance(status, Trigger.CLOSED, now=LATER)
    assert (status.public_state, status.reason) == ("idle", "meeting_ended")


def test_a_page_may_say_more_than_the_event():
    status = advance(
        Status(State.JOINING, START),
        Trigger.JOIN_REFUSED,
        now=LATER,
        detail="404",
        reason="meeting_not_found",
    )
    assert (status.state, status.reason, status.detail) == ("stopping", "meeting_not_found", "404")


@pytest.mark.parametrize(
    ("state", "before", "said", "after"),
    [
        ("joining", "", "waiting_for_approval", "waiting_for_approval"),
        ("joining", "waiting_for_approval", "", ""),
        ("on_air", "", "no_sound", "no_sound"),
        ("on_air", "no_sound", "disconnected", "disconnected"),
        ("on_air", "disconnected", "", ""),
        ("rejoining", "page_crashed", "", "page_crashed"),
        ("rejoining", "page_crashed", "waiting_for_approval", "waiting_for_approval"),
        ("republishing", "rtmp_lost", "no_sound", "rtmp_lost"),
        ("stopping", "removed", "no_sound", "removed"),
        ("on_air", "", "session_expired", ""),
    ],
)
def test_remarks(state, before, said, after):
    status = remark(Status(State(state), START, before), reason=said, detail="why")
    assert (status.state, status.reason) == (state, after)


def test_a_remark_that_says_nothing_new_changes_nothing():
    status = Status(State.ON_AIR, START, "no_sound", "why")
    assert remark(status, reason="no_sound", detail="why") is status
