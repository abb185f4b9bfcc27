"""Real workers on one database: none acts twice, none is missed when it dies, and what hangs delays only itself."""

import signal
from collections import Counter
from datetime import timedelta

import pytest

from amphi.pages.webinars import recordings as shown_recordings
from amphi.webinars import domain, recordings
from amphi.webinars.models import Livestream, State, Transition
from amphi.worker.decision import LOOK_EVERY
from tests.factories import make_meeting
from tests.reliability.conftest import Workers, wait_until, webinar_on
from tests.webinars.stage import Stage


def state(livestream: Livestream) -> State:
    return State(Livestream.objects.values_list("state", flat=True).get(pk=livestream.pk))


def start(livestream: Livestream) -> None:
    domain.go_live(livestream, user=livestream.meeting.owner)


def stop(livestream: Livestream) -> None:
    livestream.refresh_from_db()
    domain.stop_live(livestream, user=livestream.meeting.owner)


def events(livestream: Livestream) -> list[str]:
    return list(Transition.objects.filter(livestream=livestream).values_list("trigger", flat=True))


def test_two_workers_ask_for_each_job_once(workers: Workers, stage: Stage, make_stage):
    stages = [stage, make_stage(), make_stage()]
    livestreams = [webinar_on(one) for one in stages]
    workers.start()
    workers.start()
    for livestream in livestreams:
        start(livestream)
    wait_until(lambda: all(state(one) == State.LIVE for one in livestreams), "all live")
    for livestream in livestreams:
        stop(livestream)
    wait_until(lambda: all(state(one) == State.STOPPED for one in livestreams), "all stopped")
    for livestream, one in zip(livestreams, stages, strict=True):
        assert events(livestream) == ["go_live", "media_seen", "stop", "gateway_idle"]
        calls = Counter(call for call in one.asked if call.startswith(("PUT /jobs", "DELETE /jobs")))
        assert calls == {f"PUT /jobs/{livestream.job_id}": 1, f"DELETE /jobs/{livestream.job_id}": 1}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_worker_that_ends_in_the_middle_of_a_look_leaves_it_to_another(
    workers: Workers, stage: Stage, number: signal.Signals
):
    livestream = webinar_on(stage)
    stage.broken["gateway"] = "hang"
    workers.start()
    workers.start()
    start(livestream)
    wait_until(lambda: stage.count("PUT /jobs/") and workers.holder(livestream), "a look that hangs")
    holder = workers.holder(livestream)
    assert holder is not None
    holder.send_signal(number)
    holder.wait(60)
    if number == signal.SIGTERM:
        assert workers.holder(livestream) is not holder
    stage.broken.clear()
    wait_until(lambda: state(livestream) == State.LIVE, "live through the other worker")
    livestream.refresh_from_db()
    assert list(stage.jobs) == [str(livestream.job_id)]
    assert events(livestream) == ["go_live", "media_seen"]


def test_end_of_a_meeting_is_seen_by_polling_alone(workers: Workers, stage: Stage):
    """No webhook, no callback, and a gateway that says nothing of it: 20 s are promised, which are so many looks."""
    stage.has_hooks = False
    livestream = webinar_on(stage)
    workers.start()
    start(livestream)
    wait_until(lambda: state(livestream) == State.LIVE, "live")
    stage.meeting_exists = False
    looks_before = stage.count("/api/getMeetingInfo")
    wait_until(lambda: state(livestream) == State.STOPPED, "stopped")
    looks = stage.count("/api/getMeetingInfo") - looks_before
    assert 0 < looks <= timedelta(seconds=20) / LOOK_EVERY[State.LIVE]
    assert events(livestream) == ["go_live", "media_seen", "meeting_ended", "gateway_idle"]


def test_ill_gateways_delay_their_webinars_alone(workers: Workers, stage: Stage, make_stage):
    ill_stages = [make_stage() for _ in range(3)]
    ill = [webinar_on(one) for one in ill_stages]
    for one, how in zip(ill_stages, ("hang", 500, "html"), strict=True):
        one.broken["gateway"] = how
    well = webinar_on(stage)
    workers.start()
    for livestream in (*ill, well):
        start(livestream)
    wait_until(lambda: all(one.count("PUT /jobs/") for one in ill_stages), "the ill gateways are asked")
    wait_until(lambda: state(well) == State.LIVE, "the well one is live")
    stop(well)
    wait_until(lambda: state(well) == State.STOPPED, "the well one is stopped")
    assert [state(livestream) for livestream in ill] == [State.STARTING] * 3
    for one in ill_stages:
        one.broken.clear()
    wait_until(lambda: all(state(livestream) == State.LIVE for livestream in ill), "the others follow")


def test_meeting_that_the_meeting_server_is_silent_about_delays_its_webinar_alone(
    workers: Workers, stage: Stage, make_stage
):
    ill, well = webinar_on(make_stage()), webinar_on(stage)
    stage.hangs_on = ill.meeting.bbb_id
    workers.start()
    start(ill)
    wait_until(lambda: stage.count(ill.meeting.bbb_id), "the meeting server is asked")
    start(well)
    wait_until(lambda: state(well) == State.LIVE, "the well one is live")
    stop(well)
    wait_until(lambda: state(well) == State.STOPPED, "the well one is stopped")
    stage.hangs_on = ""
    wait_until(lambda: state(ill) == State.LIVE, "the other follows")


def test_worker_looks_recordings_up(workers: Workers, stage: Stage):
    meeting = make_meeting()
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": "https://bbb.example.org/r-1"})
    recordings.note_recording_ready(meeting, "r-1")
    workers.start()
    wait_until(lambda: shown_recordings.shown(meeting), "the recording")
    assert stage.count("/api/getRecordings") == 1
