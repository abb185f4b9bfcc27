"""The life of a livestream: one table, and the one function that applies it.

What was asked (`starting`) is never shown as what is (`live`): `live` means that pictures arrive.
"""

import logging
import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import domain as audience
from amphi.audience.models import EventState
from amphi.webinars.models import RUNNING, Livestream, State, Transition

log = logging.getLogger("webinar")

GO_LIVE = "go_live"
MEDIA_SEEN = "media_seen"
MEDIA_LOST = "media_lost"
RESTART = "restart"
STOP = "stop"
MEETING_ENDED = "meeting_ended"
GATEWAY_IDLE = "gateway_idle"
GIVE_UP = "give_up"

EVENTS = (GO_LIVE, MEDIA_SEEN, MEDIA_LOST, RESTART, STOP, MEETING_ENDED, GATEWAY_IDLE, GIVE_UP)

TABLE: dict[tuple[State, str], State] = {
    (State.IDLE, GO_LIVE): State.STARTING,
    (State.STOPPED, GO_LIVE): State.STARTING,
    (State.FAILED, GO_LIVE): State.STARTING,
    (State.STARTING, MEDIA_SEEN): State.LIVE,
    (State.RECOVERING, MEDIA_SEEN): State.LIVE,
    (State.LIVE, MEDIA_LOST): State.RECOVERING,
    (State.LIVE, RESTART): State.RECOVERING,
    (State.STARTING, STOP): State.STOPPING,
    (State.LIVE, STOP): State.STOPPING,
    (State.RECOVERING, STOP): State.STOPPING,
    (State.FAILED, STOP): State.STOPPING,
    (State.STARTING, MEETING_ENDED): State.STOPPING,
    (State.LIVE, MEETING_ENDED): State.STOPPING,
    (State.RECOVERING, MEETING_ENDED): State.STOPPING,
    (State.FAILED, MEETING_ENDED): State.STOPPING,
    (State.STOPPING, GATEWAY_IDLE): State.STOPPED,
    (State.STARTING, GIVE_UP): State.FAILED,
    (State.RECOVERING, GIVE_UP): State.FAILED,
    (State.STOPPING, GIVE_UP): State.FAILED,
}


LISTENERS = {
    State.IDLE: EventState.WAITING,
    State.STARTING: EventState.STARTING,
    State.LIVE: EventState.LIVE,
    State.RECOVERING: EventState.RECOVERING,
    State.STOPPING: EventState.OVER,
    State.STOPPED: EventState.OVER,
}
"""What listeners are told: a live that stops is over for them at once. What they are told of a failed one, `listeners_state` says."""


def listeners_state(livestream: Livestream) -> EventState:
    """What listeners know of a live; one that failed comes back as long as its meeting goes on."""
    if livestream.state != State.FAILED:
        return LISTENERS[State(livestream.state)]
    if livestream.meeting.ended_at is not None:
        return EventState.OVER
    return EventState.RECOVERING if livestream.went_live_at else EventState.WAITING


def tell_listeners(livestream: Livestream) -> None:
    """Have the event of `livestream` say what it is now; in the caller's transaction."""
    audience.set_state(
        livestream.event_id,
        listeners_state(livestream),
        since=livestream.state_since,
        held_since=livestream.asked_at if livestream.is_running else None,
    )


def is_legal(state: str, event: str) -> bool:
    """Whether `event` means something in `state`."""
    return (State(state), event) in TABLE


def new_job(livestream: Livestream) -> dict[str, object]:
    """The columns that put a new gateway job in the place of the one that `livestream` has."""
    return {
        "retiring_gateway": livestream.gateway,
        "retiring_job_id": livestream.job_id,
        "retiring_remote_id": livestream.remote_id,
        "job_id": uuid.uuid4(),
        "job_since": timezone.now(),
        "remote_id": "",
        "gateway_asked_at": None,
        "chat_shown": None,
        "media_mark": "",
        "media_seen_at": None,
    }


def _changes(livestream: Livestream, event: str, new: State, now: datetime) -> dict[str, object]:
    """The columns that a transition sets besides the state."""
    changes: dict[str, object] = {"check_at": now if new in RUNNING else None}
    if livestream.state == State.LIVE:
        # Watching a live only reads: what is asked now need not wait until a slow answer ends the watcher's lease.
        changes["claimed_until"] = None
    if event == GO_LIVE:
        changes |= {
            "job_id": uuid.uuid4(),
            "job_since": now,
            "asked_at": now,
            "went_live_at": None,
            "media_mark": "",
            "media_seen_at": None,
            "meeting_misses": 0,
            "ends_meeting": False,
            "last_error": "",
            "last_error_detail": "",
            "chat_shown": None,
            "session_id": "",
            "participants": None,
            "hook_checked_at": None,
            "has_hook": None,
            "overrun_checked_at": None,
            "limit_warned_at": None,
            "gateway_asked_at": None,
            "remote_id": "",
        }
    elif event == RESTART:
        changes |= new_job(livestream)
    elif event == MEDIA_SEEN:
        changes |= {"last_error": "", "last_error_detail": ""}
        if livestream.went_live_at is None:
            changes["went_live_at"] = now
    return changes


def apply(
    livestream: Livestream, event: str, *, user: User | None, reason: str = "", **columns: object
) -> bool:
    """Apply `event` to `livestream`, once, whoever else tries at the same moment.

    The row changes only if its state and job are still those that `livestream` was read with; the change, its audit row and
    what listeners are told are one transaction.

    Args:
        livestream: as read; brought up to date when the event is applied.
        event: one of `EVENTS`.
        user: who asked, or None for the platform itself.
        reason: a code or short sentence for the history.
        columns: more columns to set in the same change, such as ``ends_meeting``.

    Returns:
        False when the event means nothing in this state, or somebody was first.
    """
    old = State(livestream.state)
    new = TABLE.get((old, event))
    if new is None:
        return False
    now = timezone.now()
    changes = {**_changes(livestream, event, new, now), **columns, "state": new, "state_since": now}
    with transaction.atomic():
        guarded = Livestream.objects.filter(pk=livestream.pk, state=old, job_id=livestream.job_id)
        if event == GO_LIVE:
            guarded = guarded.filter(removal="")  # what is being removed is not begun again
        if not guarded.update(**changes):
            return False
        Transition.objects.create(
            livestream=livestream, old=old, new=new, event=event, reason=reason[:200], actor=user
        )
        for name, value in changes.items():
            setattr(livestream, name, value)
        tell_listeners(livestream)
    meeting = livestream.meeting
    log.info(
        "%s for meeting %s “%s”: %s → %s%s",
        event,
        meeting.pk,
        meeting.name,
        old,
        new,
        f" ({reason})" if reason else "",
    )
    return True
