"""Moving a webinar to another live gateway, when its own is taken or does not work."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.audience.domain import publish_state
from amphi.audience.models import Event
from amphi.mails import domain as mails
from amphi.meetings.models import Meeting
from amphi.webinars import planning, transitions
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, RetiringJob

log = logging.getLogger("webinar")

SOON = planning.OVERRUN_HOLDS
"""How long before its start a webinar moves to another gateway when its own is still in use."""


def _take(livestream: Livestream, gateway: LiveGateway, **columns: object) -> bool:
    """Move `livestream`, and the broadcaster of its event, to `gateway`; in the caller's transaction."""
    guarded = Livestream.objects.filter(
        pk=livestream.pk, state=livestream.state, job_id=livestream.job_id, gateway=livestream.gateway
    )
    if not guarded.update(gateway=gateway, **columns):
        return False
    Event.objects.filter(pk=livestream.event_id).update(broadcaster=gateway.broadcaster)
    return True


def replace_gateway(livestream: Livestream, *, reason: str) -> bool:
    """Move a running live to a free gateway, because its own does not work. False when none is free.

    The old job is stopped once its gateway answers again; the new one does not wait for that.
    """
    now = timezone.now()
    with transaction.atomic():
        gateways = planning.lock_gateways(livestream.meeting.site)
        others = [gateway for gateway in gateways if gateway.pk != livestream.gateway_id]
        gateway = planning.free_gateway(others, now, max(livestream.ends_at, now + SOON), mine=livestream)
        if gateway is None:
            return False
        before = livestream.gateway
        if not transitions.replace_job(livestream, gateway=gateway, last_error="", last_error_detail=""):
            return False
        Event.objects.filter(pk=livestream.event_id).update(broadcaster=gateway.broadcaster)
        transitions.have_standby(livestream, now)
        log.warning(
            "replace_gateway for meeting %s “%s”: %s instead of %s (%s)",
            livestream.meeting_id,
            livestream.meeting.name,
            gateway,
            before,
            reason,
        )
        publish_state(livestream.event_id)
    return True


def make_way(overrunning: Livestream, now: datetime) -> None:
    """Move the webinars that soon need the gateway of `overrunning` to other gateways.

    When none is free, their owners and the administrators get one warning by email.
    """
    with transaction.atomic():
        gateways = planning.lock_gateways(overrunning.meeting.site)
        soon = Livestream.objects.filter(
            gateway=overrunning.gateway, starts_at__lt=now + SOON, ends_at__gt=now
        ).exclude(state__in=RUNNING)
        displaced = soon.exclude(pk=overrunning.pk).select_related("meeting__owner", "event", "gateway")
        for livestream in displaced:
            start = max(livestream.starts_at, now)
            gateway = planning.free_gateway(gateways, start, livestream.ends_at, mine=livestream)
            if gateway is not None and gateway != livestream.gateway:
                _take(livestream, gateway, displaced_at=None)
                log.warning(
                    "make_way for meeting %s “%s”: %s instead of %s, which “%s” still uses",
                    livestream.meeting_id,
                    livestream.meeting.name,
                    gateway,
                    livestream.gateway,
                    overrunning.meeting.name,
                )
            elif livestream.displaced_at is None:
                _warn(livestream, overrunning.meeting, now)


def give_way(
    running: Livestream, gateways: list[LiveGateway], start: datetime, end: datetime
) -> Livestream | None:
    """Move the webinars that booked the gateway of `running` in [start, end), so that it can stay there longer.

    Call it in a transaction, with the gateways locked.

    Returns:
        None on success, else the first webinar for which no gateway is free. The caller must then roll back, since others may
        have moved already.
    """
    booked = Livestream.objects.filter(gateway=running.gateway, starts_at__lt=end, ends_at__gt=start)
    others = booked.exclude(pk=running.pk).exclude(state__in=RUNNING).select_related("gateway", "meeting")
    elsewhere = [gateway for gateway in gateways if gateway.pk != running.gateway_id]
    for livestream in others.order_by("starts_at", "pk"):
        free = planning.free_gateway(elsewhere, livestream.starts_at, livestream.ends_at, mine=livestream)
        if free is None or not _take(livestream, free, displaced_at=None):
            return livestream
        log.warning(
            "give_way for meeting %s “%s”: %s instead of %s, which “%s” keeps",
            livestream.meeting_id,
            livestream.meeting.name,
            free,
            livestream.gateway,
            running.meeting.name,
        )
    return None


def _warn(livestream: Livestream, overrunning: Meeting, now: datetime) -> None:
    Livestream.objects.filter(pk=livestream.pk).update(displaced_at=now)
    meeting = livestream.meeting
    log.warning(
        "make_way for meeting %s “%s”: no gateway is free while “%s” runs",
        meeting.pk,
        meeting.name,
        overrunning.name,
    )
    readers = [mails.reader(meeting.owner), *map(mails.reader, meeting.additional_owners.all())]
    mails.queue(
        [*readers, *mails.administrators()], "displaced", {"meeting": meeting, "overrunning": overrunning}
    )


def _others_on(livestream: Livestream) -> QuerySet[Livestream]:
    return Livestream.objects.filter(gateway=livestream.gateway, state__in=RUNNING).exclude(pk=livestream.pk)


def is_taken(livestream: Livestream) -> bool:
    """Whether another webinar uses the gateway of `livestream` now."""
    return _others_on(livestream).exists()


def must_wait(livestream: Livestream) -> bool:
    """Whether a webinar that was started before `livestream` still uses its gateway. Both would send to the same RTMP address."""
    return _others_on(livestream).exclude(start_asked_at__gt=livestream.start_asked_at).exists()


def job_before(livestream: Livestream) -> RetiringJob | None:
    """A job on the gateway of `livestream`, of any webinar, that must be stopped before a new one may start there; None if there is none."""
    return RetiringJob.objects.filter(gateway=livestream.gateway).order_by("since").first()


def before_start(livestream: Livestream) -> Livestream:
    """Move `livestream` to a gateway that is not in use, before its live is requested; in the caller's transaction.

    A webinar may start early, late, or while another runs past its end, so what counts is who uses the gateway now. When none is
    free, it keeps its own and starts once that is free.

    Raises:
        MeetingDeletedError: the meeting was deleted since it was read.
    """
    now = timezone.now()
    gateways = planning.lock_gateways(livestream.meeting.site)
    # Read again under the lock: it may have been moved or started meanwhile.
    found = planning.lock_livestream(livestream.meeting)
    if found is None:
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    livestream = found
    if is_taken(livestream):
        length = timedelta(minutes=1)
        used = set(Livestream.objects.filter(state__in=RUNNING).values_list("gateway_id", flat=True))
        unused = [gateway for gateway in gateways if gateway.pk not in used]
        end = max(livestream.ends_at, now + length)
        gateway = planning.free_gateway(unused, now, end, mine=livestream)
        if gateway is not None and _take(livestream, gateway):
            return planning.lock_livestream(livestream.meeting) or livestream
    return livestream
