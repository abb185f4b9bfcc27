"""Asks the systems around a livestream. Every call has a time-out and may be repeated; none happens in a transaction."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from amphi.bigbluebutton import BigBlueButtonError, MeetingNotFoundError, WebhooksUnavailableError
from amphi.meetings import presence
from amphi.meetings.server import callback_url, meeting_server
from amphi.sipmediagw import GatewayError, JobStatus
from amphi.webinars import rebooking
from amphi.webinars.models import Livestream, State
from amphi.worker import gateways, probe
from amphi.worker.rules import ON_ITS_WAY, must_ask_for_hook
from amphi.worker.seen import HookSeen, JobBefore, MeetingSeen, Seen

log = logging.getLogger("webinar")


def gather(livestream: Livestream, now: datetime) -> Seen:
    """Gather what a look at `livestream` sees."""
    longest = timedelta(hours=settings.MEETING_MAX_DURATION)
    state = State(livestream.state)
    if state not in ON_ITS_WAY:
        watches = not livestream.is_running and not livestream.ends_meeting and livestream.meeting.is_open
        return Seen(meeting=_meeting(livestream, now) if watches else None, longest=longest)
    # Before the job: without webhooks, the gateway must film the chat.
    hook = _hook(livestream) if must_ask_for_hook(livestream, now) else None
    has_job = livestream.gateway_asked_at is not None
    # Pictures that arrive before the gateway has this job belong to another job.
    shows = has_job or state == State.LIVE
    return Seen(
        hook=hook,
        job=_job(livestream) if has_job else None,
        job_before=None if has_job else _job_before(livestream),
        gateway_is_taken=not has_job and rebooking.must_wait(livestream),
        playlist=probe.probe(livestream) if shows else None,
        meeting=_meeting(livestream, now),
        longest=longest,
    )


def _hook(livestream: Livestream) -> HookSeen:
    """Register our webhook at BBB; repeated, since BBB drops a hook after some failed deliveries."""
    meeting = livestream.meeting
    try:
        meeting_server().create_hook(callback_url(meeting, "events"), meeting_id=meeting.bbb_id)
    except WebhooksUnavailableError:
        return HookSeen(has_hook=False)
    except BigBlueButtonError as error:
        log.warning("create_hook for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        return HookSeen(livestream.has_hook)
    return HookSeen(has_hook=True)


def _job(livestream: Livestream) -> JobStatus | GatewayError:
    try:
        return gateways.gateway_for(livestream.gateway).status(gateways.job_ref(livestream))
    except GatewayError as error:
        gateways.log_error(livestream.meeting, "status_rtmp_gateway", error)
        return error


def _job_before(livestream: Livestream) -> JobBefore | None:
    job = rebooking.job_before(livestream)
    return None if job is None else JobBefore(job.since, job.last_error, job.last_error_detail)


def _meeting(livestream: Livestream, now: datetime) -> MeetingSeen:
    meeting = livestream.meeting
    end_was_told = presence.end_was_told(meeting, now=now)
    try:
        info = meeting_server().meeting_info(meeting.bbb_id)
    except MeetingNotFoundError:
        gone_for = presence.gone_for(meeting, now=now)
        return MeetingSeen(is_known=False, gone_for=gone_for, end_was_told=end_was_told)
    except BigBlueButtonError as error:
        log.warning("meeting_info for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        gone_for = now - meeting.gone_since if meeting.gone_since else timedelta()
        return MeetingSeen(is_known=None, gone_for=gone_for, end_was_told=end_was_told)
    presence.note_there(meeting)
    return MeetingSeen(
        is_known=True, is_over=info.over, info=None if info.over else info, end_was_told=end_was_told
    )
