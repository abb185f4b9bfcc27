"""Asks the systems around a livestream. Every call has a time-out and may be repeated; none happens in a transaction.

They are asked at the same time: a look lasts as long as the slowest of them, so that several that are silent, as when the network or
the names are gone, are told of as soon as one is.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import prefetch_related_objects

from amphi.bigbluebutton import (
    BigBlueButtonError,
    MeetingInfo,
    MeetingNotFoundError,
    WebhooksUnavailableError,
)
from amphi.meetings import presence
from amphi.meetings.server import callback_url, meeting_server
from amphi.sipmediagw import GatewayError, JobStatus
from amphi.webinars import rebooking
from amphi.webinars.models import Livestream, State
from amphi.worker import gateways, probe
from amphi.worker.rules import ON_ITS_WAY, must_ask_for_hook
from amphi.worker.seen import HookSeen, JobBefore, MeetingSeen, Seen

log = logging.getLogger("webinar")
T = TypeVar("T")
_asking = ThreadPoolExecutor(256, thread_name_prefix="ask")
"""Threads that stay: where memory is short, Python may wait for ever for one that it starts."""


def gather(livestream: Livestream, now: datetime) -> Seen:
    """Gather what a look at `livestream` sees."""
    longest = timedelta(hours=settings.MEETING_MAX_DURATION)
    state = State(livestream.state)
    if state not in ON_ITS_WAY:
        watches = not livestream.is_running and not livestream.ends_meeting and livestream.meeting.is_open
        meeting = _meeting(livestream, _meeting_info(livestream), now) if watches else None
        return Seen(meeting=meeting, longest=longest)
    has_job = livestream.gateway_asked_at is not None
    # Pictures that arrive before the gateway has this job belong to another job.
    shows = has_job or state == State.LIVE
    # The threads that ask read no database.
    prefetch_related_objects([livestream], "gateway__broadcaster", "meeting")

    def ask(question: Callable[[Livestream], T], *, if_wanted: bool = True) -> Future[T] | None:
        # The lines that it logs name the request, too.
        return _asking.submit(copy_context().run, question, livestream) if if_wanted else None

    hook = ask(_hook, if_wanted=must_ask_for_hook(livestream, now))
    job = ask(_job, if_wanted=has_job)
    playlist = ask(probe.probe, if_wanted=shows)
    info = _asking.submit(copy_context().run, _meeting_info, livestream)
    return Seen(
        asked_at=now,
        hook=hook.result() if hook else None,
        job=job.result() if job else None,
        job_before=None if has_job else _job_before(livestream),
        gateway_is_taken=not has_job and rebooking.must_wait(livestream),
        playlist=playlist.result() if playlist else None,
        meeting=_meeting(livestream, info.result(), now),
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


def _meeting_info(livestream: Livestream) -> MeetingInfo | BigBlueButtonError:
    meeting = livestream.meeting
    try:
        return meeting_server().meeting_info(meeting.bbb_id)
    except MeetingNotFoundError as error:
        return error
    except BigBlueButtonError as error:
        log.warning("meeting_info for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        return error


def _meeting(livestream: Livestream, info: MeetingInfo | BigBlueButtonError, now: datetime) -> MeetingSeen:
    """What the server's answer means; this notes in the database since when it has not known the meeting."""
    meeting = livestream.meeting
    end_was_told = presence.end_was_told(meeting, now=now)
    if isinstance(info, MeetingNotFoundError):
        gone_for = presence.gone_for(meeting, now=now)
        return MeetingSeen(is_known=False, gone_for=gone_for, end_was_told=end_was_told)
    if isinstance(info, BigBlueButtonError):
        gone_for = now - meeting.gone_since if meeting.gone_since else timedelta()
        return MeetingSeen(is_known=None, gone_for=gone_for, end_was_told=end_was_told)
    presence.note_there(meeting)
    return MeetingSeen(
        is_known=True, is_over=info.over, info=None if info.over else info, end_was_told=end_was_told
    )
