"""Has the second gateway of a live join, keeps it there, and has it leave: beside the looks at the live, which never wait for it.

Amphi's live server shows whichever of the two gateways sends (`amphi.origin.standby`), so nothing here decides that.
"""

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from amphi import sipmediagw
from amphi.bigbluebutton import MisconfiguredServerError
from amphi.system import leases, request_ids
from amphi.system.leases import Lease
from amphi.webinars import picture, rebooking
from amphi.webinars.models import Livestream, RetiringJob, StandbyJob
from amphi.worker import gateways
from amphi.worker.rules import ON_ITS_WAY

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=15)
EVERY = timedelta(seconds=2)
AT_ONCE = timedelta()
STOPPING = timedelta(seconds=0.5)
START_MAY_TAKE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(seconds=20)
AFTER_FULL = timedelta(seconds=10)
"""A gateway without a free place is asked again after this: the live goes on with one gateway meanwhile."""
_NOT_STARTED = (
    sipmediagw.GatewayFullError,
    sipmediagw.GatewayMisconfiguredError,
    sipmediagw.GatewayRefusedError,
    sipmediagw.GatewayUnauthorizedError,
    sipmediagw.UntrustedGatewayError,
)
Answer = sipmediagw.JobStatus | sipmediagw.GatewayError


@dataclass(frozen=True, slots=True)
class Next:
    """What follows from a gateway's answer.

    Attributes:
        look_in: when to look again; None: the row is done with.
        columns: columns to write.
        starts: have the gateway start the job, once that is written.
    """

    look_in: timedelta | None
    columns: dict[str, Any] = field(default_factory=dict)
    starts: bool = False


def decide(row: StandbyJob, answer: Answer, now: datetime, *, is_wanted: bool, must_wait: bool) -> Next:
    """Decide about a second gateway's job. Pure.

    Args:
        row: the job.
        answer: the gateway's, about its state where it is wanted, to the request to stop it where it is not.
        now: the time.
        is_wanted: the live runs, on this live gateway, and its job is not to be replaced.
        must_wait: another webinar still uses the live gateway.
    """
    if isinstance(answer, sipmediagw.GatewayError):
        # Where no such gateway exists, nothing can be stopped.
        is_nowhere = not is_wanted and isinstance(answer, sipmediagw.GatewayMisconfiguredError)
        return Next(None) if is_nowhere else Next(EVERY, _error(answer))
    is_gone = answer.state in {"idle", "unknown"}
    said = {"state": answer.state, "last_error": answer.reason[:40], "last_error_detail": answer.detail[:500]}
    # A start whose answer never came may still make the job appear.
    may_come = row.may_start_until is not None and now < row.may_start_until
    if not is_gone or may_come:
        return Next(EVERY if is_wanted or is_gone else STOPPING, said)
    if row.is_replaced:
        return Next(AT_ONCE, {**said, "is_replaced": False, "job_id": uuid.uuid4(), "may_start_until": None})
    if not is_wanted:
        return Next(None)
    if must_wait or answer.reason == "meeting_ended":
        return Next(EVERY, said)
    # Written before the call, so that a stop meanwhile knows that a job may still appear.
    begun = {**said, "may_start_until": now + START_MAY_TAKE}
    return Next(EVERY, begun if answer.state == "unknown" else {**begun, "job_id": uuid.uuid4()}, starts=True)


def decide_start(answer: Answer | None) -> Next:
    """What follows from the answer to a start; None where there was no address into the meeting. Pure."""
    if answer is None:
        return Next(EVERY, {"may_start_until": None})
    if isinstance(answer, sipmediagw.GatewayError):
        columns = _error(answer)
        if isinstance(answer, _NOT_STARTED):
            columns["may_start_until"] = None
        return Next(AFTER_FULL if isinstance(answer, sipmediagw.GatewayFullError) else EVERY, columns)
    columns = {"state": answer.state, "last_error": "", "last_error_detail": "", "may_start_until": None}
    return Next(EVERY, columns)


def _error(error: sipmediagw.GatewayError) -> dict[str, Any]:
    return {"state": "", "last_error": error.code[:40], "last_error_detail": str(error)[:500]}


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` jobs of second gateways that are due."""
    now = timezone.now()
    # So far ahead only a clock writes that is ahead, or was.
    is_due = Q(look_at__lte=now) | Q(look_at__gt=now + 2 * LONGEST_PAUSE)
    due = StandbyJob.objects.filter(is_due).order_by("look_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def look(lease: Lease) -> None:
    """Look at a second gateway's job once."""
    row: StandbyJob | None = (
        lease.held()
        .select_related("gateway__broadcaster", "livestream__meeting", "livestream__gateway")
        .first()
    )
    if row is not None:
        with request_ids.using(row.livestream.request_id):
            _look(lease, row)


def _look(lease: Lease, row: StandbyJob) -> None:
    read, livestream = row.look_at, row.livestream
    runs = livestream.state in ON_ITS_WAY and livestream.gateway_id == row.gateway_id
    is_wanted = runs and bool(row.gateway.standby_url) and not row.is_replaced
    answer = _ask(row, stops=not is_wanted)
    found = decide(row, answer, timezone.now(), is_wanted=is_wanted, must_wait=runs and _must_wait(row))
    if found.look_in is None:
        _forget(lease, row)
        return
    if found.starts:
        # Only while the live still runs: a stop that came meanwhile has set the time of the next look.
        if not lease.held().filter(look_at=read).update(**found.columns):
            lease.release()
            return
        for name, value in found.columns.items():
            setattr(row, name, value)
        found = decide_start(_start(row))
    elif is_wanted and isinstance(answer, sipmediagw.JobStatus) and answer.state == "on_air":
        _keep_picture(row, answer)
    next_at = leases.unless_asked_anew("look_at", read, timezone.now() + (found.look_in or AT_ONCE))
    lease.release(**found.columns, look_at=next_at)


def _must_wait(row: StandbyJob) -> bool:
    """Whether another webinar still sends to the address: its job, or its second gateway's."""
    others = StandbyJob.objects.filter(gateway=row.gateway).exclude(livestream=row.livestream)
    return (
        rebooking.must_wait(row.livestream)
        or others.exists()
        or RetiringJob.objects.filter(gateway=row.gateway).exclude(livestream=row.livestream).exists()
    )


def _ask(row: StandbyJob, *, stops: bool) -> Answer:
    job = sipmediagw.JobRef(job_id=str(row.job_id), room=row.livestream.meeting.room)
    try:
        gateway = gateways.standby_for(row.gateway)
        return gateway.stop(job) if stops else gateway.status(job)
    except sipmediagw.GatewayError as error:
        gateways.log_error(row.livestream.meeting, "standby_rtmp_gateway", error)
        return error


def _start(row: StandbyJob) -> Answer | None:
    meeting = row.livestream.meeting
    try:
        request = gateways.standby_request(
            row.livestream, str(row.job_id), show_chat=_shows_chat(row.livestream)
        )
        status = gateways.standby_for(row.gateway).start(request)
    except sipmediagw.GatewayError as error:
        gateways.log_error(meeting, "start_standby_rtmp_gateway", error)
        return error
    except MisconfiguredServerError as error:
        log.warning("start_standby_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        return None
    log.info("start_standby_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    return status


def _shows_chat(livestream: Livestream) -> bool:
    return picture.films_chat(
        is_open=livestream.meeting.enable_chat, chosen=livestream.chat_filmed, has_hook=livestream.has_hook
    )


def _keep_picture(row: StandbyJob, status: sipmediagw.JobStatus) -> None:
    """Have its picture as that of the first gateway is to be."""
    job = sipmediagw.JobRef(job_id=str(row.job_id), room=row.livestream.meeting.room)
    wanted, gateway = _shows_chat(row.livestream), gateways.standby_for(row.gateway)
    try:
        if status.chat_shown is not None and status.chat_shown != wanted:
            gateway.show_chat(job, wanted)
        if status.layout is not None and status.layout != row.livestream.layout:
            gateway.show_layout(job, row.livestream.layout)
    except sipmediagw.GatewayError as error:
        gateways.log_error(row.livestream.meeting, "toggle_standby_rtmp_gateway", error)


def _forget(lease: Lease, row: StandbyJob) -> None:
    """Delete a job that is stopped, and look now at those who wait for its live gateway, and at a webinar that is to be removed."""
    # A live that was started again meanwhile wants it.
    stopped = lease.held().exclude(livestream__state__in=ON_ITS_WAY, livestream__gateway=row.gateway)
    if not stopped.delete()[0]:
        lease.release(look_at=timezone.now())
        return
    meeting = row.livestream.meeting
    log.info("stop_standby_rtmp_gateway for meeting %s “%s”: idle", meeting.pk, meeting.name)
    Livestream.objects.filter(pk=row.livestream_id).exclude(look_at=None).update(look_at=timezone.now())
    StandbyJob.objects.filter(gateway=row.gateway).update(look_at=timezone.now())
