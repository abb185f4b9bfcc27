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


class Event(StrEnum):
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
    Event.RTMP_LOST: "rtmp_lost",
    Event.RTMP_REFUSED: "rtmp_refused",
    Event.PAGE_CRASHED: "page_crashed",
    Event.GAVE_UP: "page_crashed",
    Event.CAPTURE_FAILED: "capture_failed",
    Event.JOIN_REFUSED: "join_refused",
    Event.JOIN_TIMEOUT: "join_timeout",
    Event.MEETING_ENDED: "meeting_ended",
    Event.REMOVED: "removed",
    Event.STOP: "stopped",
}

REMARKS = frozenset({"waiting_for_approval", "no_sound", "disconnected"})
"""Reasons that go with a state without changing it."""

_END = {
    Event.STOP: State.STOPPING,
    Event.MEETING_ENDED: State.STOPPING,
    Event.REMOVED: State.STOPPING,
    Event.CAPTURE_FAILED: State.STOPPING,
    Event.GAVE_UP: State.STOPPING,
}
_NOT_LET_IN = {Event.JOIN_REFUSED: State.STOPPING, Event.JOIN_TIMEOUT: State.STOPPING}

# Pairs that are not here change nothing: news that comes late is harmless.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.JOINING: {
        Event.ENTERED: State.PUBLISHING,
        Event.PAGE_CRASHED: State.JOINING,
        **_NOT_LET_IN,
        **_END,
    },
    State.PUBLISHING: {
        Event.PUBLISHED: State.ON_AIR,
        Event.RTMP_LOST: State.PUBLISHING,
        Event.RTMP_REFUSED: State.PUBLISHING,
        Event.PAGE_CRASHED: State.JOINING,
        **_END,
    },
    State.ON_AIR: {
        Event.RTMP_LOST: State.REPUBLISHING,
        Event.RTMP_REFUSED: State.REPUBLISHING,
        Event.PAGE_CRASHED: State.REJOINING,
        **_END,
    },
    State.REPUBLISHING: {
        Event.PUBLISHED: State.ON_AIR,
        Event.RTMP_LOST: State.REPUBLISHING,
        Event.RTMP_REFUSED: State.REPUBLISHING,
        Event.PAGE_CRASHED: State.REJOINING,
        **_END,
    },
    State.REJOINING: {
        Event.ENTERED: State.REPUBLISHING,
        Event.PAGE_CRASHED: State.REJOINING,
        **_NOT_LET_IN,
        **_END,
    },
    State.STOPPING: {Event.CLOSED: State.IDLE},
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


def advance(status: Status, event: Event, *, now: datetime, detail: str = "", reason: str = "") -> Status:
    """The status after `event`; the same object when the event means nothing in this state.

    Args:
        status: before it.
        event: what happened.
        now: when.
        detail: one English sentence for the log.
        reason: a code that says more than the event's own.
    """
    state = TRANSITIONS[status.state].get(event)
    if state is None:
        return status
    code, text = status.reason, status.detail
    if state is State.ON_AIR:
        code, text = "", ""
    elif event in REASONS:
        code, text = reason or REASONS[event], detail
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
