"""The life cycle of a livestream: one table, and the one function that applies it.

`starting` is what somebody requested; `live` means that pictures arrive.
"""

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import domain as audience
from amphi.audience.models import EventState
from amphi.system import request_ids
from amphi.webinars import announcing
from amphi.webinars.models import Livestream, RetiringJob, StandbyJob, State, Transition

log = logging.getLogger("webinar")

GO_LIVE = "go_live"
MEDIA_SEEN = "media_seen"
MEDIA_LOST = "media_lost"
RESTART = "restart"
STOP = "stop"
MEETING_ENDED = "meeting_ended"
GATEWAY_IDLE = "gateway_idle"
GIVE_UP = "give_up"
OPEN = "open"
"""Presenters who were backstage go live; the live itself stays as it is."""

_REPLACES_JOB = frozenset({RESTART, GIVE_UP})
"""Triggers after which the gateway's job is no longer used, and must be stopped once its gateway answers."""

TRIGGERS = (GO_LIVE, MEDIA_SEEN, MEDIA_LOST, RESTART, STOP, MEETING_ENDED, GATEWAY_IDLE, GIVE_UP, OPEN)

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
    (State.STARTING, OPEN): State.STARTING,
    (State.LIVE, OPEN): State.LIVE,
    (State.RECOVERING, OPEN): State.RECOVERING,
}


LISTENERS = {
    State.IDLE: EventState.WAITING,
    State.STARTING: EventState.STARTING,
    State.LIVE: EventState.LIVE,
    State.RECOVERING: EventState.RECOVERING,
    State.STOPPING: EventState.OVER,
    State.STOPPED: EventState.OVER,
}
"""The event's state for each state but `FAILED`, which is in `listeners_state`. For listeners a stopping live is over at once."""


def listeners_state(livestream: Livestream) -> EventState:
    """What listeners see of a live: nothing while it is backstage. A failed live may be restarted while its meeting goes on, so it is not over for them."""
    if livestream.is_backstage:
        return EventState.WAITING
    if livestream.state != State.FAILED:
        return LISTENERS[State(livestream.state)]
    if livestream.meeting.ended_at is not None:
        return EventState.OVER
    return EventState.RECOVERING if livestream.went_live_at else EventState.WAITING


def tell_listeners(livestream: Livestream) -> None:
    """Write the state of `livestream` to its event, in the caller's transaction."""
    audience.set_state(
        livestream.event_id,
        listeners_state(livestream),
        since=livestream.state_since,
        held_since=livestream.start_asked_at if livestream.is_running else None,
        is_backstage=livestream.is_backstage,
    )


def is_legal(state: str, trigger: str) -> bool:
    """Whether `trigger` leads from `state` to another state."""
    return (State(state), trigger) in TABLE


def retire_job(livestream: Livestream, now: datetime) -> None:
    """Hand the gateway job of `livestream` over to be stopped, as a `RetiringJob`; in the caller's transaction."""
    if livestream.job_id is None:
        return
    RetiringJob.objects.create(
        livestream=livestream,
        gateway=livestream.gateway,
        job_id=livestream.job_id,
        remote_id=livestream.remote_id,
        since=now,
        may_start_until=livestream.start_may_come_until,
        stop_at=now,
    )


def have_standby(livestream: Livestream, now: datetime) -> None:
    """Have the second gateway join too, where there is one; in the caller's transaction."""
    if livestream.gateway.standby_url:
        StandbyJob.objects.get_or_create(
            livestream=livestream, gateway=livestream.gateway, defaults={"look_at": now}
        )


def new_job(now: datetime) -> dict[str, object]:
    """The columns that a new gateway job sets; call `retire_job` for the old one."""
    return {
        "job_id": uuid.uuid4(),
        "job_since": now,
        "remote_id": "",
        "gateway_asked_at": None,
        "start_may_come_until": None,
        "chat_shown": None,
        "layout_shown": "",
        "media_mark": "",
        "media_seen_at": None,
    }


def replace_job(livestream: Livestream, **columns: object) -> bool:
    """Replace the gateway job of `livestream` by a new one, and retire the old one, in one transaction.

    Args:
        livestream: as read by the look that decides; updated on success.
        columns: more columns to set in the same statement.

    Returns:
        False, and nothing written, when state, job, gateway or lease have changed since it was read.
    """
    now = timezone.now()
    changes = columns | new_job(now)
    with transaction.atomic():
        guarded = Livestream.objects.filter(
            pk=livestream.pk,
            state=livestream.state,
            job_id=livestream.job_id,
            gateway=livestream.gateway,
            claimed_by=livestream.claimed_by,
        )
        if not guarded.update(**changes):
            return False
        retire_job(livestream, now)
    _set(livestream, changes)
    return True


def _set(livestream: Livestream, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(livestream, name, value)


def _changes(livestream: Livestream, trigger: str, now: datetime) -> dict[str, object]:
    """The columns that a transition sets besides the state."""
    # Every new state is looked at once: only a look may decide that no more looks are needed.
    changes: dict[str, object] = {"look_at": now}
    if trigger == GO_LIVE:
        changes |= {
            "job_id": uuid.uuid4(),
            "job_since": now,
            "start_asked_at": now,
            "went_live_at": None,
            "media_mark": "",
            "media_seen_at": None,
            "meeting_misses": 0,
            "ends_meeting": False,
            # A live that failed before its listeners' eyes comes back before them.
            "is_backstage": livestream.starts_backstage
            and not (livestream.state == State.FAILED and livestream.went_live_at is not None),
            "last_error": "",
            "last_error_detail": "",
            "chat_shown": None,
            "layout_shown": "",
            "session_id": "",
            "participants": None,
            "hook_asked_at": None,
            "has_hook": None,
            "made_way_at": None,
            "limit_warned_at": None,
            "gateway_asked_at": None,
            "start_may_come_until": None,
            "remote_id": "",
        }
    elif trigger == MEDIA_SEEN:
        changes |= {"last_error": "", "last_error_detail": ""}
        if livestream.went_live_at is None and not livestream.is_backstage:
            changes["went_live_at"] = now
    elif trigger == OPEN:
        changes["is_backstage"] = False
        if livestream.state == State.LIVE:
            changes["went_live_at"] = now
    return changes


def _is_left_behind(livestream: Livestream, trigger: str, now: datetime) -> bool:
    """Whether the gateway's job must still be stopped after `trigger`."""
    may_come = livestream.start_may_come_until is not None and livestream.start_may_come_until > now
    return trigger in _REPLACES_JOB or (trigger == GATEWAY_IDLE and may_come)


def _free_for_another_look() -> Case:
    """End the lease of a look that is under way, so that the next one need not wait for it. A look that starts a job keeps its lease."""
    is_idle = Q(start_may_come_until=None)
    return Case(
        When(is_idle, then=Value(None, output_field=DateTimeField(null=True))), default=F("claimed_until")
    )


def _read_backstage(livestream: Livestream) -> None:
    """Going live from backstage changes neither state nor job, so whether it was done is read with the row locked."""
    row = Livestream.objects.select_for_update(no_key=True).filter(pk=livestream.pk)
    found = row.values_list("is_backstage", "starts_backstage").first()
    if found is not None:
        livestream.is_backstage, livestream.starts_backstage = found


def apply(
    livestream: Livestream,
    trigger: str,
    *,
    user: User | None,
    reason: str = "",
    by_lease: bool = False,
    **columns: object,
) -> bool:
    """Apply `trigger` to `livestream`. When several callers try at the same moment, one succeeds.

    The row changes only if its state and job are still as `livestream` was read. The change, its `Transition` row and the event's
    new state are one transaction.

    Args:
        livestream: as read; updated on success.
        trigger: one of `TRIGGERS`.
        user: who caused it; None for the platform itself.
        reason: a code or short sentence for the history.
        by_lease: True in a look: apply it only while that look's lease holds.
        columns: more columns to set in the same statement, such as ``ends_meeting``.

    Returns:
        False, and nothing written, when the trigger is not legal in this state or somebody else changed the row.
    """
    old = State(livestream.state)
    new = TABLE.get((old, trigger))
    if new is None:
        return False
    now = timezone.now()
    with transaction.atomic():
        _read_backstage(livestream)
        changes = {**_changes(livestream, trigger, now), **columns, "state": new, "state_since": now}
        if trigger in _REPLACES_JOB:
            changes |= new_job(now)
        guarded = Livestream.objects.filter(pk=livestream.pk, state=old, job_id=livestream.job_id)
        if by_lease:
            guarded = guarded.filter(claimed_by=livestream.claimed_by)
        else:
            changes["claimed_until"] = _free_for_another_look()
            changes["request_id"] = request_ids.current() or livestream.request_id
        if trigger == GO_LIVE:
            guarded = guarded.filter(removal="")  # a webinar that is being removed must not start
        if trigger == OPEN:
            guarded = guarded.filter(is_backstage=True)
        if not guarded.update(**changes):
            return False
        Transition.objects.create(
            livestream=livestream, old=old, new=new, trigger=trigger, reason=reason[:200], actor=user
        )
        if _is_left_behind(livestream, trigger, now):
            retire_job(livestream, now)
        # Whoever looks at the second gateway sees by the state what is to be done; a restart is of both.
        standby = {"look_at": now} | ({"is_replaced": True} if trigger == RESTART else {})
        StandbyJob.objects.filter(livestream=livestream).update(**standby)
        if trigger == GO_LIVE:
            have_standby(livestream, now)
        changes.pop("claimed_until", None)
        _set(livestream, changes)
        tell_listeners(livestream)
        announcing.changed(livestream, old, changes)
    meeting = livestream.meeting
    log.info(
        "%s for meeting %s “%s”: %s → %s%s",
        trigger,
        meeting.pk,
        meeting.name,
        old,
        new,
        f" ({reason})" if reason else "",
    )
    return True
