"""What follows from the answer to a call that a look decided on. As pure as `rules`."""

from datetime import datetime, timedelta

from amphi.sipmediagw import (
    GatewayError,
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayRefusedError,
    GatewayTimeoutError,
    GatewayUnauthorizedError,
    JobStatus,
    UnsupportedError,
    UntrustedGatewayError,
)
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
from amphi.worker.decision import (
    AFTER_ERROR,
    Answer,
    Call,
    Decision,
    Draft,
    EndMeeting,
    NoteMeetingEnd,
    ShowChat,
    StartJob,
    StopJob,
)
from amphi.worker.job_rules import is_ours
from amphi.worker.seen import Seen

STOP_GIVES_UP = timedelta(minutes=2)
_NOT_STARTED = (
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    UntrustedGatewayError,
)
"""Answers that say for certain that nothing will come. After any other error it may."""


def decide_answer(row: Livestream, call: Call, answer: Answer, now: datetime) -> Decision:
    """What to do about the answer to a call; `look_in` is None where it changes nothing about the next look.

    Args:
        row: as it is since the decision for that call was written.
        call: what was asked.
        answer: what came.
        now: when it came.
    """
    draft = Draft(None, row=row, seen=Seen(), now=now)
    match call:
        case StartJob():
            _job_started(draft, answer)
        case StopJob():
            _job_stopped(draft, answer)
        case ShowChat():
            _chat_shown(draft, answer)
        case EndMeeting():
            _meeting_ended(draft, answer)
    return draft.done()


def _job_started(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, JobStatus):
        draft.columns |= {
            "gateway_asked_at": draft.now,
            "remote_id": answer.remote_id,
            "chat_shown": answer.chat_shown,
        }
        if answer.reported:
            draft.columns["start_may_come_until"] = None
    elif isinstance(answer, GatewayError):
        draft.fail(answer)
        if isinstance(answer, _NOT_STARTED):
            draft.columns["start_may_come_until"] = None
        elif isinstance(answer, GatewayTimeoutError) and not is_ours(draft.row):
            draft.columns["gateway_asked_at"] = draft.now  # asked again, it would end what comes up
    else:  # there is no address into the meeting to give
        draft.columns["start_may_come_until"] = None
        draft.look_in = AFTER_ERROR


def _job_stopped(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, GatewayError):
        draft.fail(answer)
        if draft.now > draft.row.state_since + STOP_GIVES_UP:
            draft.pull(transitions.GIVE_UP, answer.code)
    elif isinstance(answer, JobStatus) and answer.state in {"idle", "unknown"}:
        draft.pull(transitions.GATEWAY_IDLE)


def _chat_shown(draft: Draft, answer: Answer) -> None:
    if isinstance(answer, GatewayError) and not isinstance(answer, UnsupportedError):
        draft.fail(answer)
    elif isinstance(answer, bool):
        draft.columns["chat_shown"] = answer


def _meeting_ended(draft: Draft, answer: Answer) -> None:
    if answer is True:
        draft.columns["ends_meeting"] = False
        draft.calls.append(NoteMeetingEnd())
    else:
        draft.look_in = AFTER_ERROR
