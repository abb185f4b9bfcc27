"""The supervisor against a meeting server, a gateway and a live server, well and ill."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording
from amphi.webinars import domain
from amphi.webinars.models import Livestream, RetiringJob, State, Transition
from amphi.worker import answers, claims, decision, gateways, rules
from tests.factories import make_user
from tests.webinars.looking import JOB, age, age_meeting, look, on_air, start, triggers

# --- starting


def test_start_asks_the_gateway_once_and_is_live_only_when_the_playlist_advances(livestream, stage):
    start(livestream)
    look(livestream, 3)
    assert livestream.state == State.STARTING
    assert stage.count(f"PUT {JOB}{livestream.job_id}") == 1

    stage.sequence = 7  # a playlist that stands still proves nothing: it may be an old one
    look(livestream, 3)
    assert livestream.state == State.STARTING

    stage.sequence = 8
    look(livestream)
    assert livestream.state == State.LIVE
    assert livestream.went_live_at is not None


def test_start_while_a_closed_playlist_of_before_is_there_waits(livestream, stage):
    stage.sequence, stage.playlist_ended, stage.advancing = 3, True, True
    start(livestream)
    look(livestream, 4)
    assert livestream.state == State.STARTING


def test_start_of_a_second_moderator_changes_nothing(livestream, stage):
    start(livestream)
    look(livestream)
    job = livestream.job_id
    domain.go_live(livestream, user=make_user())
    look(livestream)
    assert livestream.job_id == job
    assert triggers(livestream) == ["go_live"]
    assert stage.count(f"PUT {JOB}") == 1


def test_start_with_a_full_gateway_tries_again(livestream, stage):
    stage.full = True
    start(livestream)
    assert look(livestream) == decision.AFTER_ERROR
    assert livestream.last_error == "gateway_full"
    stage.full = False
    look(livestream)
    assert stage.jobs == {str(livestream.job_id): "joining"}


@pytest.mark.parametrize("how", [500, 401, "html"])
def test_start_with_an_ill_gateway_says_why_and_gives_up_in_the_end(livestream, stage, how):
    stage.broken["gateway"] = how
    start(livestream)
    look(livestream)
    assert livestream.state == State.STARTING
    assert livestream.last_error
    age(livestream, state_since=rules.START_GIVES_UP + timedelta(seconds=1))
    look(livestream)
    assert livestream.state == State.FAILED
    assert livestream.last_error
    # Whatever the gateway made of it, it is told to stop as soon as it listens.
    stage.broken.clear()
    RetiringJob.objects.exclude(may_start_until=None).update(may_start_until=timezone.now())
    assert look(livestream) is None
    assert stage.count(f"DELETE {JOB}") == 1
    assert not RetiringJob.objects.exists()


def test_start_of_a_job_that_the_gateway_forgot_asks_again(livestream, stage):
    start(livestream)
    look(livestream)
    stage.jobs.clear()
    look(livestream, 2)
    assert stage.jobs == {str(livestream.job_id): "joining"}


def test_start_of_a_job_that_ended_by_itself_makes_a_new_job(livestream, stage):
    start(livestream)
    look(livestream)
    first = str(livestream.job_id)
    stage.jobs[first], stage.job_reason = "idle", "join_refused"
    look(livestream, 2)
    assert str(livestream.job_id) != first
    assert livestream.last_error == "join_refused"
    assert set(stage.jobs) == {first, str(livestream.job_id)}


def test_start_without_a_meeting_server_does_not_escape(livestream, stage, settings):
    start(livestream)
    settings.BBB_API_URL = "nothing"
    assert look(livestream) == decision.AFTER_ERROR
    assert livestream.state == State.STARTING


# --- live


def test_live_loses_its_picture_and_finds_it_again(livestream, stage):
    on_air(livestream, stage)
    stage.advancing = False
    look(livestream)
    assert livestream.state == State.LIVE
    age(livestream, media_seen_at=timedelta(seconds=30))
    look(livestream)
    assert livestream.state == State.RECOVERING
    stage.advancing = True
    look(livestream, 2)
    assert livestream.state == State.LIVE
    assert triggers(livestream) == ["go_live", "media_seen", "media_lost", "media_seen"]


def test_live_with_a_closed_playlist_recovers_at_once(livestream, stage):
    on_air(livestream, stage)
    stage.playlist_ended = True
    look(livestream)
    assert livestream.state == State.RECOVERING


def assert_over(livestream: Livestream, stage) -> None:
    """The next look stops the live, the one after finds the gateway idle."""
    look(livestream)
    assert livestream.state == State.STOPPING
    look(livestream)
    assert livestream.state == State.STOPPED
    assert stage.jobs[str(livestream.job_id)] == "idle"
    assert livestream.meeting.ended_at is not None


def test_meeting_that_bbb_calls_ended_is_over_after_two_looks(livestream, stage):
    on_air(livestream, stage)
    stage.is_over = True
    assert look(livestream) == decision.CONFIRM_AFTER
    assert livestream.state == State.LIVE
    assert_over(livestream, stage)


def test_meeting_that_bbb_told_the_end_of_is_over_after_two_looks(livestream, stage):
    on_air(livestream, stage)
    stage.meeting_exists = False
    age_meeting(livestream, end_told_at=timedelta(seconds=1))
    assert look(livestream) == decision.CONFIRM_AFTER
    assert livestream.state == State.LIVE
    assert_over(livestream, stage)


def test_meeting_that_the_gateway_saw_end_is_over_after_two_looks(livestream, stage):
    on_air(livestream, stage)
    stage.meeting_exists = False
    stage.jobs[str(livestream.job_id)], stage.job_reason = "idle", "meeting_ended"
    assert look(livestream) == decision.CONFIRM_AFTER
    assert_over(livestream, stage)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (("on_air", "", True), 120),
        (("on_air", "no_sound", True), 120),
        (("on_air", "disconnected", True), 10),
        (("joining", "", True), 10),
        (("on_air", "", False), 10),
    ],
)
def test_meeting_unknown_to_bbb_is_over_in_time(livestream, stage, said, seconds):
    """What is seen on air wins for long, where the gateway would see the end; else a short time must do."""
    job, reason, advancing = said
    on_air(livestream, stage)
    stage.meeting_exists, stage.advancing = False, advancing
    stage.jobs[str(livestream.job_id)], stage.job_reason = job, reason
    look(livestream, 3)
    age(livestream, media_seen_at=timedelta(seconds=0 if advancing else 11))
    age_meeting(livestream, gone_since=timedelta(seconds=seconds - 2))
    look(livestream, 2)
    assert livestream.state == State.LIVE
    age_meeting(livestream, gone_since=timedelta(seconds=seconds + 1))
    assert_over(livestream, stage)


@pytest.mark.parametrize("state", [State.STARTING, State.LIVE, State.RECOVERING])
def test_meeting_unknown_to_bbb_for_seconds_costs_no_live(livestream, stage, state):
    on_air(livestream, stage)
    Livestream.objects.update(state=state, media_seen_at=None, media_mark="")
    stage.sequence = None if state != State.LIVE else stage.sequence
    stage.meeting_exists = False
    look(livestream, 4)
    stage.meeting_exists = True
    look(livestream)
    assert livestream.state == state
    assert livestream.meeting.gone_since is None
    assert livestream.meeting_misses == 0


def test_meeting_gone_again_counts_anew(livestream, stage):
    on_air(livestream, stage)
    stage.meeting_exists = False
    look(livestream, 2)
    age_meeting(livestream, gone_since=timedelta(seconds=9))
    stage.meeting_exists = True
    look(livestream)
    stage.meeting_exists = False
    look(livestream, 3)
    assert livestream.state == State.LIVE


def test_end_that_was_told_long_ago_is_no_evidence(livestream, stage):
    on_air(livestream, stage)
    stage.meeting_exists = False
    age_meeting(livestream, end_told_at=timedelta(seconds=61))
    look(livestream, 4)
    assert livestream.state == State.LIVE


def test_meeting_missed_once_is_not_over(livestream, stage):
    on_air(livestream, stage)
    stage.meeting_exists = False
    look(livestream)
    stage.meeting_exists = True
    look(livestream)
    stage.meeting_exists = False
    look(livestream)
    assert livestream.state == State.LIVE


@pytest.mark.parametrize("how", [500, "html"])
def test_live_with_an_ill_meeting_server_goes_on(livestream, stage, how):
    on_air(livestream, stage)
    stage.broken["bbb"] = how
    look(livestream, 4)
    assert livestream.state == State.LIVE


def test_live_with_a_dead_gateway_api_goes_on_while_pictures_come(livestream, stage):
    on_air(livestream, stage)
    stage.broken["gateway"] = 500
    look(livestream, 3)
    assert livestream.state == State.LIVE
    assert livestream.last_error


def test_all_are_asked_at_once_so_that_several_that_are_silent_hold_up_a_look_no_longer_than_one(
    livestream, stage
):
    on_air(livestream, stage)
    all_are_asked = threading.Barrier(3)
    stage.during = dict.fromkeys(
        ("GET /jobs/", "GET /hls/", "getMeetingInfo"), lambda: all_are_asked.wait(20)
    )
    look(livestream)
    assert stage.during == {}
    assert not all_are_asked.broken


def test_look_that_a_clock_planned_that_was_ahead_is_due(livestream, stage):
    on_air(livestream, stage)
    for ahead, is_due in ((timedelta(seconds=20), False), (timedelta(minutes=5), True)):
        Livestream.objects.update(look_at=timezone.now() + ahead, claimed_until=None)
        assert bool(claims.claim_due("one", limit=1)) is is_due


def test_live_beyond_its_hard_limit_is_ended_with_its_meeting(livestream, stage, settings):
    on_air(livestream, stage)
    age(livestream, start_asked_at=timedelta(hours=settings.MEETING_MAX_DURATION, seconds=1))
    look(livestream, 2)
    assert livestream.state == State.STOPPED
    assert not stage.meeting_exists
    assert Transition.objects.filter(reason="max_duration").count() == 1


def test_hook_is_asked_for_again_after_a_minute(livestream, stage):
    on_air(livestream, stage)
    assert livestream.has_hook is True
    look(livestream, 2)
    assert stage.count("hooks/create") == 0
    age(livestream, hook_asked_at=timedelta(seconds=61))
    look(livestream)
    assert stage.count("hooks/create") == 1


def test_chat_is_filmed_only_without_webhooks(livestream, stage):
    stage.has_hooks = False
    on_air(livestream, stage)
    stage.jobs[str(livestream.job_id)] = "on_air"
    look(livestream)
    assert livestream.has_hook is False
    assert stage.count(f"PUT {JOB}.*/chat-panel") == 1


def test_live_without_sound_says_so_until_it_is_heard(livestream, stage):
    on_air(livestream, stage)
    stage.jobs[str(livestream.job_id)] = "on_air"
    stage.job_reason = "no_sound"
    look(livestream)
    assert livestream.state == State.LIVE
    assert wording.last_error(livestream) == str(wording.ERRORS["no_sound"])
    stage.job_reason = ""
    look(livestream)
    assert wording.last_error(livestream) == ""


def test_live_whose_playlist_has_no_sound_says_so_once_it_could_have_come(livestream, stage):
    stage.codecs = "avc1.42c01f"
    on_air(livestream, stage)
    stage.jobs[str(livestream.job_id)] = "on_air"
    look(livestream)
    assert wording.last_error(livestream) == ""
    age(livestream, state_since=timedelta(seconds=20))
    look(livestream)
    assert livestream.state == State.LIVE
    assert wording.last_error(livestream) == str(wording.ERRORS["no_sound_sent"])
    stage.codecs = "avc1.42c01f,mp4a.40.2"
    look(livestream)
    assert wording.last_error(livestream) == ""


@pytest.mark.parametrize(
    ("has_hooks", "dialect", "layout"),
    [(True, "B", "MEDIA_ONLY"), (False, "B", "SMART_LAYOUT"), (True, "amphi", "SMART_LAYOUT")],
)
def test_view_has_room_for_a_chat_only_where_it_may_be_filmed(livestream, stage, has_hooks, dialect, layout):
    stage.has_hooks = has_hooks
    start(livestream)
    look(livestream)
    first = next(call for call in stage.asked if "hooks/create" in call or JOB in call)
    assert "hooks/create" in first
    livestream.gateway.dialect, livestream.layout = dialect, "slides"
    request = gateways.start_request(livestream, show_chat=False)
    assert request.layout == "slides"
    assert f"enforceLayout={layout}" in request.join_url


# --- restarting and stopping


def test_restart_stops_the_old_job_before_it_starts_the_new(livestream, stage):
    on_air(livestream, stage)
    old = str(livestream.job_id)
    domain.restart_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    new = str(livestream.job_id)
    calls = [call for call in stage.asked if JOB in call]
    assert calls[:2] == [f"DELETE /jobs/{old}", f"PUT /jobs/{new}"]
    look(livestream, 3)
    assert livestream.state == State.LIVE


def test_stop_leaves_the_meeting_and_end_ends_it(livestream, stage):
    on_air(livestream, stage)
    Meeting.objects.update(started_at=timezone.now())
    domain.stop_live(livestream, user=livestream.meeting.owner)
    assert look(livestream) == decision.LOOK_EVERY[State.STOPPING]
    assert livestream.state == State.STOPPED
    assert stage.meeting_exists
    assert look(livestream) == decision.IN_NO_HURRY

    # The live is off already; ending the webinar still ends the meeting.
    domain.end_webinar(livestream, user=livestream.meeting.owner)
    livestream.refresh_from_db()
    assert livestream.look_at is not None
    assert look(livestream) is None
    assert not stage.meeting_exists
    assert Meeting.objects.get().ended_at is not None


def test_meeting_that_ends_after_its_live_stopped_is_seen(livestream, stage):
    on_air(livestream, stage)
    Meeting.objects.update(started_at=timezone.now())
    domain.stop_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    stage.meeting_exists = False
    look(livestream, 3)
    assert Meeting.objects.get().is_open
    age_meeting(livestream, gone_since=timedelta(seconds=11))
    assert look(livestream) is None
    assert not Meeting.objects.get().is_open


def test_stop_with_a_dead_gateway_tries_until_it_gives_up(livestream, stage):
    on_air(livestream, stage)
    stage.broken["gateway"] = 500
    domain.stop_live(livestream, user=livestream.meeting.owner)
    assert look(livestream) == decision.AFTER_ERROR
    assert livestream.state == State.STOPPING
    age(livestream, state_since=answers.STOP_GIVES_UP + timedelta(seconds=1))
    look(livestream)
    assert livestream.state == State.FAILED


def test_stop_of_a_job_that_the_gateway_does_not_know_is_done(livestream, stage):
    on_air(livestream, stage)
    stage.jobs.clear()
    domain.stop_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    assert livestream.state == State.STOPPED


def test_look_that_a_stop_overtook_before_it_began_is_left_to_another(livestream, stage):
    on_air(livestream, stage)
    age(livestream, look_at=timedelta(seconds=1))
    (overtaken,) = claims.claim_due("one", limit=1)
    domain.stop_live(livestream, user=livestream.meeting.owner)
    claims.carry_out(overtaken)
    assert stage.count(f"DELETE {JOB}") == 0
    (next_one,) = claims.claim_due("two", limit=1)
    claims.carry_out(overtaken)
    claims.carry_out(next_one)
    livestream.refresh_from_db()
    assert livestream.state == State.STOPPED
    assert stage.count(f"DELETE {JOB}") == 1
