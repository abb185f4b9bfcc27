"""The life of a job, as one table. Pure: no I/O, no clock of its own."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    JOINING = "joining"
    PUBLISHING = "publishing"
    ON_AIR = "on_air"
    REPUBLISHING = "republishing"
    REJOINING = "rejoining"
    STOPPING = "stopping"
    IDLE = "idle"


class Trigger(StrEnum):
    ENTERED = "entered"
    PUBLISHED = "published"
    RTMP_LOST = "rtmp_lost"
    RTMP_REFUSED = "rtmp_refused"
    PAGE_CRASHED = "page_crashed"
    GAVE_UP = "gave_up"
    CAPTURE_FAILED = "capture_failed"
    JOIN_REFUSED = "join_refused"
    JOIN_TIMEOUT = "join_timeout"
    MEETING_ENDED = "meeting_ended"
    REMOVED = "removed"
    STOP = "stop"
    CLOSED = "closed"


# What the API calls each state: whoever asks needs to know whether pictures flow, not which half is being mended.
PUBLIC_STATES = {
    State.JOINING: "joining",
    State.PUBLISHING: "joining",
    State.ON_AIR: "on_air",
    State.REPUBLISHING: "recovering",
    State.REJOINING: "recovering",
    State.STOPPING: "stopping",
    State.IDLE: "idle",
}

REASONS = {
    Trigger.RTMP_LOST: "rtmp_lost",
    Trigger.RTMP_REFUSED: "rtmp_refused",
    Trigger.PAGE_CRASHED: "page_crashed",
    Trigger.GAVE_UP: "page_crashed",
    Trigger.CAPTURE_FAILED: "capture_failed",
    Trigger.JOIN_REFUSED: "join_refused",
    Trigger.JOIN_TIMEOUT: "join_timeout",
    Trigger.MEETING_ENDED: "meeting_ended",
    Trigger.REMOVED: "removed",
    Trigger.STOP: "stopped",
}

REMARKS = frozenset({"waiting_for_approval", "no_sound", "disconnected"})
"""Reasons that go with a state without changing it."""

_END = {
    Trigger.STOP: State.STOPPING,
    Trigger.MEETING_ENDED: State.STOPPING,
    Trigger.REMOVED: State.STOPPING,
    Trigger.CAPTURE_FAILED: State.STOPPING,
    Trigger.GAVE_UP: State.STOPPING,
}
_NOT_LET_IN = {Trigger.JOIN_REFUSED: State.STOPPING, Trigger.JOIN_TIMEOUT: State.STOPPING}

# Pairs that are not here change nothing: news that comes late is harmless.
TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.JOINING: {
        Trigger.ENTERED: State.PUBLISHING,
        Trigger.PAGE_CRASHED: State.JOINING,
        **_NOT_LET_IN,
        **_END,
    },
    State.PUBLISHING: {
        Trigger.PUBLISHED: State.ON_AIR,
        Trigger.RTMP_LOST: State.PUBLISHING,
        Trigger.RTMP_REFUSED: State.PUBLISHING,
        Trigger.PAGE_CRASHED: State.JOINING,
        **_END,
    },
    State.ON_AIR: {
        Trigger.RTMP_LOST: State.REPUBLISHING,
        Trigger.RTMP_REFUSED: State.REPUBLISHING,
        Trigger.PAGE_CRASHED: State.REJOINING,
        **_END,
    },
    State.REPUBLISHING: {
        Trigger.PUBLISHED: State.ON_AIR,
        Trigger.RTMP_LOST: State.REPUBLISHING,
        Trigger.RTMP_REFUSED: State.REPUBLISHING,
        Trigger.PAGE_CRASHED: State.REJOINING,
        **_END,
    },
    State.REJOINING: {
        Trigger.ENTERED: State.REPUBLISHING,
        Trigger.PAGE_CRASHED: State.REJOINING,
        **_NOT_LET_IN,
        **_END,
    },
    State.STOPPING: {Trigger.CLOSED: State.IDLE},
    State.IDLE: {},
}


@dataclass(frozen=True)
class Status:
    """Where a job stands.

    Attributes:
        since: when `state`, as the API shows it, was reached.
        reason: a code of the API; empty while all is well.
        detail: one English sentence for the log.
    """

    state: State
    since: datetime
    reason: str = ""
    detail: str = ""

    @property
    def public_state(self) -> str:
        return PUBLIC_STATES[self.state]

    @property
    def is_ending(self) -> bool:
        return self.state in {State.STOPPING, State.IDLE}

    @property
    def in_meeting(self) -> bool:
        return self.state in {State.PUBLISHING, State.ON_AIR, State.REPUBLISHING}


def advance(status: Status, trigger: Trigger, *, now: datetime, detail: str = "", reason: str = "") -> Status:
    """The status after `trigger`; the same object when the trigger means nothing in this state.

    Args:
        status: before it.
        trigger: what happened.
        now: when.
        detail: one English sentence for the log.
        reason: a code that says more than the trigger's own.
    """
    state = TRANSITIONS[status.state].get(trigger)
    if state is None:
        return status
    code, text = status.reason, status.detail
    if state is State.ON_AIR:
        code, text = "", ""
    elif trigger in REASONS:
        code, text = reason or REASONS[trigger], detail
    since = status.since if PUBLIC_STATES[state] == status.public_state else now
    return replace(status, state=state, since=since, reason=code, detail=text)


def remark(status: Status, *, reason: str, detail: str) -> Status:
    """The status with what its page says meanwhile; the same object when that is nothing new, or what is there weighs more.

    Args:
        status: before it.
        reason: a code; those that are none of `REMARKS` wait until they change the state.
        detail: one English sentence for the log.
    """
    reason = reason if reason in REMARKS else ""
    is_lost = status.state in {State.JOINING, State.REJOINING}
    if status.is_ending or (status.reason and status.reason not in REMARKS and not (is_lost and reason)):
        return status
    if (status.reason, status.detail) == (reason, detail):
        return status
    return replace(status, reason=reason, detail=detail)
