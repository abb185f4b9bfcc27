"""`amphi web` as a process: the stream on a real database, between processes, and how it stops."""

import socket
import subprocess
import sys

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser

from amphi.audience import domain
from amphi.audience.models import Audience, Event
from amphi.webinars.models import Livestream, State
from tests import ports, services
from tests.audience import web_process
from tests.factories import make_user, make_webinar, put

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = web_process.PATIENCE_S


@pytest.fixture
def livestream(settings) -> Livestream:
    settings.USE_MEETING_WEBINAR = True
    found = make_webinar()
    put(found, State.LIVE)
    return found


def stream_url(web: web_process.Web, livestream: Livestream) -> str:
    ticket = domain.ticket_for(livestream.event, AnonymousUser())
    return f"{web.url}/live/{livestream.event_id}/events?ticket={ticket}"


def client() -> httpx.Client:
    return httpx.Client(timeout=PATIENCE_S, verify=False)  # noqa: S501 -- plain HTTP


def test_listeners_of_two_processes_hear_the_same(livestream, tmp_path):
    event = Event.objects.get(pk=livestream.event_id)
    with (
        web_process.running(ports.reserve(), tmp_path) as one,
        web_process.running(ports.reserve(), tmp_path) as two,
        client() as http,
        http.stream("GET", stream_url(one, livestream)) as first,
        http.stream("GET", stream_url(two, livestream)) as second,
    ):
        lines = [answer.iter_lines() for answer in (first, second)]
        for said in lines:
            assert any(line.startswith('data: {"seq":0,"state":"live"') for line in said)
        domain.write_message(event, user=make_user(), text="to all")
        domain.publish_chat_setting(event)
        for said in lines:
            heard = [next(line for line in said if line.startswith("id: ")) for _ in range(2)]
            assert heard == ["id: 1", "id: 2"]
        while sum(Audience.objects.values_list("viewers", flat=True)) < 2:
            assert next(lines[0]) is not None
        # Both are open: neither keeps its process from stopping.
        one.stop()
        two.stop()
    assert not Audience.objects.exists()


def test_stream_of_a_deleted_event_is_refused(livestream, tmp_path):
    with web_process.running(ports.reserve(), tmp_path) as web, client() as http:
        url = stream_url(web, livestream)
        livestream.event.delete()
        assert http.get(url).status_code == 403
        assert http.get(f"{web.url}/live/1/events").status_code == 403


def test_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "amphi", "web", "--http", f"127.0.0.1:{port}"],
            env=web_process.environment(port, tmp_path),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


PUBLISH_IN_THREADS = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from amphi.audience.domain import publish
from amphi.audience.models import StreamMessage
from tests.factories import make_webinar
event_id = make_webinar().event_id
def some(_):
    try:
        return [publish(event_id, "message", {}) for _ in range(10)]
    finally:
        connection.close()
with ThreadPoolExecutor(6) as pool:
    taken = sorted(seq for seqs in pool.map(some, range(6)) for seq in seqs)
rows = list(StreamMessage.objects.order_by("pk").values_list("seq", flat=True))
print(taken == list(range(1, 61)) and rows == taken)
"""


def test_publishers_on_sqlite_leave_no_gap(tmp_path):
    environment = services.environment(tmp_path, AMPHI_USE_MEETING_WEBINAR="1")
    services.migrate(environment)
    assert services.python(environment, "-c", PUBLISH_IN_THREADS).strip() == "True"
