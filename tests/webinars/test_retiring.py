"""Jobs that their livestreams have done with, and what is asked while a gateway is slow: nothing films on, nothing is forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars import deletion, domain
from amphi.webinars.models import LiveGateway, Livestream, RetiringJob, State
from amphi.worker import claims, retiring
from tests.factories import make_gateway
from tests.webinars.looking import look, on_air, retire, start
from tests.webinars.stage import Stage, open_stage
from tests.webinars.test_rebooking import lose_gateway
from tests.webinars.test_removal import opened, save

pytestmark = pytest.mark.django_db
SLOW = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other_stage():
    stage, server = open_stage()
    yield stage
    server.shutdown()
    server.server_close()


@pytest.fixture
def other(other_stage: Stage) -> LiveGateway:
    return make_gateway("other", sipmediagw_url=other_stage.url, hls_url=f"{other_stage.url}/hls/other.m3u8")


def work() -> None:
    """A worker's rounds, until nothing is due; all leases of those before are over."""
    Livestream.objects.update(claimed_until=None)
    for _ in range(10):
        retire()
        found = claims.claim_due("worker", limit=9)
        for lease in found:
            claims.carry_out(lease)
        if not found:
            return


def time_passes() -> None:
    """All that is due at some time is due now."""
    Livestream.objects.exclude(look_at=None).update(look_at=timezone.now())
    RetiringJob.objects.exclude(may_start_until=None).update(may_start_until=timezone.now())


def test_first_gateway_stops_when_it_is_back_after_a_replacement_and_a_restart(
    livestream, stage, other, other_stage
):
    on_air(livestream, stage)
    first = str(livestream.job_id)
    lose_gateway(livestream, stage)
    look(livestream, 2)
    assert livestream.gateway == other
    other_stage.sequence, other_stage.advancing = 1, True
    look(livestream, 3)
    second = str(livestream.job_id)
    domain.restart_live(livestream, user=livestream.meeting.owner)
    look(livestream, 3)
    assert livestream.state == State.LIVE
    assert other_stage.jobs == {second: "idle", str(livestream.job_id): "joining"}
    assert stage.jobs == {first: "joining"}

    stage.broken.clear()
    retire()
    assert stage.jobs == {first: "idle"}
    assert not RetiringJob.objects.exists()


def test_look_does_not_wait_for_the_gateway_that_was_left(livestream, stage, other, other_stage):
    on_air(livestream, stage)
    lose_gateway(livestream, stage)
    look(livestream, 2)
    other_stage.sequence, other_stage.advancing = 1, True
    stage.asked.clear()
    for _ in range(4):
        Livestream.objects.update(look_at=timezone.now())
        (lease,) = claims.claim_due("worker", limit=9)
        claims.carry_out(lease)
    assert Livestream.objects.get().state == State.LIVE
    assert stage.count("/jobs/") == 0
    assert RetiringJob.objects.count() == 1


def test_start_waits_for_the_job_before_on_its_gateway_and_says_why(livestream, stage):
    on_air(livestream, stage)
    domain.restart_live(livestream, user=livestream.meeting.owner)
    stage.broken["gateway"] = 500
    look(livestream, 2)
    assert stage.count("PUT /jobs/") == 0
    assert livestream.last_error == "gateway_failed"
    stage.broken.clear()
    look(livestream)
    assert stage.count("PUT /jobs/") == 1


def test_gateway_that_does_not_listen_is_asked_ever_more_seldom(livestream, stage):
    on_air(livestream, stage)
    domain.restart_live(livestream, user=livestream.meeting.owner)
    stage.broken["gateway"] = 500
    pauses = []
    for ago in (0, 60, 3600):
        now = timezone.now()
        RetiringJob.objects.update(since=now - timedelta(seconds=ago))
        retire()
        pauses.append(round((RetiringJob.objects.get().stop_at - now).total_seconds()))
    assert pauses == [2, 6, 20]


@SLOW
@pytest.mark.parametrize("kept", [True, False])
def test_stop_during_a_slow_start_leaves_no_bot_behind(livestream, stage, kept):
    """The gateway answers that it knows no such job, and it comes up all the same; the worker that started it may be dead."""
    start(livestream)
    livestream.refresh_from_db()

    def stop() -> None:
        domain.stop_live(Livestream.objects.select_related("meeting").get(), user=livestream.meeting.owner)
        if not kept:
            work()
            assert Livestream.objects.get().state == State.STOPPED
            retire()

    stage.during["PUT /jobs/"] = stop
    (lease,) = claims.claim_due("slow", limit=9)
    claims.carry_out(lease)
    assert stage.jobs == {str(livestream.job_id): "joining"}
    time_passes()
    work()
    assert stage.jobs == {str(livestream.job_id): "idle"}
    assert not RetiringJob.objects.exists()
    assert Livestream.objects.get().state == State.STOPPED


@SLOW
def test_start_that_may_still_come_is_stopped_until_it_can_not(livestream, stage):
    start(livestream)
    stage.broken["gateway"] = 500
    look(livestream)
    stage.broken.clear()
    domain.stop_live(livestream, user=livestream.meeting.owner)
    look(livestream)
    assert livestream.state == State.STOPPED
    job = str(livestream.job_id)
    for _ in range(3):
        retire()
        stage.jobs[job] = "joining"  # it comes up after all
    assert RetiringJob.objects.exists()
    time_passes()
    retire()
    assert stage.jobs == {job: "idle"}
    assert not RetiringJob.objects.exists()


@SLOW
@pytest.mark.parametrize("asked", ["delete", "uncheck"])
@pytest.mark.parametrize("ends", ["idle", "error"])
def test_removal_that_is_asked_during_a_slow_stop_is_not_forgotten(livestream, stage, asked, ends):
    opened(livestream)
    on_air(livestream, stage)
    domain.stop_live(livestream, user=livestream.meeting.owner)

    def remove() -> None:
        meeting = Meeting.objects.get()
        if asked == "delete":
            assert not deletion.delete(meeting, user=meeting.owner, tells_invited=False)
        else:
            save(livestream, is_webinar=False)
        if ends == "error":
            stage.broken["gateway"] = 500

    stage.during["DELETE /jobs/"] = remove
    for _ in range(6):
        work()
        stage.broken.clear()
        time_passes()
    assert not Livestream.objects.exists()
    assert Meeting.objects.exists() is (asked == "uncheck")
    assert stage.count("/end") == (1 if asked == "delete" else 0)


@SLOW
def test_stop_that_is_asked_while_a_live_is_watched_need_not_wait_for_slow_answers(livestream, stage):
    on_air(livestream, stage)
    Livestream.objects.update(look_at=timezone.now())

    def stop() -> None:
        domain.stop_live(Livestream.objects.select_related("meeting").get(), user=livestream.meeting.owner)
        (other,) = claims.claim_due("other", limit=9)
        claims.carry_out(other)
        assert Livestream.objects.get().state == State.STOPPED

    stage.during["getMeetingInfo"] = stop
    (lease,) = claims.claim_due("slow", limit=9)
    claims.carry_out(lease)
    assert Livestream.objects.get().state == State.STOPPED


def test_gateway_that_there_is_none_of_holds_up_nothing_for_ever(livestream, stage):
    on_air(livestream, stage)
    LiveGateway.objects.update(sipmediagw_url="nothing")
    domain.restart_live(livestream, user=livestream.meeting.owner)
    retire()
    assert RetiringJob.objects.exists()
    RetiringJob.objects.update(since=timezone.now() - 2 * retiring.CORRECTED_WITHIN)
    retire()
    assert not RetiringJob.objects.exists()
