"""Decides what to do after the answer to a call. Pure, like `rules`."""

from datetime import datetime, timedelta

from amphi.sipmediagw import (
    GatewayError,
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayRefusedError,
    GatewayTimeoutError,
    GatewayUnauthorizedError,
    GatewayUnreachableError,
    JobStatus,
    UnsupportedError,
    UntrustedGatewayError,
)
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
from amphi.worker.decision import (
    AFTER_ERROR,
    CONFIRM_AFTER,
    Answer,
    Call,
    Decision,
    Draft,
    EndMeeting,
    NoteMeetingEnd,
    ShowChat,
    ShowLayout,
    StartJob,
    StopJob,
)
from amphi.worker.job_rules import RESTART_TAKES, is_ours
from amphi.worker.seen import Seen

STOP_GIVES_UP = timedelta(minutes=2)
_NOT_STARTED = (
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    UntrustedGatewayError,
)
"""Errors after which a job has certainly not started. After any other error it may still appear."""


def decide_answer(row: Livestream, call: Call, answer: Answer, now: datetime) -> Decision:
    """Decide what to do after the answer to a call. `look_in` is None when the time of the next look stays as it is.

    Args:
        row: the livestream, as written before the call.
        call: the call.
        answer: its answer.
        now: when the answer came.
    """
    draft = Draft(None, row=row, seen=Seen(), now=now)
    match call:
        case StartJob():
            _job_started(draft, answer)
        case StopJob():
            _job_stopped(draft, answer)
        case ShowChat():
            _chat_shown(draft, answer)
        case ShowLayout():
            _layout_shown(draft, answer)
        case EndMeeting():
            _meeting_ended(draft, answer)
    return draft.done()


def _job_started(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, JobStatus):
        draft.columns |= {
            "gateway_asked_at": draft.now,
            "remote_id": answer.remote_id,
            "chat_shown": answer.chat_shown,
            "layout_shown": answer.layout_shown,
        }
        if answer.reported:
            draft.columns["start_may_come_until"] = None
    elif isinstance(answer, GatewayError):
        draft.fail(answer)
        if isinstance(answer, _NOT_STARTED):
            draft.columns["start_may_come_until"] = None
        elif isinstance(answer, GatewayTimeoutError) and not is_ours(draft.row):
            draft.columns["gateway_asked_at"] = (
                draft.now
            )  # a second request would end the job that may be starting
    else:  # None: there was no address into the meeting, so the gateway was not asked
        draft.columns["start_may_come_until"] = None
        draft.look_in = AFTER_ERROR


def _job_stopped(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, GatewayError):
        draft.fail(answer)
        if isinstance(answer, GatewayUnreachableError) and draft.now < draft.row.state_since + RESTART_TAKES:
            draft.look_in = CONFIRM_AFTER
        if draft.now > draft.row.state_since + STOP_GIVES_UP:
            draft.pull(transitions.GIVE_UP, answer.code)
    elif isinstance(answer, JobStatus) and answer.state in {"idle", "unknown"}:
        draft.pull(transitions.GATEWAY_IDLE)


def _chat_shown(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, GatewayError) and not isinstance(answer, UnsupportedError):
        draft.fail(answer)
    elif isinstance(answer, bool):
        draft.columns["chat_shown"] = answer


def _layout_shown(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, GatewayError) and not isinstance(answer, UnsupportedError):
        draft.fail(answer)
    elif isinstance(answer, str):
        draft.columns["layout_shown"] = answer


def _meeting_ended(draft: Draft, answer: Answer) -> None:
    if answer is True:
        draft.columns["ends_meeting"] = False
        draft.calls.append(NoteMeetingEnd())
    else:
        draft.look_in = AFTER_ERROR
