"""What follows from the answers to the calls of a look: tables, as in `test_decision`."""

from dataclasses import replace

import pytest

from amphi.sipmediagw import (
    GatewayError,
    GatewayFullError,
    GatewayTimeoutError,
    GatewayUnreachableError,
    JobStatus,
    UnsupportedError,
)
from amphi.webinars import transitions
from amphi.worker.answers import STOP_GIVES_UP, decide_answer
from amphi.worker.decision import (
    AFTER_ERROR,
    CONFIRM_AFTER,
    EndMeeting,
    MakeWay,
    NoteMeetingEnd,
    ShowChat,
    ShowLayout,
    StartJob,
    StopJob,
)
from amphi.worker.job_rules import RESTART_TAKES
from tests.webinars.decisions import FAILED, LIVE, NOW, STARTING, STOPPING, S, asked, row

STARTED = JobStatus(state="joining", remote_id="gw-1", chat_shown=False)
OPEN = {"start_may_come_until": NOW + 40 * S, "gateway_asked_at": None}


@pytest.mark.parametrize(
    ("dialect", "answer", "is_open", "has_job"),
    [
        ("amphi", STARTED, False, True),
        ("D", STARTED, False, True),
        ("B", replace(STARTED, reported=False), True, True),
        ("B", GatewayTimeoutError("30 s"), True, True),  # asked again, it would end what comes up
        ("amphi", GatewayTimeoutError("5 s"), True, False),  # asked again, it is the same job
        ("D", FAILED, True, False),
        ("D", GatewayFullError("full"), False, False),
        ("amphi", None, False, False),
    ],
)
def test_answer_to_a_start(dialect, answer, is_open, has_job):
    after = row(STARTING, dialect=dialect, **OPEN)
    decision = decide_answer(after, StartJob(show_chat=False), answer, NOW)
    assert (decision.columns.get("start_may_come_until", OPEN) is not None) is is_open
    assert (decision.columns.get("gateway_asked_at") == NOW) is has_job
    assert decision.look_in == (AFTER_ERROR if not isinstance(answer, JobStatus) else None)
    if isinstance(answer, GatewayError):
        assert decision.columns["last_error"] == answer.code
    if answer is STARTED:
        assert (decision.columns["remote_id"], decision.columns["chat_shown"]) == ("gw-1", False)


@pytest.mark.parametrize(
    ("answer", "ago", "trigger"),
    [
        (JobStatus(state="idle"), S, transitions.GATEWAY_IDLE),
        (JobStatus(state="unknown"), S, transitions.GATEWAY_IDLE),
        (JobStatus(state="stopping"), S, ""),
        (FAILED, S, ""),
        (FAILED, STOP_GIVES_UP + S, transitions.GIVE_UP),
        (JobStatus(state="stopping"), STOP_GIVES_UP + S, ""),
    ],
)
def test_answer_to_a_stop(answer, ago, trigger):
    decision = decide_answer(row(STOPPING, state_since=NOW - ago), StopJob(), answer, NOW)
    assert decision.trigger == trigger
    if answer is FAILED:
        assert (decision.look_in, decision.columns["last_error"]) == (AFTER_ERROR, "gateway_failed")


@pytest.mark.parametrize(("ago", "look_in"), [(S, CONFIRM_AFTER), (RESTART_TAKES + S, AFTER_ERROR)])
def test_gateway_that_died_while_it_was_to_stop_is_asked_again_at_once(ago, look_in):
    answer = GatewayUnreachableError("refused")
    decision = decide_answer(row(STOPPING, state_since=NOW - ago), StopJob(), answer, NOW)
    assert (decision.look_in, decision.trigger) == (look_in, "")


@pytest.mark.parametrize(
    ("call", "answer", "columns", "calls", "look_in"),
    [
        (EndMeeting(), True, {"ends_meeting": False}, [NoteMeetingEnd], None),
        (EndMeeting(), False, {}, [], AFTER_ERROR),
        (ShowChat(shown=True), True, {"chat_shown": True}, [], None),
        (ShowChat(shown=True), UnsupportedError("no"), {}, [], None),
        (ShowLayout("slides"), "slides", {"layout_shown": "slides"}, [], None),
        (ShowLayout("slides"), UnsupportedError("no"), {}, [], None),
        (MakeWay(), None, {}, [], None),
    ],
)
def test_answer_to_other_calls(call, answer, columns, calls, look_in):
    decision = decide_answer(row(LIVE), call, answer, NOW)
    assert (decision.columns, asked(decision), decision.look_in) == (columns, calls, look_in)
