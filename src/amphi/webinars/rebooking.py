"""Another live gateway for a webinar whose own is taken or dead."""

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
"""How long before its start a webinar is given another gateway, when its own is still used."""


def _take(livestream: Livestream, gateway: LiveGateway, **columns: object) -> bool:
    """Have `livestream` hold `gateway`, and its event be read from there; in the caller's transaction."""
    guarded = Livestream.objects.filter(
        pk=livestream.pk, state=livestream.state, job_id=livestream.job_id, gateway=livestream.gateway
    )
    if not guarded.update(gateway=gateway, **columns):
        return False
    Event.objects.filter(pk=livestream.event_id).update(broadcaster=gateway.broadcaster)
    return True


def replace_gateway(livestream: Livestream, *, reason: str) -> bool:
    """Go on with another gateway, when one is free: the one that `livestream` holds does not work.

    The old job is still to be stopped, whenever its gateway listens again; nobody waits for that.
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
    """Give another gateway to the webinars that soon need the one that `overrunning` still uses.

    When none is free their owners and the administrators are warned, once.
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
    """Give other gateways to the webinars that booked the one of `running` in [start, end), where it would stay longer.

    In the caller's transaction, the gateways locked.

    Returns:
        None when the way is free, else the first of those for which no gateway is; what was moved until then is the caller's
        to roll back.
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
    """Whether another webinar uses the gateway of `livestream` right now, so that it can't start there."""
    return _others_on(livestream).exists()


def must_wait(livestream: Livestream) -> bool:
    """Whether a webinar that was started before `livestream` still has its gateway: two would send to one address."""
    return _others_on(livestream).exclude(start_asked_at__gt=livestream.start_asked_at).exists()


def job_before(livestream: Livestream) -> RetiringJob | None:
    """A job on the gateway of `livestream`, its own or another's, that is still to be stopped before a new one sends to that address."""
    return RetiringJob.objects.filter(gateway=livestream.gateway).order_by("since").first()


def before_start(livestream: Livestream) -> Livestream:
    """Have `livestream` hold a gateway that nobody uses, before its live is asked for; in the caller's transaction.

    A webinar may start early, late, or while another runs over its end: what counts is who uses the gateway now. Where none
    is free it keeps its own, and starts as soon as that is.

    Raises:
        MeetingDeletedError: it was deleted since it was read.
    """
    now = timezone.now()
    gateways = planning.lock_gateways(livestream.meeting.site)
    # It may have been moved or started since it was read.
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
