"""The gateway's job of a livestream: started once, and kept alive."""

import logging
from datetime import timedelta

from django.utils import timezone

from amphi import sipmediagw
from amphi.bigbluebutton import MisconfiguredServerError
from amphi.webinars import rebooking
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker import gateways
from amphi.worker.check import AFTER_ERROR, CONFIRM_AFTER, Check

log = logging.getLogger("webinar")

START_MAY_TAKE = timedelta(seconds=45)
"""SIPMediaGW answers a start after up to 30 s, or with an error after 10 s, and its container may come up all the same."""
OUR_START_MAY_TAKE = timedelta(seconds=10)
"""Our gateway has taken a job or not within the time-out of the call."""
_NOT_STARTED = (
    sipmediagw.GatewayFullError,
    sipmediagw.GatewayUnauthorizedError,
    sipmediagw.GatewayMisconfiguredError,
    sipmediagw.GatewayRefusedError,
    sipmediagw.UntrustedGatewayError,
)
"""Answers that say for certain that nothing will come. After any other error it may."""
UNSEEN_AFTER = timedelta(seconds=45)
"""A gateway that does not report shows its pictures within 13 s of a start, and may say after 10 s that it failed while it goes on."""


def gateway_error(check: Check, call: str, error: sipmediagw.GatewayError) -> None:
    meeting = check.livestream.meeting
    log.warning(
        "%s for meeting %s “%s”: %s (EXCEPTION: %s)", call, meeting.pk, meeting.name, error.code, error
    )
    check.note(last_error=error.code[:40], last_error_detail=str(error)[:500])
    check.next_in = AFTER_ERROR


def _shows_chat(livestream: Livestream) -> bool:
    """The chat is filmed only where its messages can't reach the listeners' pages as text."""
    return livestream.meeting.enable_chat and livestream.has_hook is False


def _is_ours(livestream: Livestream) -> bool:
    return livestream.gateway.dialect == LiveGateway.Dialect.AMPHI


def _waits(check: Check) -> bool:
    """Whether the gateway is not free yet; why is noted."""
    livestream = check.livestream
    before = rebooking.job_before(livestream)
    if before is not None:
        if before.last_error:
            check.note(last_error=before.last_error, last_error_detail=before.last_error_detail)
        check.next_in = CONFIRM_AFTER if check.now < before.since + AFTER_ERROR else AFTER_ERROR
        return True
    if rebooking.must_wait(livestream):
        check.note(
            last_error="gateway_full", last_error_detail="another webinar still uses this live gateway"
        )
        check.next_in = AFTER_ERROR
        return True
    return False


def _start_job(check: Check) -> None:
    livestream = check.livestream
    meeting = livestream.meeting
    if _waits(check):
        return
    try:
        request = gateways.start_request(livestream, show_chat=_shows_chat(livestream))
        if not _note_start(check):
            return
        status = gateways.gateway_for(livestream.gateway).start(request)
    except sipmediagw.GatewayError as error:
        gateway_error(check, "start_rtmp_gateway", error)
        if isinstance(error, _NOT_STARTED):
            check.note(start_may_come_until=None)
        elif isinstance(error, sipmediagw.GatewayTimeoutError) and not _is_ours(livestream):
            check.note(gateway_asked_at=check.now)  # asked again, it would end what comes up
        return
    except MisconfiguredServerError as error:  # it has no address into the meeting to give
        log.warning("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        check.next_in = AFTER_ERROR
        return
    log.info("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    check.note(gateway_asked_at=check.now, remote_id=status.remote_id, chat_shown=status.chat_shown)
    if status.reported:
        check.note(start_may_come_until=None)


def _note_start(check: Check) -> bool:
    """Write down that a start is asked for, before it is: whoever stops the live knows what may still come. False when it was stopped."""
    livestream = check.livestream
    until = timezone.now() + (OUR_START_MAY_TAKE if _is_ours(livestream) else START_MAY_TAKE)
    asked = Livestream.objects.filter(
        pk=livestream.pk,
        state=livestream.state,
        job_id=livestream.job_id,
        claimed_by=livestream.claimed_by,
    )
    livestream.start_may_come_until = until
    return bool(asked.update(start_may_come_until=until))


def _job_status(check: Check) -> sipmediagw.JobStatus | None:
    livestream = check.livestream
    try:
        return gateways.gateway_for(livestream.gateway).status(gateways.job_ref(livestream))
    except sipmediagw.GatewayError as error:
        gateway_error(check, "status_rtmp_gateway", error)
        return None


def keep_job_alive(check: Check) -> bool:
    """Have the gateway's job run; whether the gateway says that the meeting is over."""
    livestream = check.livestream
    if livestream.gateway_asked_at is None:
        _start_job(check)
        return False
    status = _job_status(check)
    if status is None:
        return False
    check.is_in_meeting = (
        _is_ours(livestream) and status.state == "on_air" and status.reason in {"", "no_sound"}
    )
    if _replace_if_it_shows_nothing(check, status) or _still_comes(check, status):
        return False
    if status.state == "idle":
        if status.reason == "meeting_ended":
            return True
        # It ended for a reason of its own: a new job takes its place.
        log.warning(
            "job of meeting %s “%s” ended: %s %s",
            livestream.meeting_id,
            livestream.meeting.name,
            status.reason,
            status.detail,
        )
        check.replace_job(status.reason, status.detail)
        return False
    if status.state == "unknown":
        check.note(gateway_asked_at=None)  # the gateway was restarted, and is asked again
        check.next_in = CONFIRM_AFTER
    elif status.reason:
        check.note(last_error=status.reason[:40], last_error_detail=status.detail[:500])
    elif livestream.state == State.LIVE and livestream.last_error:
        check.note(last_error="", last_error_detail="")
    _keep_chat_panel(check, status)
    return False


def _still_comes(check: Check, status: sipmediagw.JobStatus) -> bool:
    """Whether a slow start is not there yet: what is begun again meanwhile would end it."""
    livestream = check.livestream
    if status.remote_id and not livestream.remote_id:
        check.note(remote_id=status.remote_id)
    if livestream.start_may_come_until is None or not status.reported:
        return False
    if status.state not in {"idle", "unknown"} or check.now >= livestream.start_may_come_until:
        check.note(start_may_come_until=None)
        return False
    check.next_in = AFTER_ERROR
    return True


def _replace_if_it_shows_nothing(check: Check, status: sipmediagw.JobStatus) -> bool:
    """Begin again where no pictures have come for so long that a gateway which says nothing must have failed."""
    livestream = check.livestream
    if status.reported or livestream.state not in {State.STARTING, State.RECOVERING}:
        return False
    since = max(filter(None, [livestream.gateway_asked_at, livestream.media_seen_at]), default=check.now)
    if check.now <= since + UNSEEN_AFTER:
        return False
    log.warning("job of meeting %s “%s” shows nothing", livestream.meeting_id, livestream.meeting.name)
    check.replace_job("no_media", status.detail)
    return True


def _keep_chat_panel(check: Check, status: sipmediagw.JobStatus) -> None:
    livestream = check.livestream
    wanted = _shows_chat(livestream)
    shown = status.chat_shown if status.chat_shown is not None else livestream.chat_shown
    if status.state != "on_air" or shown == wanted:
        return
    try:
        confirmed = gateways.gateway_for(livestream.gateway).show_chat(gateways.job_ref(livestream), wanted)
    except sipmediagw.UnsupportedError:
        return
    except sipmediagw.GatewayError as error:
        gateway_error(check, "toggle_rtmp_gateway", error)
        return
    check.note(chat_shown=confirmed)
