"""Both HTTP APIs over sockets, as far as no browser is needed."""

import socket
import subprocess
import sys

import httpx
import pytest

from amphi.gateway.cli import read_config
from amphi.system.environment import InvalidSettingError
from tests import ports

from .conftest import METRICS_TOKEN, TOKEN, GatewayProcess

JOB = {
    "join_url": "http://127.0.0.1:9/meeting",
    "rtmp_url": "rtmp://127.0.0.1:9/live/x",
    "room": "r",
    "show_chat": False,
}
B_401 = {
    "/start": {"Error": "authorization error", "status": "error", "details": "authorization error"},
    "/stop": {"Error": "authorization error", "status": "error", "details": "authorization error"},
    "/chat": {"Error": "authorization error", "res": "error: authorization error"},
    "/progress": {"Error": "authorization error"},
}


@pytest.fixture(scope="module")
def gateway():
    process = GatewayProcess(warm=0)
    yield process
    assert process.close() == 0


@pytest.fixture(scope="module")
def anybody(gateway):
    """A client without the token. A new one for each request would read the certificate authorities each time."""
    with httpx.Client(base_url=gateway.client.base_url, timeout=60) as client:
        yield client


def test_healthz_needs_no_token(anybody):
    answer = anybody.get("/healthz")
    assert answer.json() == {"ok": True, "jobs": 0, "max_jobs": 2, "version": "0.1.0"}


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic Zm9vOmJhcg==", f"Bearer {TOKEN}x", "é"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs"),
        ("GET", "/jobs/a"),
        ("PUT", "/jobs/a"),
        ("DELETE", "/jobs/a"),
        ("POST", "/jobs/a/chat"),
        ("PUT", "/jobs/a/chat-panel"),
        ("PUT", "/jobs/a/layout"),
        ("GET", "/start"),
        ("GET", "/stop"),
        ("GET", "/chat"),
        ("POST", "/chat"),
        ("GET", "/progress"),
        ("GET", "/metrics"),
        ("GET", "/unknown"),
    ],
)
def test_every_route_needs_the_token(anybody, method, path, header):
    headers = {} if header is None else {"Authorization": header.encode()}
    answer = anybody.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    if path in B_401:
        assert answer.json() == B_401[path]
    else:
        assert answer.json()["error"] == "unauthorized"


def test_token_of_the_figures_opens_nothing_else(anybody):
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    answer = anybody.get("/metrics", headers=headers)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "amphi_gateway_places 2.0\n" in answer.text
    assert anybody.get("/jobs", headers=headers).status_code == 401


def test_bare_token_passes(anybody):
    answer = anybody.get("/jobs", headers={"Authorization": TOKEN})
    assert answer.json() == {"jobs": [], "max_jobs": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"join_url": "file:///etc/passwd"},
        {"join_url": None},
        {"rtmp_url": "http://127.0.0.1/"},
        {"rtmp_url": "/out.flv"},
        {"room": 5},
        {"show_chat": "yes"},
        {"layout": "mosaic"},
        {"layout": ["slides"]},
    ],
)
def test_bad_job(gateway, change):
    answer = gateway.client.put("/jobs/a", json=JOB | change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b" " * 70_000 + b"{}"])
def test_bad_body(gateway, body):
    answer = gateway.client.put("/jobs/a", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/a"),
        ("DELETE", "/jobs/a"),
        ("POST", "/jobs/a/chat"),
        ("PUT", "/jobs/a/chat-panel"),
        ("PUT", "/jobs/a/layout"),
    ],
)
def test_unknown_job(gateway, method, path):
    answer = gateway.client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_job")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/start", 400, {"Error": "a room name must be specified"}),
        (
            "/start?room=UP&domain=a&rtmpDst=rtmp://a/b",
            400,
            {"Error": "a room name is 1 to 58 of a-z 0-9 _ -"},
        ),
        (
            "/start?room=r&rtmpDst=rtmp://a/b",
            400,
            {"Error": "a domain must be specified: HOST[:PORT][/PATH]"},
        ),
        (
            "/start?room=r&domain=a@b&rtmpDst=rtmp://a/b",
            400,
            {"Error": "a domain must be specified: HOST[:PORT][/PATH]"},
        ),
        ("/start?room=r&domain=a", 400, {"Error": "rtmp_url must be an address of rtmp or rtmps"}),
        ("/stop?room=zzz", 400, {"Error": "no running container for room=zzz"}),
        ("/stop", 400, {"Error": "a room name must be specified"}),
        ("/chat?room=zzz&toggle=True", 400, {"Error": "no running container"}),
        ("/progress?room=zzz", 200, {"status": "success", "gw_state": "down"}),
    ],
)
def test_dialect_b_errors(gateway, path, status, body):
    answer = gateway.client.get(path)
    assert answer.status_code == status
    assert answer.json().items() >= body.items()


PROXY = {
    "AMPHI_GATEWAY_TOKEN": TOKEN,
    "AMPHI_GATEWAY_JOIN_PREFIX": "https://amphi.univ.fr/g",
    "AMPHI_GATEWAY_PROXY_URL": "http://127.0.0.1:9",
    "AMPHI_GATEWAY_PROXY_TOKEN": TOKEN,
    "AMPHI_GATEWAY_PROXY_ID": "a",
}


def run_gateway(environment):
    command = [sys.executable, "-m", "amphi", "gateway"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_taken_port_is_named():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        ended = run_gateway({"AMPHI_GATEWAY_TOKEN": TOKEN, "AMPHI_GATEWAY_HTTP": address, "PATH": "/usr/bin"})
    assert (ended.returncode, ended.stderr) == (
        1,
        f"amphi gateway: can't listen on {address}: Address already in use\n",
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "AMPHI_GATEWAY_TOKEN: must be set"),
        ({"AMPHI_GATEWAY_TOKEN": TOKEN, "AMPHI_GATEWAY_CHROMIUM": "/no/browser"}, "/no/browser"),
        ({"AMPHI_GATEWAY_TOKEN": TOKEN, "AMPHI_GATEWAY_FFMPEG": "/no/ffmpeg"}, "/no/ffmpeg"),
    ],
)
def test_wrong_setting_stops_it(environment, said):
    ended = run_gateway(
        {"AMPHI_GATEWAY_HTTP": f"127.0.0.1:{ports.reserve()}", "PATH": "/usr/bin", **environment}
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert TOKEN not in ended.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AMPHI_GATEWAY_FPS": "many"}, "AMPHI_GATEWAY_FPS: must be a whole number"),
        (
            {"AMPHI_GATEWAY_JOIN_PREFIX": "http://amphi.univ.fr/g"},
            "AMPHI_GATEWAY_JOIN_PREFIX: must begin with https://",
        ),
        ({"AMPHI_GATEWAY_PROXY_ID": "a"}, "AMPHI_GATEWAY_PROXY_URL: must be set"),
        (
            PROXY | {"AMPHI_GATEWAY_PROXY_ID": "a,b,c"},
            "AMPHI_GATEWAY_PROXY_ID: must hold different names, at most one for each place",
        ),
        (PROXY | {"AMPHI_GATEWAY_PROXY_ID": "a:b"}, "AMPHI_GATEWAY_PROXY_ID: a gateway is named by"),
        (PROXY | {"AMPHI_GATEWAY_HTTP": "0.0.0.0:8002"}, "AMPHI_GATEWAY_PROXY_ADDRESS: must say where"),
    ],
)
def test_wrong_setting_is_told_by_its_name(monkeypatch, environment, said):
    for name, value in {"AMPHI_GATEWAY_TOKEN": TOKEN, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingError) as refused:
        read_config([])
    assert str(refused.value).startswith(said)
    assert TOKEN not in str(refused.value)
