"""The life cycle of a job, in one table. Pure: no I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from amphi.gateway.watchdog import Alarm


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


# The API's names of the states: callers need to know whether pictures arrive, not which part is being repaired.
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

REMARKS = frozenset({"waiting_for_approval", "no_sound", "disconnected", *Alarm})
"""Reasons that do not change the state."""

_END = {
    Trigger.STOP: State.STOPPING,
    Trigger.MEETING_ENDED: State.STOPPING,
    Trigger.REMOVED: State.STOPPING,
    Trigger.CAPTURE_FAILED: State.STOPPING,
    Trigger.GAVE_UP: State.STOPPING,
}
_NOT_LET_IN = {Trigger.JOIN_REFUSED: State.STOPPING, Trigger.JOIN_TIMEOUT: State.STOPPING}

# Triggers that are not listed for a state change nothing, so late ones do no harm.
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
    """The state of a job, and why.

    Attributes:
        since: when the job reached `public_state`.
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
    """The status after `trigger`; the same object when the trigger changes nothing in this state.

    Args:
        status: the status before.
        trigger: what happened.
        now: when it happened.
        detail: one English sentence for the log.
        reason: a more precise code than the trigger's own.
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
    """The status with a remark of its page; the same object when that is not new, or the present reason is more important.

    Args:
        status: the status before.
        reason: a code; ignored unless it is in `REMARKS`.
        detail: one English sentence for the log.
    """
    reason = reason if reason in REMARKS else ""
    is_lost = status.state in {State.JOINING, State.REJOINING}
    if status.is_ending or (status.reason and status.reason not in REMARKS and not (is_lost and reason)):
        return status
    if (status.reason, status.detail) == (reason, detail):
        return status
    return replace(status, reason=reason, detail=detail)
