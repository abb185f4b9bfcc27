"""What a look decides: tables of (row, seen) and what follows. No database, no clock, nothing is asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from amphi.sipmediagw import GatewayTimeoutError, GatewayUnreachableError, JobStatus
from amphi.webinars import transitions
from amphi.webinars.models import State
from amphi.worker.decision import (
    AFTER_ERROR,
    AT_ONCE,
    BACK_AFTER,
    CONFIRM_AFTER,
    IN_NO_HURRY,
    LOOK_EVERY,
    Decision,
    EndMeeting,
    MakeWay,
    NoteMeetingEnd,
    ReplaceGateway,
    ShowChat,
    ShowLayout,
    StartJob,
    StopJob,
    WarnOfLimit,
)
from amphi.worker.job_rules import OUR_START_MAY_TAKE, RESTART_TAKES, START_MAY_TAKE, UNSEEN_AFTER
from amphi.worker.rules import (
    EAGER_FOR,
    GONE_ON_AIR,
    HOOK_EVERY,
    LIMIT_WARNING,
    NO_SOUND_SENT,
    OVERRUN_EVERY,
    RECOVERY_GIVES_UP,
    START_GIVES_UP,
    decide,
    must_ask_for_hook,
)
from amphi.worker.seen import HookSeen, JobBefore, MeetingSeen, Seen
from tests.webinars.decisions import (
    FAILED,
    GONE,
    JOINING,
    LIVE,
    NOW,
    ON_AIR,
    PLAYLIST,
    RECOVERING,
    STARTING,
    STOPPING,
    THERE,
    S,
    asked,
    changed,
    row,
    see,
)

# --- on the way


@pytest.mark.parametrize(
    ("columns", "seen", "trigger"),
    [
        ({}, see(), ""),  # a playlist that was not seen before proves nothing: it may be an old one
        ({"media_mark": "new"}, see(), ""),  # nor does one that stands still
        ({"media_mark": "old"}, see(), transitions.MEDIA_SEEN),
        ({"media_mark": "old"}, see(playlist=replace(PLAYLIST, ended=True)), ""),
        ({"media_mark": "old"}, see(playlist=None), ""),
        ({"media_mark": "old"}, see(job=FAILED), transitions.MEDIA_SEEN),
        ({"media_mark": "old"}, see(meeting=GONE), transitions.MEDIA_SEEN),
        ({"media_seen_at": NOW - 6 * S}, see(), ""),  # pictures of before it was asked for
    ],
)
@pytest.mark.parametrize("state", [STARTING, RECOVERING])
def test_live_is_what_is_seen(state, columns, seen, trigger):
    assert decide(row(state, **columns), seen, NOW).trigger == trigger
    # Backstage too: who is shown what is not the supervisor's matter.
    assert decide(row(state, is_backstage=True, **columns), seen, NOW).trigger == trigger


@pytest.mark.parametrize(
    ("columns", "seen", "calls", "error", "look_in"),
    [
        ({}, Seen(meeting=THERE), [StartJob], "", LOOK_EVERY[STARTING]),
        ({}, Seen(meeting=THERE, gateway_is_taken=True), [], "gateway_full", AFTER_ERROR),
        ({}, Seen(meeting=THERE, job_before=JobBefore(NOW - 1 * S)), [], "", CONFIRM_AFTER),
        (
            {},
            Seen(meeting=THERE, job_before=JobBefore(NOW - 9 * S, "gateway_failed")),
            [],
            "gateway_failed",
            AFTER_ERROR,
        ),
    ],
)
def test_job_is_asked_for_once_nobody_else_sends_to_its_address(columns, seen, calls, error, look_in):
    decision = decide(row(STARTING, gateway_asked_at=None, **columns), seen, NOW)
    assert (asked(decision), decision.look_in) == (calls, look_in)
    assert decision.columns.get("last_error", "") == error
    assert ("start_may_come_until" in decision.columns) is (calls == [StartJob])


@pytest.mark.parametrize(("dialect", "takes"), [("amphi", OUR_START_MAY_TAKE), ("B", START_MAY_TAKE)])
def test_start_is_written_down_before_it_is_asked_for(dialect, takes):
    decision = decide(row(STARTING, dialect=dialect, gateway_asked_at=None), Seen(meeting=THERE), NOW)
    assert changed(decision) == {"start_may_come_until": NOW + takes}
    assert decision.calls[-1:] == [StartJob(show_chat=False)]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (JobStatus(state="idle", reason="join_refused", detail="why"), ("join_refused", True, AFTER_ERROR)),
        (JobStatus(state="unknown"), ("before", False, AT_ONCE)),
        (JobStatus(state="joining", reason="waiting_for_approval"), ("waiting_for_approval", False, None)),
        (JOINING, ("before", False, None)),
        (FAILED, ("gateway_failed", False, AFTER_ERROR)),
    ],
)
def test_job_that_has_trouble(job, expected):
    before = row(STARTING, last_error="before")
    decision = decide(before, see(job=job, playlist=None), NOW)
    error, replaces_job, look_in = expected
    assert decision.columns.get("last_error", "before") == error
    assert decision.replaces_job is replaces_job
    assert decision.look_in == (LOOK_EVERY[STARTING] if look_in is None else look_in)
    forgets = isinstance(job, JobStatus) and job.state == "unknown"
    assert (decision.columns.get("gateway_asked_at", 1) is None) is forgets
    assert (StartJob in asked(decision)) is forgets


@pytest.mark.parametrize(
    ("job", "seen_at", "look_in"),
    [
        (GatewayUnreachableError("refused"), NOW - S, BACK_AFTER),
        (GatewayUnreachableError("refused"), NOW - RESTART_TAKES, AFTER_ERROR),
        (GatewayUnreachableError("refused"), None, AFTER_ERROR),
        (GatewayTimeoutError("slow"), NOW - S, BACK_AFTER),
        (GatewayTimeoutError("slow"), NOW - RESTART_TAKES, AFTER_ERROR),
        (JobStatus(state="unknown"), NOW - S, AT_ONCE),
    ],
)
@pytest.mark.parametrize("state", [LIVE, RECOVERING])
def test_gateway_that_died_on_air_is_asked_again_at_once(state, job, seen_at, look_in):
    before = row(state, media_seen_at=seen_at, state_since=NOW - S)
    still = replace(PLAYLIST, mark="old")
    assert decide(before, see(job=job, playlist=still), NOW).look_in == look_in


@pytest.mark.parametrize(("target_s", "patience_s"), [(None, 18), (1, 6), (2, 6), (6, 18)])
def test_silent_live_server_is_asked_again_soon_and_missed_by_the_length_of_its_segments(
    target_s, patience_s
):
    def after(seconds: float) -> Decision:
        before = row(LIVE, media_seen_at=NOW - seconds * S, media_target_s=target_s)
        return decide(before, see(playlist=None), NOW)

    assert (after(patience_s - 0.1).trigger, after(patience_s - 0.1).look_in) == ("", CONFIRM_AFTER)
    assert after(patience_s + 0.1).trigger == transitions.MEDIA_LOST


AHEAD = NOW + timedelta(minutes=5)


def test_pictures_are_believed_though_the_start_was_noted_by_a_clock_that_was_ahead():
    before = row(STARTING, state_since=AHEAD, gateway_asked_at=AHEAD, media_mark="old")
    first = decide(before, see(asked_at=NOW - S), NOW)
    assert first.columns["state_since"] == first.columns["gateway_asked_at"] == NOW
    assert first.trigger == ""  # seen before: not yet certain that they came after the start
    assert before.state_since == AHEAD  # what was read is as it was
    later = NOW + 2 * S
    after = row(STARTING, media_mark="new", state_since=NOW, gateway_asked_at=NOW)
    playlist = replace(PLAYLIST, mark="newer")
    assert decide(after, see(playlist=playlist, asked_at=later), later).trigger == transitions.MEDIA_SEEN


def test_pictures_that_stop_are_missed_though_the_last_were_noted_by_a_clock_that_was_ahead():
    still = see(playlist=replace(PLAYLIST, mark="old"))
    decision = decide(row(LIVE, media_seen_at=AHEAD, state_since=AHEAD), still, NOW)
    assert (decision.columns["media_seen_at"], decision.trigger) == (NOW, "")
    after = row(LIVE, media_seen_at=NOW, state_since=NOW)
    assert decide(after, still, NOW + 7 * S).trigger == transitions.MEDIA_LOST


def test_pictures_count_from_when_they_were_asked_for_and_are_missed_while_others_are_waited_for():
    asked_at = NOW - 3 * S
    assert decide(row(LIVE), see(asked_at=asked_at), NOW).columns["media_seen_at"] == asked_at
    silent = row(LIVE, media_seen_at=NOW - 6.5 * S)
    still = see(playlist=replace(PLAYLIST, mark="old"), asked_at=asked_at)
    assert decide(silent, still, NOW).trigger == transitions.MEDIA_LOST


@pytest.mark.parametrize(
    ("ago", "state", "reported", "replaces_job"),
    [
        (UNSEEN_AFTER - S, STARTING, False, False),
        (UNSEEN_AFTER + S, STARTING, False, True),
        (UNSEEN_AFTER + S, RECOVERING, False, True),
        (UNSEEN_AFTER + S, STARTING, True, False),
        (UNSEEN_AFTER + S, LIVE, False, False),
    ],
)
def test_job_that_shows_nothing_is_begun_again_where_nothing_else_tells(ago, state, reported, replaces_job):
    before = row(state, dialect="A", gateway_asked_at=NOW - ago, media_seen_at=None, state_since=NOW - 5 * S)
    decision = decide(before, see(job=replace(ON_AIR, reported=reported), playlist=None), NOW)
    assert decision.replaces_job is replaces_job


@pytest.mark.parametrize(
    ("job", "until", "waits"),
    [
        (JobStatus(state="unknown"), NOW + S, True),
        (JobStatus(state="idle"), NOW + S, True),
        (JobStatus(state="unknown"), NOW - S, False),
        (JobStatus(state="unknown"), None, False),
    ],
)
def test_slow_start_is_waited_for(job, until, waits):
    before = row(STARTING, dialect="B", start_may_come_until=until)
    decision = decide(before, see(job=job, playlist=None), NOW)
    begins_again = decision.replaces_job or decision.columns.get("gateway_asked_at", 1) is None
    assert begins_again is not waits
    if waits:
        assert decision.look_in == AFTER_ERROR


def test_slow_start_that_came_is_settled_and_its_name_kept():
    before = row(STARTING, dialect="D", start_may_come_until=NOW + 9 * S)
    decision = decide(before, see(job=replace(ON_AIR, remote_id="gw-7"), playlist=None), NOW)
    assert changed(decision) == {"start_may_come_until": None, "remote_id": "gw-7"}


@pytest.mark.parametrize(
    ("error", "job_ago", "state_ago", "calls"),
    [
        ("gateway_failed", EAGER_FOR, EAGER_FOR + S, [ReplaceGateway]),
        ("gateway_failed", EAGER_FOR - S, EAGER_FOR + S, []),  # a new job is given its time
        ("gateway_failed", EAGER_FOR, EAGER_FOR - S, []),
        ("join_refused", EAGER_FOR, EAGER_FOR + S, []),  # another gateway would not be let in either
    ],
)
def test_gateway_that_does_not_do_its_work_is_left(error, job_ago, state_ago, calls):
    before = row(STARTING, last_error=error, job_since=NOW - job_ago, state_since=NOW - state_ago)
    decision = decide(before, see(job=JOINING, playlist=None), NOW)
    assert asked(decision) == calls


@pytest.mark.parametrize(("state", "patience"), [(STARTING, START_GIVES_UP), (RECOVERING, RECOVERY_GIVES_UP)])
@pytest.mark.parametrize("error", ["gateway_failed", ""])
def test_what_does_not_come_is_given_up_in_the_end(state, patience, error):
    def after(ago: timedelta) -> Decision:
        before = row(state, last_error=error, gateway_asked_at=None, state_since=NOW - ago)
        return decide(before, Seen(meeting=THERE), NOW)

    assert after(patience).trigger == ""
    decision = after(patience + S)
    assert (decision.trigger, decision.reason) == (transitions.GIVE_UP, error or "no_media")
    # What it would have asked for is not asked for any more, and nothing says that it may come.
    assert asked(decision) == []
    assert "start_may_come_until" not in decision.columns


# --- on air


@pytest.mark.parametrize(
    ("seen_ago", "playlist", "trigger"),
    [
        (2, PLAYLIST, ""),
        (19, None, transitions.MEDIA_LOST),
        (17, None, ""),
        (7, replace(PLAYLIST, mark="old"), transitions.MEDIA_LOST),
        (7, replace(PLAYLIST, shows_slate=True), transitions.MEDIA_LOST),
        (5, replace(PLAYLIST, shows_slate=True), ""),
        (9, replace(PLAYLIST, mark="old", target_duration_s=4), ""),
        (13, replace(PLAYLIST, mark="old", target_duration_s=4), transitions.MEDIA_LOST),
        (1, replace(PLAYLIST, ended=True), transitions.MEDIA_LOST),
    ],
)
def test_live_that_shows_nothing_new_recovers(seen_ago, playlist, trigger):
    before = row(LIVE, media_seen_at=NOW - seen_ago * S, media_target_s=6)
    decision = decide(before, see(playlist=playlist), NOW)
    assert decision.trigger == trigger


def test_live_notes_its_media_and_goes_on_while_the_gateway_fails():
    decision = decide(row(LIVE), see(job=FAILED), NOW)
    assert decision.trigger == ""
    assert changed(decision) == {
        "media_mark": "new",
        "media_seen_at": NOW,
        "last_error": "gateway_failed",
        "last_error_detail": "HTTP status 500",
    }


def test_error_is_forgotten_once_all_is_well_on_air():
    decision = decide(row(LIVE, last_error="no_sound"), see(), NOW)
    assert decision.columns["last_error"] == ""


MUTE, LOUD = replace(PLAYLIST, has_sound=False), replace(PLAYLIST, has_sound=True)


@pytest.mark.parametrize(
    ("playlist", "live_for", "job", "before", "told"),
    [
        (MUTE, 14, ON_AIR, "", ""),
        (MUTE, 15, ON_AIR, "", NO_SOUND_SENT),
        (MUTE, 60, None, "", NO_SOUND_SENT),
        (MUTE, 60, ON_AIR, NO_SOUND_SENT, NO_SOUND_SENT),
        (MUTE, 60, replace(ON_AIR, reason="no_sound"), "", "no_sound"),
        (MUTE, 60, replace(ON_AIR, reason="no_sound"), NO_SOUND_SENT, "no_sound"),
        (LOUD, 60, ON_AIR, "", ""),
        (LOUD, 60, ON_AIR, NO_SOUND_SENT, ""),
        (LOUD, 60, None, NO_SOUND_SENT, ""),
        (PLAYLIST, 60, ON_AIR, "", ""),
        (None, 60, ON_AIR, NO_SOUND_SENT, NO_SOUND_SENT),
        (None, 60, ON_AIR, "", ""),
    ],
)
def test_listeners_who_hear_nothing_are_told_of(playlist, live_for, job, before, told):
    livestream = row(LIVE, state_since=NOW - live_for * S, media_seen_at=NOW - S, last_error=before)
    decision = decide(livestream, see(playlist=playlist, job=job), NOW)
    assert decision.columns.get("last_error", before) == told
    assert decision.trigger == ""


OVER = MeetingSeen(is_known=True, is_over=True)
SILENT = MeetingSeen(is_known=None)
ENDED = JobStatus(state="idle", reason="meeting_ended")


@pytest.mark.parametrize(
    ("meeting", "job", "is_over"),
    [
        (OVER, ON_AIR, True),
        (SILENT, ON_AIR, False),
        (SILENT, ENDED, True),
        (GONE, ENDED, True),
        (THERE, ENDED, False),
        (replace(GONE, end_was_told=True), ON_AIR, True),
        (replace(GONE, gone_for=9 * S), JOINING, False),
        (replace(GONE, gone_for=10 * S), JOINING, True),
        (replace(GONE, gone_for=10 * S), ON_AIR, False),
        (replace(GONE, gone_for=10 * S), replace(ON_AIR, reason="no_sound"), False),
        (replace(GONE, gone_for=10 * S), replace(ON_AIR, reason="frozen"), False),
        (replace(GONE, gone_for=10 * S), replace(ON_AIR, reason="covered"), True),
        (replace(GONE, gone_for=10 * S), replace(ON_AIR, reason="disconnected"), True),
        (replace(GONE, gone_for=GONE_ON_AIR), ON_AIR, True),
    ],
)
def test_end_of_a_meeting_is_believed_by_evidence_or_by_time(meeting, job, is_over):
    first = decide(row(LIVE), see(meeting=meeting, job=job), NOW)
    assert first.trigger == ""
    doubted = not (meeting.is_known and not meeting.is_over) and not (meeting is SILENT and job is ON_AIR)
    assert first.columns.get("meeting_misses", 0) == (1 if doubted else 0)
    if doubted:
        assert first.look_in == CONFIRM_AFTER
    second = decide(row(LIVE, meeting_misses=1), see(meeting=meeting, job=job), NOW)
    assert second.trigger == (transitions.MEETING_ENDED if is_over else "")
    assert (NoteMeetingEnd in asked(second)) is is_over


def test_other_gateways_pictures_prove_nothing():
    seen = see(meeting=replace(GONE, gone_for=10 * S))
    assert decide(row(LIVE, dialect="B", meeting_misses=1), seen, NOW).trigger == transitions.MEETING_ENDED


def test_meeting_that_is_there_again_counts_anew():
    assert decide(row(LIVE, meeting_misses=1), see(), NOW).columns["meeting_misses"] == 0


def test_live_whose_meeting_is_in_doubt_is_not_called_lost():
    before = row(LIVE, media_seen_at=NOW - 30 * S)
    assert decide(before, see(playlist=None, meeting=GONE), NOW).trigger == ""


@pytest.mark.parametrize(
    ("asked_ago", "warned", "calls", "trigger"),
    [
        (5 * 3600 * S - LIMIT_WARNING - S, None, [], ""),
        (5 * 3600 * S - LIMIT_WARNING, None, [WarnOfLimit], ""),
        (5 * 3600 * S - LIMIT_WARNING, NOW - S, [], ""),
        (5 * 3600 * S, NOW - S, [], transitions.STOP),
    ],
)
def test_longest_duration(asked_ago, warned, calls, trigger):
    decision = decide(row(LIVE, start_asked_at=NOW - asked_ago, limit_warned_at=warned), see(), NOW)
    assert (asked(decision), decision.trigger) == (calls, trigger)
    assert decision.columns.get("ends_meeting", False) is bool(trigger)


@pytest.mark.parametrize(
    ("ends_at", "checked_at", "calls"),
    [
        (NOW + S, None, []),
        (NOW, None, [MakeWay]),
        (NOW, NOW - OVERRUN_EVERY + S, []),
        (NOW, NOW - OVERRUN_EVERY, [MakeWay]),
    ],
)
def test_live_that_overruns_makes_way(ends_at, checked_at, calls):
    decision = decide(row(LIVE, ends_at=ends_at, made_way_at=checked_at), see(), NOW)
    assert asked(decision) == calls
    assert decision.columns.get("made_way_at") == (NOW if calls else None)


@pytest.mark.parametrize(
    ("has_hook", "enabled", "shown", "calls"),
    [
        (True, True, False, []),
        (False, True, False, [ShowChat(shown=True)]),
        (False, True, True, []),
        (False, False, True, [ShowChat(shown=False)]),
        (None, True, False, []),
    ],
)
def test_chat_is_filmed_only_without_webhooks(has_hook, enabled, shown, calls):
    before = row(LIVE, has_hook=not has_hook, meeting={"enable_chat": enabled})
    seen = see(hook=HookSeen(has_hook), job=replace(ON_AIR, chat_shown=shown))
    decision = decide(before, seen, NOW)
    assert [call for call in decision.calls if isinstance(call, ShowChat)] == calls
    assert (decision.columns["has_hook"], decision.columns["hook_asked_at"]) == (has_hook, NOW)


@pytest.mark.parametrize(
    ("has_hook", "chosen", "enabled", "shown"),
    [
        (True, True, True, True),
        (False, False, True, False),
        (None, True, True, True),
        (True, True, False, False),
    ],
)
def test_chat_is_filmed_as_presenters_chose(has_hook, chosen, enabled, shown):
    before = row(LIVE, has_hook=has_hook, chat_filmed=chosen, meeting={"enable_chat": enabled})
    decision = decide(before, see(job=replace(ON_AIR, chat_shown=not shown)), NOW)
    assert [call for call in decision.calls if isinstance(call, ShowChat)] == [ShowChat(shown=shown)]


@pytest.mark.parametrize(
    ("wanted", "job", "shown", "calls"),
    [
        ("slides", {"layout": "slides_and_cameras", "layout_shown": "slides"}, "slides", ["slides"]),
        ("slides", {"layout": "slides", "layout_shown": "slides_and_cameras"}, "slides_and_cameras", []),
        ("cameras", {"layout": "cameras", "layout_shown": "cameras"}, "cameras", []),
        ("cameras", {"layout": "slides", "state": "joining"}, "", []),
        ("cameras", {}, "", []),  # a gateway that can't
    ],
)
def test_layout_is_asked_for_until_the_gateway_has_taken_it(wanted, job, shown, calls):
    before = row(LIVE, layout=wanted, layout_shown="slides")
    decision = decide(before, see(job=replace(ON_AIR, **job)), NOW)
    assert [call.layout for call in decision.calls if isinstance(call, ShowLayout)] == calls
    assert decision.columns.get("layout_shown", "slides") == shown


@pytest.mark.parametrize(("ago", "due"), [(None, True), (HOOK_EVERY - S, False), (HOOK_EVERY, True)])
def test_hook_is_asked_for_again_after_a_minute(ago, due):
    checked_at = None if ago is None else NOW - ago
    assert must_ask_for_hook(row(LIVE, hook_asked_at=checked_at), NOW) is due


# --- off


@pytest.mark.parametrize(
    ("state", "ends_meeting", "seen", "calls", "look_in"),
    [
        (STOPPING, False, Seen(), [StopJob], LOOK_EVERY[STOPPING]),
        (STOPPING, True, Seen(), [EndMeeting, StopJob], LOOK_EVERY[STOPPING]),
        (State.STOPPED, True, Seen(), [EndMeeting], IN_NO_HURRY),
        (State.STOPPED, False, Seen(meeting=THERE), [], IN_NO_HURRY),
        (State.STOPPED, False, Seen(meeting=GONE), [], CONFIRM_AFTER),
        (State.STOPPED, False, Seen(), [], IN_NO_HURRY),
        (State.FAILED, False, Seen(meeting=THERE), [], IN_NO_HURRY),
        (State.IDLE, False, Seen(meeting=THERE), [], IN_NO_HURRY),
    ],
)
def test_what_is_off(state, ends_meeting, seen, calls, look_in):
    decision = decide(row(state, ends_meeting=ends_meeting), seen, NOW)
    assert (asked(decision), decision.look_in, decision.trigger) == (calls, look_in, "")


@pytest.mark.parametrize("state", [State.STOPPED, State.FAILED, State.IDLE])
def test_meeting_that_ends_after_its_live_is_noted(state):
    seen = Seen(meeting=replace(GONE, gone_for=10 * S))
    assert asked(decide(row(state, meeting_misses=1), seen, NOW)) == [NoteMeetingEnd]
