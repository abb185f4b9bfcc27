"""Driven as Esup-Pod drives a SIPMediaGW, over HTTPS, through a join page."""

import ssl
import subprocess

import pytest

from .conftest import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def https_meeting(meeting, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    meeting.server.socket = context.wrap_socket(
        meeting.server.socket, server_side=True, do_handshake_on_connect=False
    )
    return meeting


def test_room_from_start_to_stop(make_gateway, https_meeting, rtmp):
    https_meeting.state = "joined"
    gateway = make_gateway(chromium_arguments="--ignore-certificate-errors")
    domain = f"localhost:{https_meeting.server.server_port}/form/0012-talk/abcdef"
    start = {"room": "room-0123456789", "domain": domain, "rtmpDst": rtmp.url("pod")}
    for _ in range(2):
        assert gateway.client.get("/start", params=start).json() == {
            "status": "success",
            "details": {"res": "ok", "app": "streaming", "uri": rtmp.url("pod")},
        }
    room = {"room": "room-0123456789"}
    wait_for(lambda: gateway.client.get("/progress", params=room).json()["job_state"] == "on_air")
    assert https_meeting.joins == [{"name": ["streaming"]}]
    assert gateway.client.get("/progress", params=room).json() == {
        "status": "success",
        "job_state": "on_air",
        "reason": "",
    }
    assert gateway.client.get("/chat", params=room | {"toggle": "True"}).json() == {"res": "ok"}
    wait_for(lambda: https_meeting.chat_shown is True)
    assert gateway.client.post("/chat", json=room | {"msg": "(Ada Lovelace) $(id)"}).json() == {"res": "ok"}
    wait_for(lambda: https_meeting.chat == ["(Ada Lovelace) $(id)"])
    stopped = gateway.client.get("/stop", params=room)
    assert (stopped.status_code, stopped.json()["status"]) == (200, "success")
    wait_for(lambda: gateway.client.get("/progress", params=room).json().get("gw_state") == "down")
    assert len(rtmp.recordings()) == 1
