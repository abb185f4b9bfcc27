"""Decides about the gateway's job: start it once, keep it alive, replace it when it fails. Pure, like `rules`."""

from datetime import timedelta

from amphi.sipmediagw import GatewayError, GatewayTimeoutError, GatewayUnreachableError, JobStatus
from amphi.webinars import picture
from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker.decision import (
    AFTER_ERROR,
    AT_ONCE,
    BACK_AFTER,
    CONFIRM_AFTER,
    Draft,
    ShowChat,
    ShowLayout,
    StartJob,
)

START_MAY_TAKE = timedelta(seconds=45)
"""SIPMediaGW answers a start after up to 30 s, or fails after 10 s; its container may still appear after that."""
OUR_START_MAY_TAKE = timedelta(seconds=10)
"""`amphi gateway` accepts or refuses a job within the time-out of the call."""
RESTART_TAKES = timedelta(seconds=15)
"""For so long a gateway that was on air, and can't be reached or is silent, is asked again and again."""
UNSEEN_AFTER = timedelta(seconds=45)
"""For gateways that don't report: their pictures come within 13 s of a start, even if they answered after 10 s that it failed."""


def is_ours(row: Livestream) -> bool:
    """Whether the gateway is `amphi gateway`, which reports what it sees of the meeting."""
    return row.gateway.dialect == LiveGateway.Dialect.AMPHI


def _shows_chat(draft: Draft) -> bool:
    row = draft.row
    return picture.films_chat(
        is_open=row.meeting.enable_chat, chosen=row.chat_filmed, has_hook=draft.value("has_hook")
    )


def keep_job_alive(draft: Draft) -> bool:
    """Decide what keeps the gateway's job running. True when the gateway says that the meeting is over."""
    job = draft.seen.job
    if draft.row.gateway_asked_at is None:
        _start_job(draft)
        return False
    if isinstance(job, GatewayError):
        draft.fail(job)
        if isinstance(job, GatewayUnreachableError | GatewayTimeoutError) and _was_on_air(draft):
            draft.look_in = BACK_AFTER
        return False
    if job is None or _shows_nothing(draft, job) or _still_comes(draft, job):
        return False
    if job.state == "idle":
        if job.reason == "meeting_ended":
            return True
        draft.replace_job(job.reason, job.detail)  # it ended, though the meeting goes on
        return False
    if job.state == "unknown":
        # The gateway was restarted, so the start is repeated: nobody else has had its address meanwhile.
        draft.columns["gateway_asked_at"] = None
        _start_job(draft)
        draft.look_in = AT_ONCE
    elif job.reason:
        draft.note_error(job.reason, job.detail)
    elif draft.row.state == State.LIVE and draft.row.last_error:
        draft.note_error("", "")
    _keep_chat_panel(draft, job)
    _keep_layout(draft, job)
    return False


def _was_on_air(draft: Draft) -> bool:
    """Whether pictures came a moment ago: a gateway that died since then is started again within seconds."""
    seen_at = draft.row.media_seen_at
    return seen_at is not None and draft.now < seen_at + RESTART_TAKES


def _start_job(draft: Draft) -> None:
    """Start the job, once no other job sends to the gateway's RTMP address."""
    before = draft.seen.job_before
    if before is not None:
        if before.error:
            draft.note_error(before.error, before.detail)
        draft.look_in = CONFIRM_AFTER if draft.now < before.since + AFTER_ERROR else AFTER_ERROR
    elif draft.seen.gateway_is_taken:
        draft.note_error("gateway_full", "another webinar still uses this live gateway")
        draft.look_in = AFTER_ERROR
    else:
        # Written before the call, so that a stop meanwhile knows that a job may still appear.
        takes = OUR_START_MAY_TAKE if is_ours(draft.row) else START_MAY_TAKE
        draft.columns["start_may_come_until"] = draft.now + takes
        draft.calls.append(StartJob(_shows_chat(draft)))


def _shows_nothing(draft: Draft, job: JobStatus) -> bool:
    """Replace the job of a gateway that does not report, when no pictures came for so long that it must have failed. True if so."""
    row = draft.row
    if job.reported or row.state == State.LIVE:
        return False
    since = max(filter(None, [row.gateway_asked_at, row.media_seen_at]), default=draft.now)
    if draft.now <= since + UNSEEN_AFTER:
        return False
    draft.replace_job("no_media", job.detail)
    return True


def _still_comes(draft: Draft, job: JobStatus) -> bool:
    """Whether a slow start may still succeed, so that the job must not be started again: a second start would end the first."""
    row = draft.row
    if job.remote_id and not row.remote_id:
        draft.columns["remote_id"] = job.remote_id
    if row.start_may_come_until is None or not job.reported:
        return False
    if job.state not in {"idle", "unknown"} or draft.now >= row.start_may_come_until:
        draft.columns["start_may_come_until"] = None
        return False
    draft.look_in = AFTER_ERROR
    return True


def _keep_chat_panel(draft: Draft, job: JobStatus) -> None:
    wanted = _shows_chat(draft)
    shown = job.chat_shown if job.chat_shown is not None else draft.row.chat_shown
    if job.state == "on_air" and shown != wanted:
        draft.calls.append(ShowChat(wanted))


def _keep_layout(draft: Draft, job: JobStatus) -> None:
    """Have the picture as presenters chose, where the gateway can. It keeps it so by itself once it was asked."""
    if job.layout_shown != draft.row.layout_shown:
        draft.columns["layout_shown"] = job.layout_shown
    if job.state == "on_air" and job.layout is not None and job.layout != draft.row.layout:
        draft.calls.append(ShowLayout(draft.row.layout))
