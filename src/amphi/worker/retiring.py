"""Stops gateway jobs that their livestreams no longer use, as soon as their gateways answer. Nothing else waits meanwhile."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from amphi import sipmediagw
from amphi.system import leases, request_ids
from amphi.system.leases import Lease
from amphi.webinars.models import Livestream, RetiringJob
from amphi.worker import gateways

log = logging.getLogger("webinar")

LEASE = timedelta(seconds=15)
AGAIN_AFTER = timedelta(seconds=0.5)
AFTER_ERROR = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(seconds=20)
CORRECTED_WITHIN = timedelta(minutes=2)
"""How long an administrator has to correct a wrong address or CA file of a gateway before its job is given up."""


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` retiring jobs that are due."""
    now = timezone.now()
    # So far ahead only a clock writes that is ahead, or was.
    is_due = Q(stop_at__lte=now) | Q(stop_at__gt=now + 2 * LONGEST_PAUSE)
    due = RetiringJob.objects.filter(is_due).order_by("stop_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def stop(lease: Lease) -> None:
    """Ask the gateway to stop a job. The row is deleted once the gateway no longer knows the job and it can't start any more."""
    job: RetiringJob | None = lease.held().select_related("gateway", "livestream__meeting").first()
    if job is not None:
        with request_ids.using(job.livestream.request_id):
            _stop(lease, job)


def _stop(lease: Lease, job: RetiringJob) -> None:
    now = timezone.now()
    try:
        status = _ask(job)
    except sipmediagw.GatewayError as error:
        _failed(lease, job, error, now)
        return
    is_idle = status.state in {"idle", "unknown"}
    if is_idle and (job.may_start_until is None or now >= job.may_start_until):
        _forget(lease, job)
        return
    # A start with an unknown outcome may still make the job appear.
    pause = AFTER_ERROR if is_idle else AGAIN_AFTER
    lease.release(stop_at=timezone.now() + pause, last_error="", last_error_detail="")


def _ask(job: RetiringJob) -> sipmediagw.JobStatus:
    gateway = gateways.gateway_for(job.gateway)
    remote_id = job.remote_id
    room = job.livestream.meeting.room
    if not remote_id and gateway.dialect == "D":
        # The answer to the start, with the gateway's id of the job, never came: find the job by its room.
        remote_id = gateway.status(sipmediagw.JobRef(job_id=str(job.job_id), room=room)).remote_id
    return gateway.stop(sipmediagw.JobRef(job_id=str(job.job_id), room=room, remote_id=remote_id))


def _failed(lease: Lease, job: RetiringJob, error: sipmediagw.GatewayError, now: datetime) -> None:
    gateways.log_error(job.livestream.meeting, "stop_rtmp_gateway", error)
    if isinstance(error, sipmediagw.GatewayMisconfiguredError) and now > job.since + CORRECTED_WITHIN:
        # No such gateway exists, so nothing can be stopped; the row would block its gateway for ever.
        _forget(lease, job)
        return
    pause = min(max(AFTER_ERROR, (now - job.since) / 10), LONGEST_PAUSE)
    lease.release(
        stop_at=timezone.now() + pause, last_error=error.code[:40], last_error_detail=str(error)[:500]
    )


def _forget(lease: Lease, job: RetiringJob) -> None:
    """Delete a job that is stopped, and look now at the livestreams that wait for its gateway."""
    if lease.held().delete()[0]:
        log.info(
            "stop_rtmp_gateway for meeting %s “%s”: idle",
            job.livestream.meeting_id,
            job.livestream.meeting.name,
        )
        waiting = Livestream.objects.filter(gateway=job.gateway) | Livestream.objects.filter(
            pk=job.livestream_id
        )
        waiting.exclude(look_at=None).update(look_at=timezone.now())
