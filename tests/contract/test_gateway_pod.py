"""Our gateway with requests exactly as Esup-Pod 4.1 sends them: every error that needs no meeting. What does is in tests/gateway."""

import json

import pytest

from tests.contract.pod import Pod, send
from tests.gateway.conftest import TOKEN, GatewayProcess

ROOM = "0f9e8d7c6b"
DOMAIN = "pod.univ.fr/meeting/0012-webinaire-du-29-mars-2024/3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd/"
RTMP = "rtmp://live.univ.fr/live/salle-1"


@pytest.fixture(scope="module")
def gateway():
    process = GatewayProcess(warm=0, pod_chat=1)
    yield process
    assert process.close() == 0


@pytest.fixture
def pod(gateway):
    return Pod(gateway.port, TOKEN)


@pytest.mark.parametrize(
    ("domain", "room", "rtmp_url", "said"),
    [
        (DOMAIN, "", RTMP, "a room name must be specified"),
        (DOMAIN, "A room", RTMP, "a room name is 1 to 58 of a-z 0-9 _ -"),
        ("", ROOM, RTMP, "a domain must be specified: HOST[:PORT][/PATH]"),
        ("user@pod.univ.fr/", ROOM, RTMP, "a domain must be specified: HOST[:PORT][/PATH]"),
        (DOMAIN, ROOM, "", "rtmp_url must be an address of rtmp or rtmps"),
        (DOMAIN, ROOM, "file:///etc/passwd", "rtmp_url must be an address of rtmp or rtmps"),
    ],
)
def test_start_that_is_wrong(pod, domain, room, rtmp_url, said):
    assert pod.start(domain, room, rtmp_url) == (400, said)


def test_stop_of_a_room_that_does_not_run(pod):
    assert pod.stop(ROOM) == (400, f"no running container for room={ROOM}")
    assert pod.stop("") == (400, "a room name must be specified")


def test_toggle_of_a_room_that_does_not_run(pod):
    assert pod.toggle(ROOM) == (400, "error: no running container")


def test_wrong_token_is_read_as_an_error(gateway):
    stranger = Pod(gateway.port, "another")
    assert stranger.start(DOMAIN, ROOM, RTMP) == (401, "authorization error")
    assert stranger.stop(ROOM) == (401, "authorization error")
    assert stranger.toggle(ROOM) == (401, "error: authorization error")


@pytest.mark.parametrize("room", [ROOM, "okok-a-room-whose-name-is-ok"])
def test_message_to_a_room_that_is_not_on_air(pod, room):
    assert pod.chat(room, "(Ada Lovelace) Bonjour") == (409, "error: this room is not on air")


@pytest.mark.parametrize("message", ["", " \u202e\n", "x" * 501])
def test_message_that_is_none(pod, message):
    assert pod.chat(ROOM, message) == (400, "error: message missing or not readable")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"room": 5}', b'{"room": "a", "msg": 5}', b"\xff" * 70_000])
def test_message_that_cant_be_read(gateway, body):
    head = f"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    status, raw = send(gateway.port, head.encode() + body)
    said = json.loads(raw)["res"]
    assert (status, said.startswith("error: "), "ok" in said) == (400, True, False)


def test_message_with_a_wrong_token_is_no_message_without_one(gateway):
    for given in ("Bearer another", "Bearer", ""):
        answer = gateway.client.post(
            "/chat", json={"room": ROOM, "msg": "x"}, headers={"Authorization": given}
        )
        assert (answer.status_code, answer.json()["res"]) == (401, "error: authorization error")


def test_no_other_route_is_open_without_a_token(gateway):
    for method, path in [
        ("GET", "/chat"),
        ("GET", "/start"),
        ("POST", "/gateway/command"),
        ("POST", "/jobs/a/chat"),
    ]:
        status, _ = send(
            gateway.port, f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert status == 401, path
