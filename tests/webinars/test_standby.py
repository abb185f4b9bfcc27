"""The second gateway of a live: joins with the first, is kept, leaves with it, and is nobody's guest in lists, counts and chat."""

import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from amphi.sipmediagw import (
    GatewayFullError,
    GatewayMisconfiguredError,
    GatewayTimeoutError,
    GatewayUnreachableError,
    JobStatus,
)
from amphi.webinars import domain, rebooking, removal
from amphi.webinars.models import LiveGateway, Livestream, Removal, StandbyJob, State
from amphi.worker import gateways, standby
from tests.factories import make_gateway, make_user, make_webinar
from tests.webinars.looking import look, on_air, start
from tests.webinars.stage import open_stage
from tests.webinars.test_participation import notes

NOW = timezone.now()
ROW = {"job_id": uuid.uuid4(), "look_at": NOW}
RUNNING = {"is_wanted": True, "must_wait": False}
OVER = {"is_wanted": False, "must_wait": False}


def decided(answer, *, is_wanted: bool, must_wait: bool, **columns) -> standby.Next:
    row = StandbyJob(**ROW | columns)
    return standby.decide(row, answer, NOW, is_wanted=is_wanted, must_wait=must_wait)


@pytest.mark.parametrize(
    ("answer", "columns", "how", "starts", "look_in"),
    [
        (JobStatus("unknown"), {}, RUNNING, True, standby.EVERY),
        (JobStatus("idle", "removed"), {}, RUNNING, True, standby.EVERY),
        (JobStatus("idle", "meeting_ended"), {}, RUNNING, False, standby.EVERY),
        (JobStatus("unknown"), {}, RUNNING | {"must_wait": True}, False, standby.EVERY),
        (
            JobStatus("unknown"),
            {"may_start_until": NOW + timedelta(seconds=1)},
            RUNNING,
            False,
            standby.EVERY,
        ),
        (JobStatus("unknown"), {"may_start_until": NOW - timedelta(seconds=1)}, RUNNING, True, standby.EVERY),
        (JobStatus("on_air"), {}, RUNNING, False, standby.EVERY),
        (GatewayUnreachableError("gone"), {}, RUNNING, False, standby.EVERY),
        (JobStatus("stopping"), {}, OVER, False, standby.STOPPING),
        (JobStatus("idle"), {}, OVER, False, None),
        (JobStatus("unknown"), {}, OVER, False, None),
        (JobStatus("unknown"), {"may_start_until": NOW + timedelta(seconds=1)}, OVER, False, standby.EVERY),
        (GatewayUnreachableError("gone"), {}, OVER, False, standby.EVERY),
        (GatewayMisconfiguredError("no host"), {}, OVER, False, None),
        (JobStatus("stopping"), {"is_replaced": True}, OVER, False, standby.STOPPING),
        (JobStatus("idle"), {"is_replaced": True}, OVER, False, standby.AT_ONCE),
    ],
)
def test_decision(answer, columns, how, starts, look_in):
    found = decided(answer, **how, **columns)
    assert (found.starts, found.look_in) == (starts, look_in)


def test_job_that_ended_is_followed_by_another_and_one_that_is_forgotten_by_itself():
    assert "job_id" in decided(JobStatus("idle", "page_crashed"), **RUNNING).columns
    assert "job_id" not in decided(JobStatus("unknown"), **RUNNING).columns
    replaced = decided(JobStatus("idle"), **OVER, is_replaced=True).columns
    assert replaced["job_id"] != ROW["job_id"]
    assert replaced["is_replaced"] is False


@pytest.mark.parametrize(
    ("answer", "may_come"),
    [
        (JobStatus("joining"), False),
        (GatewayFullError("full"), False),
        (None, False),
        (GatewayTimeoutError("slow"), True),
    ],
)
def test_start_whose_answer_did_not_come_may_still_take_effect(answer, may_come):
    assert ("may_start_until" not in standby.decide_start(answer).columns) is may_come


@pytest.fixture
def second():
    stage, server = open_stage()
    yield stage
    server.shutdown()
    server.server_close()


@pytest.fixture
def pair(livestream, second) -> Livestream:
    """A webinar whose live gateway has a second one."""
    LiveGateway.objects.update(standby_url=second.url, standby_token="other")
    livestream.refresh_from_db()
    return livestream


def tend(times: int = 1) -> None:
    """Do as the worker's lane does, with all that is due at some time."""
    for _ in range(times):
        StandbyJob.objects.update(look_at=timezone.now())
        for lease in standby.claim_due(limit=9):
            standby.look(lease)


def time_passes() -> None:
    StandbyJob.objects.exclude(may_start_until=None).update(may_start_until=timezone.now())


def test_both_join_and_both_leave(pair, stage, second):
    on_air(pair, stage)
    tend(2)
    (job,) = second.jobs
    assert (second.jobs, str(StandbyJob.objects.get().job_id)) == ({job: "joining"}, job)
    assert job != str(pair.job_id)
    domain.stop_live(pair, user=pair.meeting.owner)
    look(pair, 3)
    tend()
    assert second.jobs == {job: "idle"}
    assert not StandbyJob.objects.exists()
    assert pair.state == State.STOPPED


def test_without_an_address_there_is_no_second_gateway(livestream, stage):
    on_air(livestream, stage)
    assert not StandbyJob.objects.exists()


def test_second_gateway_is_another_user_and_publishes_as_standby(pair):
    first = gateways.start_request(pair, show_chat=False)
    found = gateways.standby_request(pair, "job", show_chat=False)
    assert found.rtmp_url == first.rtmp_url + "&standby=1"
    users = [parse_qs(urlsplit(one.join_url).query)["userID"][0] for one in (first, found)]
    assert set(users) == gateways.streaming_user_ids(pair.meeting)


def test_one_that_is_started_again_has_its_job_again_and_one_whose_job_ended_another(pair, stage, second):
    on_air(pair, stage)
    tend()
    before = set(second.jobs)
    second.jobs.clear()
    tend(2)
    assert set(second.jobs) == before
    for job in before:
        second.jobs[job] = "idle"
    tend(2)
    assert sorted(second.jobs.values()) == ["idle", "joining"]


def test_live_begins_and_ends_without_the_second_gateway(pair, stage, second):
    second.broken["gateway"] = 500
    on_air(pair, stage)
    tend(3)
    assert (pair.state, pair.last_error) == (State.LIVE, "")
    domain.stop_live(pair, user=pair.meeting.owner)
    look(pair, 3)
    assert pair.state == State.STOPPED
    tend(2)
    assert StandbyJob.objects.get().last_error == "gateway_failed"
    second.broken.clear()
    tend(6)
    time_passes()
    tend(2)
    assert not StandbyJob.objects.exists()
    assert "joining" not in second.jobs.values()


@pytest.mark.django_db(transaction=True)
def test_stop_during_a_start_leaves_no_bot_behind(pair, stage, second):
    on_air(pair, stage)

    def stop() -> None:
        domain.stop_live(Livestream.objects.select_related("meeting").get(), user=pair.meeting.owner)

    second.during["PUT /jobs/"] = stop
    tend()
    assert list(second.jobs.values()) == ["joining"]
    tend(2)
    assert list(second.jobs.values()) == ["idle"]
    assert not StandbyJob.objects.exists()


def test_restart_is_of_both(pair, stage, second):
    on_air(pair, stage)
    tend()
    (before,) = second.jobs
    domain.restart_live(pair, user=pair.meeting.owner)
    tend(3)
    assert second.jobs.pop(before) == "idle"
    assert list(second.jobs.values()) == ["joining"]


def test_second_gateway_of_another_webinar_is_waited_for(pair, stage, second):
    on_air(pair, stage)
    tend()
    other = make_webinar(gateway=make_gateway("elsewhere"))
    other.start_asked_at = timezone.now()
    waiting = StandbyJob(livestream=other, gateway=pair.gateway)
    assert standby._must_wait(waiting)
    assert not standby._must_wait(StandbyJob.objects.get())
    StandbyJob.objects.all().delete()
    assert not standby._must_wait(waiting)


def test_live_that_moves_to_another_gateway_leaves_the_second_of_the_first(pair, stage, second):
    on_air(pair, stage)
    tend()
    third, server = open_stage()
    make_gateway("other", sipmediagw_url=stage.url, standby_url=third.url, standby_token="t")
    assert rebooking.replace_gateway(pair, reason="gateway_failed")
    tend(3)
    assert list(second.jobs.values()) == ["idle"]
    assert list(third.jobs.values()) == ["joining"]
    server.shutdown()
    server.server_close()


def test_webinar_is_not_removed_while_its_second_gateway_films(pair, stage, second):
    on_air(pair, stage)
    tend()
    pair.refresh_from_db()
    domain.stop_live(pair, user=pair.meeting.owner)
    look(pair, 3)
    assert pair.state == State.STOPPED
    assert removal.must_stop_first(pair, Removal.UNCHECK)
    tend(2)
    assert not removal.must_stop_first(pair, Removal.UNCHECK)


def test_neither_gateway_is_counted_as_a_person(pair, stage):
    stage.people = {
        "guest-Ada": "Ada",
        **dict.fromkeys(gateways.streaming_user_ids(pair.meeting), "streaming"),
    }
    on_air(pair, stage)
    assert pair.participants == 1


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("on_air", "", "A second gateway is ready to take over."),
        ("joining", "", "A second gateway is joining the meeting."),
        ("", "gateway_full", "No second gateway is free. The live goes on with one."),
        (
            "",
            "gateway_unreachable",
            "The second gateway is not available at the moment. The live goes on with one.",
        ),
    ],
)
def test_panel_says_how_the_second_gateway_is(client, pair, state, error, told):
    start(pair)
    StandbyJob.objects.update(state=state, last_error=error)
    client.force_login(pair.meeting.owner)
    assert notes(client, pair)["standby"]["text"] == told


@pytest.mark.parametrize("address", ["", "https://third.example.org"])
def test_address_of_a_second_gateway_that_is_used_stays(client, pair, address):
    start(pair)
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    page = f"/admin/webinars/livegateway/{pair.gateway_id}/change/"
    form = client.get(page).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    data |= {"standby_url": address, "standby_token": "t"}
    assert client.post(page, data).context["errors"]
    assert LiveGateway.objects.get().standby_url != address
    StandbyJob.objects.all().delete()
    assert client.post(page, data).status_code == 302
    assert LiveGateway.objects.get().standby_url == address
