"""Our client of gateways against `amphi gateway`, in its own dialect and as SIPMediaGW, over sockets."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from amphi.sipmediagw import (
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    JobRef,
    NotInMeetingError,
    StartRequest,
    UnknownRoomError,
    connect,
    detect,
)
from tests import ports
from tests.waiting import answers, wait_for

TOKEN = "a-token-of-the-tests"
PATIENCE_S = 60.0


@pytest.fixture
def silent_meeting() -> Iterator[str]:
    """The address of a page that never comes, so that a job that goes there stays on its way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/join"


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    """A gateway with one place."""
    port = ports.reserve()
    log = tmp_path_factory.mktemp("gateway") / "log"
    environment = {
        **os.environ,
        "AMPHI_GATEWAY_TOKEN": TOKEN,
        "AMPHI_GATEWAY_CHROMIUM_ARGUMENTS": "--no-sandbox",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    arguments = ["--http", f"127.0.0.1:{port}", "--max-jobs", "1", "--warm", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "amphi", "gateway", *arguments], env=environment, stderr=output
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: process.poll() is not None or answers(f"{address}/healthz"), "the gateway")
        assert process.poll() is None, log.read_text()
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_detect(url):
    assert detect(url, TOKEN) == "amphi"
    with pytest.raises(GatewayUnauthorizedError):
        detect(url, "another")


@pytest.mark.parametrize("dialect", ["amphi", "B"])
def test_wrong_token(url, dialect):
    gateway = connect(dialect, url, "another")
    request = StartRequest(
        job_id="1",
        room="amphi-1",
        rtmp_url="rtmp://127.0.0.1/live/x",
        join_url="http://127.0.0.1/",
        domain="a/b",
    )
    job = JobRef(job_id="1", room="amphi-1")
    for call in (
        lambda: gateway.start(request),
        lambda: gateway.stop(job),
        lambda: gateway.status(job),
        lambda: gateway.send_chat(job, "x", "y"),
        lambda: gateway.show_chat(job, shown=True),
    ):
        with pytest.raises(GatewayUnauthorizedError):
            call()


def test_unknown_job(url):
    gateway = connect("amphi", url, TOKEN)
    job = JobRef(job_id="nobody", room="amphi-nobody")
    assert gateway.status(job).state == "unknown"
    assert gateway.stop(job).state == "idle"
    with pytest.raises(UnknownRoomError):
        gateway.send_chat(job, "x", "y")
    with pytest.raises(UnknownRoomError):
        gateway.show_chat(job, shown=True)


def test_unknown_room_as_sipmediagw(url):
    gateway = connect("B", url, TOKEN)
    job = JobRef(job_id="nobody", room="amphi-nobody")
    assert gateway.status(job).state == "idle"
    assert gateway.stop(job).state == "idle"
    with pytest.raises(UnknownRoomError):
        gateway.send_chat(job, "x", "y")


@pytest.mark.browser
def test_life_of_a_job(url, silent_meeting):
    gateway = connect("amphi", url, TOKEN)
    request = StartRequest(
        job_id="life-1",
        room="amphi-life",
        rtmp_url="rtmp://127.0.0.1:9/live/x?key=k",
        join_url=silent_meeting,
    )
    job = JobRef(job_id="life-1", room="amphi-life")
    assert gateway.start(request).state == "joining"
    assert gateway.start(request).state == "joining"
    assert gateway.status(job).state == "joining"
    with pytest.raises(GatewayRefusedError):
        gateway.start(replace(request, rtmp_url="rtmp://127.0.0.1:9/live/y"))
    with pytest.raises(NotInMeetingError):
        gateway.send_chat(job, "x", "y")
    with pytest.raises(GatewayFullError) as full:
        gateway.start(replace(request, job_id="life-2"))
    assert full.value.retry_after_s
    with pytest.raises(GatewayFullError):
        connect("B", url, TOKEN).start(replace(request, domain="127.0.0.1/meeting/1/k"))
    assert gateway.stop(job).state in {"stopping", "idle"}
    wait_for(lambda: gateway.status(job).state == "idle", "the end of the job")
    assert gateway.status(job).reason == "stopped"
    assert gateway.stop(job).state == "idle"
