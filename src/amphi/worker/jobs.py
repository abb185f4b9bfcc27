"""The gateway's job of a livestream: started once, kept alive, and the one before it stopped."""

import logging
from datetime import timedelta

from amphi import sipmediagw
from amphi.bigbluebutton import MisconfiguredServerError
from amphi.webinars import rebooking, transitions
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker import gateways
from amphi.worker.check import AFTER_ERROR, CONFIRM_AFTER, Check

log = logging.getLogger("webinar")

CORRECTED_WITHIN = timedelta(minutes=2)
"""How long an administrator has to correct what was filled in wrongly about a gateway that is to be stopped."""
UNSEEN_AFTER = timedelta(seconds=45)
"""A gateway that does not report shows its pictures within 13 s of a start, and may say after 10 s that it failed while it goes on."""


def gateway_error(check: Check, call: str, error: sipmediagw.GatewayError) -> None:
    meeting = check.livestream.meeting
    log.warning(
        "%s for meeting %s “%s”: %s (EXCEPTION: %s)", call, meeting.pk, meeting.name, error.code, error
    )
    check.note(last_error=error.code[:40], last_error_detail=str(error)[:500])
    check.next_in = AFTER_ERROR


def retire_old_job(check: Check) -> None:
    """Stop the job that another took the place of, before the new one sends to the same address."""
    livestream = check.livestream
    if livestream.retiring_job_id is None:
        return
    gateway = livestream.retiring_gateway or livestream.gateway
    job = sipmediagw.JobRef(
        job_id=str(livestream.retiring_job_id),
        room=livestream.meeting.room,
        remote_id=livestream.retiring_remote_id,
    )
    try:
        gateways.gateway_for(gateway).stop(job)
    except sipmediagw.GatewayMisconfiguredError as error:
        gateway_error(check, "stop_rtmp_gateway", error)
        if check.now < (livestream.job_since or livestream.state_since) + CORRECTED_WITHIN:
            return
        # There is no such gateway, so there is nothing to stop: it must hold up nothing for ever.
    except sipmediagw.GatewayError as error:
        if gateway == livestream.gateway:
            gateway_error(check, "stop_rtmp_gateway", error)
        return
    check.note(retiring_job_id=None, retiring_remote_id="", retiring_gateway=None)


def _shows_chat(livestream: Livestream) -> bool:
    """The chat is filmed only where its messages can't reach the listeners' pages as text."""
    return livestream.meeting.enable_chat and livestream.has_hook is False


def _start_job(check: Check) -> None:
    livestream = check.livestream
    meeting = livestream.meeting
    if rebooking.must_wait(livestream):
        check.note(
            last_error="gateway_full", last_error_detail="another webinar still uses this live gateway"
        )
        check.next_in = AFTER_ERROR
        return
    shows_chat = _shows_chat(livestream)
    try:
        request = gateways.start_request(livestream, show_chat=shows_chat)
        status = gateways.gateway_for(livestream.gateway).start(request)
    except sipmediagw.GatewayError as error:
        gateway_error(check, "start_rtmp_gateway", error)
        return
    except MisconfiguredServerError as error:  # it has no address into the meeting to give
        log.warning("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        check.next_in = AFTER_ERROR
        return
    log.info("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    check.note(gateway_asked_at=check.now, remote_id=status.remote_id, chat_shown=status.chat_shown)


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
    if livestream.retiring_job_id is not None and livestream.retiring_gateway == livestream.gateway:
        return False
    if livestream.gateway_asked_at is None:
        _start_job(check)
        return False
    status = _job_status(check)
    if status is None:
        return False
    sees_meeting = livestream.gateway.dialect == LiveGateway.Dialect.AMPHI
    check.is_in_meeting = sees_meeting and status.state == "on_air" and status.reason in {"", "no_sound"}
    if not status.reported and _shows_nothing(check):
        log.warning("job of meeting %s “%s” shows nothing", livestream.meeting_id, livestream.meeting.name)
        check.note(**transitions.new_job(livestream), last_error="no_media", last_error_detail=status.detail)
        check.next_in = AFTER_ERROR
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
        check.note(
            **transitions.new_job(livestream),
            last_error=status.reason[:40],
            last_error_detail=status.detail[:500],
        )
        check.next_in = AFTER_ERROR
    elif status.state == "unknown":
        check.note(gateway_asked_at=None)  # the gateway was restarted, and is asked again
        check.next_in = CONFIRM_AFTER
    elif status.reason:
        check.note(last_error=status.reason[:40], last_error_detail=status.detail[:500])
    elif livestream.state == State.LIVE and livestream.last_error:
        check.note(last_error="", last_error_detail="")
    _keep_chat_panel(check, status)
    return False


def _shows_nothing(check: Check) -> bool:
    """Whether no pictures have come for so long that a gateway which says nothing must have failed."""
    livestream = check.livestream
    since = max(filter(None, [livestream.gateway_asked_at, livestream.media_seen_at]), default=check.now)
    return livestream.state in {State.STARTING, State.RECOVERING} and check.now > since + UNSEEN_AFTER


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
