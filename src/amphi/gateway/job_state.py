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
    Event.STOP: "stopped",
}

_END = {
    Event.STOP: State.STOPPING,
    Event.MEETING_ENDED: State.STOPPING,
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


def advance(status: Status, event: Event, *, now: datetime, detail: str = "") -> Status:
    """The status after `event`; the same object when the event means nothing in this state."""
    state = TRANSITIONS[status.state].get(event)
    if state is None:
        return status
    reason, text = status.reason, status.detail
    if state is State.ON_AIR:
        reason, text = "", ""
    elif event in REASONS:
        reason, text = REASONS[event], detail
    since = status.since if PUBLIC_STATES[state] == status.public_state else now
    return replace(status, state=state, since=since, reason=reason, detail=text)
