"""What Prometheus reads of the web server and the worker, as literal text, and who may."""

import logging
import socket
from types import SimpleNamespace

import httpx
import pytest
from django.utils import timezone

from amphi.audience import reception
from amphi.audience.channel import Channel, Reading, Row, take, tally
from amphi.bigbluebutton import MeetingNotFoundError
from amphi.outbox import domain, signing
from amphi.outbox.models import Endpoint, Kind
from amphi.system import calls, metrics
from amphi.webinars.models import State, WorkerPulse
from amphi.worker import measures
from amphi.worker.main import Lane
from tests.factories import make_gateway, make_webinar, put
from tests.services import TOP
from tests.waiting import PATIENCE_S

TOKEN = "read-me"
PLATFORM = """\
# HELP amphi_lives Lives by state.
# TYPE amphi_lives gauge
amphi_lives{state="live"} 1.0
amphi_lives{state="recovering"} 0.0
amphi_lives{state="starting"} 0.0
amphi_lives{state="stopping"} 0.0
amphi_lives{state="failed"} 0.0
# HELP amphi_gateways Live gateways.
# TYPE amphi_gateways gauge
amphi_gateways 2.0
# HELP amphi_gateways_busy Live gateways that carry a live.
# TYPE amphi_gateways_busy gauge
amphi_gateways_busy 1.0
# HELP amphi_listeners Listeners who have the page of a live open.
# TYPE amphi_listeners gauge
amphi_listeners 0.0
# HELP amphi_workers Workers heard of within a minute.
# TYPE amphi_workers gauge
amphi_workers 1.0
# HELP amphi_waiting What waits to be done, by its queue.
# TYPE amphi_waiting gauge
amphi_waiting{queue="looks"} 0.0
amphi_waiting{queue="retiring_jobs"} 0.0
amphi_waiting{queue="mails"} 0.0
amphi_waiting{queue="messages"} 0.0
amphi_waiting{queue="webhooks"} 1.0
# HELP amphi_overdue_seconds How long the first in a queue has waited beyond its time.
# TYPE amphi_overdue_seconds gauge
amphi_overdue_seconds{queue="looks"} 0.0
amphi_overdue_seconds{queue="retiring_jobs"} 0.0
amphi_overdue_seconds{queue="mails"} 0.0
amphi_overdue_seconds{queue="messages"} 0.0
amphi_overdue_seconds{queue="webhooks"} 0.0
# HELP amphi_player_reports Reports of players within the last minutes.
# TYPE amphi_player_reports gauge
amphi_player_reports 4.0
# HELP amphi_player_delay_seconds How far players are behind the newest picture.
# TYPE amphi_player_delay_seconds gauge
amphi_player_delay_seconds{quantile="0.5"} 0.75
amphi_player_delay_seconds{quantile="0.95"} 0.97
# HELP amphi_player_stalled_ratio Share of the time in which pictures stood still.
# TYPE amphi_player_stalled_ratio gauge
amphi_player_stalled_ratio 0.25
# HELP amphi_streams Event streams that this process carries.
# TYPE amphi_streams gauge
"""
KINDS = ("gauge", "counter", "histogram")


def names(text: str) -> set[str]:
    """The families in a text, without those of the process."""
    said = [line.split() for line in text.splitlines() if line.startswith("# TYPE ")]
    assert {one[3] for one in said} <= set(KINDS)
    return {one[2] for one in said if one[2].startswith("amphi_")}


def read(client):
    return client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def platform(settings, db, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_METRICS_TOKEN = TOKEN
    now = timezone.now()
    monkeypatch.setattr("amphi.worker.figures.timezone", SimpleNamespace(now=lambda: now))
    return now


def test_figures_are_told_to_who_knows_the_token(client, platform):
    make_gateway()
    live = make_webinar(gateway=make_gateway())
    put(live, State.LIVE)
    WorkerPulse.objects.create(name="w", seen_at=platform)
    endpoint = Endpoint.objects.create(name="SI", url="https://si.univ.fr", secret=signing.new_secret())
    domain.tell(Kind.LIVE, dict)
    endpoint.deliveries.update(attempt_at=platform)
    sums = {reception.REPORTS: 4, reception.WATCHED_MS: 90_000, reception.STALLED_MS: 30_000}
    reception.write("p", live.event_id, sums | {f"{reception.DELAY}1": 4}, timezone.now())
    answer = read(client)
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.content.decode().startswith(PLATFORM)
    assert names(answer.content.decode()) >= {"amphi_page_seconds", "amphi_calls_total", "amphi_call_seconds"}
    assert "process_cpu_seconds_total" in answer.content.decode()
    page = (TOP / "docs" / "monitoring.md").read_text()
    assert {name for name in names(answer.content.decode()) if f"`{name}" not in page} == set()


@pytest.mark.parametrize("many", [1, 3])
def test_as_many_queries_whatever_there_is(client, platform, many, django_assert_num_queries):
    for number in range(many):
        live = make_webinar(gateway=make_gateway())
        put(live, State.LIVE)
        reception.write(f"p{number}", live.event_id, {reception.REPORTS: 1}, timezone.now())
    with django_assert_num_queries(11):
        text = read(client).content.decode()
    assert f'amphi_lives{{state="live"}} {many}.0' in text
    assert f"amphi_player_reports {many}.0" in text


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer read-m", "Basic read-me", "Bearer é"])
def test_figures_are_not_told_to_others(client, settings, header):
    settings.AMPHI_METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_without_a_token_there_are_no_figures(client, settings):
    settings.AMPHI_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    ("given", "token", "status"),
    [
        ("", "", 404),
        ("Bearer ", "", 404),
        ("", "t", 401),
        ("Bearer ", "t", 401),
        ("Bearer tt", "t", 401),
        ("bearer t", "t", 401),
        ("Bearer t", "t", 200),
    ],
)
def test_who_may_read(given, token, status):
    assert metrics.status_for(given, token) == status


def test_process_is_told_by_the_usual_names():
    said = metrics.text(metrics.PROCESS).decode()
    found = dict(line.rsplit(" ", 1) for line in said.splitlines() if not line.startswith("#"))
    assert list(found) == [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_open_fds",
        "process_max_fds",
    ]
    assert all(float(value) > 0 for value in found.values())


# --- calls


def value(metric, suffix, *labels):
    """One number of a metric, by the values of its labels."""
    return next(
        (
            sample.value
            for family in metric.collect()
            for sample in family.samples
            if sample.name.endswith(suffix) and tuple(sample.labels.values())[: len(labels)] == labels
        ),
        0,
    )


def test_calls_are_counted_by_how_they_end():
    with calls.Timed("a_system", "end"):
        pass
    with pytest.raises(MeetingNotFoundError), calls.Timed("a_system", "end"):
        raise MeetingNotFoundError("end", "notFound", "no such meeting")
    assert value(calls.CALLS, "_total", "a_system", "end", "ok") == 1
    assert value(calls.CALLS, "_total", "a_system", "end", "meeting_not_found") == 1
    assert value(calls.SECONDS, "_count", "a_system") == 2


# --- event streams


def test_messages_are_counted_as_often_as_they_are_written():
    rows = [Row(number, "chat", "{}") for number in (1, 2, 3)]
    channel = Channel(7, Reading(3, rows, {}), backlog=8)
    before = tally.messages
    for cursor in (0, 2, 3):
        take(SimpleNamespace(cursor=cursor), channel)
    assert tally.messages == before + 4


# --- the worker


def test_work_is_counted_by_its_kind():
    def do(work: str) -> None:
        if work == "bad":
            raise ValueError(work)

    def claim(_free: int) -> list[str]:
        return [waiting.pop()] if waiting else []

    waiting = ["bad", "good"]
    lane = Lane("a_kind", 1, claim=claim, do=do)
    assert value(measures.THREADS, "", "a_kind") == 1
    assert value(measures.WORK, "_total", "a_kind", "done") == 0
    logging.getLogger("amphi.worker").disabled = True
    try:
        for _ in range(2):
            lane.take()
            lane._pool.submit(lambda: None).result(PATIENCE_S)
    finally:
        logging.getLogger("amphi.worker").disabled = False
    assert value(measures.WORK, "_total", "a_kind", "done") == 1
    assert value(measures.WORK, "_total", "a_kind", "failed") == 1
    assert value(measures.SECONDS, "_count", "a_kind") == 2
    assert value(measures.IN_HAND, "", "a_kind") == 0


def test_worker_tells_who_knows_the_token(free_port, caplog):
    stop = measures.serve(("127.0.0.1", free_port), TOKEN)
    url = f"http://127.0.0.1:{free_port}"
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert {"amphi_work_total", "amphi_work_in_hand", "amphi_calls_total"} <= names(answer.text)
        assert client.get("/metrics").status_code == 401
        assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
        assert client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
    measures.serve(("127.0.0.1", free_port), TOKEN)()
    stop()
    assert "nobody can read this worker's figures" in caplog.text


def test_worker_without_a_token_listens_nowhere(free_port):
    measures.serve(("127.0.0.1", free_port), "")()
    with socket.create_server(("127.0.0.1", free_port)):
        pass
