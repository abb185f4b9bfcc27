"""A gateway that is slow, broken or something else entirely, on a real socket; the same for every dialect."""

import itertools
import logging
import time

import pytest

from amphi.sipmediagw import (
    GatewayError,
    GatewayFailedError,
    GatewayMisconfiguredError,
    GatewayTimeoutError,
    GatewayUnauthorizedError,
    GatewayUnreachableError,
    JobRef,
    NotAGatewayError,
    StartRequest,
    UnsafeRoomNameError,
    connect,
    exceptions,
)
from amphi.sipmediagw.transport import base_url
from tests.waiting import PATIENCE_S
from tests.wire import answer

TOKEN = "t0ken-of-the-gateway"
REQUEST = StartRequest(
    job_id="41",
    room="amphi-3f9k2m",
    rtmp_url="rtmp://o/live/x?key=k3y",
    join_url="https://b/join",
    domain="a/m/1",
)
JOB = JobRef(job_id="41", room="amphi-3f9k2m", remote_id="gw3")
DIALECTS = ["amphi", "A", "B", "D"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("reply", "kind", "permanent"),
    [
        pytest.param(
            answer("<html>welcome to nginx</html>", content_type="text/html"),
            NotAGatewayError,
            True,
            id="html",
        ),
        pytest.param(
            answer("<html>not found</html>", "404 Not Found", "text/html"),
            NotAGatewayError,
            True,
            id="html-404",
        ),
        pytest.param(answer(""), NotAGatewayError, True, id="empty"),
        pytest.param(
            answer("[1, 2]", content_type="application/json"), NotAGatewayError, True, id="json-list"
        ),
        pytest.param(answer({}), NotAGatewayError, True, id="json-empty"),
        pytest.param(answer('{"res": "o'), NotAGatewayError, True, id="json-cut"),
        pytest.param(answer("[" * 100_000), NotAGatewayError, True, id="json-deep"),
        pytest.param(answer("", "302 Found", Location="https://sso/"), NotAGatewayError, True, id="redirect"),
        pytest.param(answer("<html/>", "502 Bad Gateway", "text/html"), GatewayFailedError, False, id="502"),
        pytest.param(answer("internal server error", "500 Oops"), GatewayFailedError, False, id="500"),
        pytest.param(answer({"detail": "x"}, "500 Oops"), GatewayFailedError, False, id="500-json"),
        pytest.param(
            answer("authorization error", "401 Unauthorized"), GatewayUnauthorizedError, True, id="401"
        ),
        pytest.param(b"220 smtp.example.org ESMTP\r\n\r\n", NotAGatewayError, True, id="not-http"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", GatewayUnreachableError, False, id="breaks-off"
        ),
        pytest.param(b"", GatewayUnreachableError, False, id="hangs-up"),
    ],
)
def test_start_of_something_else_is_a_distinct_error(serve, dialect, reply, kind, permanent):
    with pytest.raises(GatewayError) as caught:
        connect(dialect, serve(lambda _: reply).url, TOKEN).start(REQUEST)
    assert type(caught.value) is kind
    assert caught.value.permanent is permanent
    assert TOKEN not in str(caught.value)
    assert "k3y" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_silent_gateway(serve, dialect):
    wire = serve(lambda _: wire.silence())
    gateway = connect(dialect, wire.url, TOKEN, timeout_s=0.3, slow_timeout_s=0.3)
    for call in (lambda: gateway.start(REQUEST), lambda: gateway.stop(JOB), lambda: gateway.status(JOB)):
        with pytest.raises(GatewayTimeoutError) as caught:
            call()
        assert caught.value.permanent is False


@pytest.mark.parametrize("dialect", ["A", "B", "D"])
def test_upstream_has_longer_for_what_it_does_slowly(serve, dialect):
    def script(request):
        if request.path == "/status":
            return answer({"status": "success", "data": {"gw_state": "working"}})
        return wire.drip(iter([b"", *[bytes([byte]) for byte in done[:4]], done[4:]]), pause_s=0.35)

    done = answer({"status": "success", "details": {"res": "ok"}, "data": {"gw_id": "gw3"}})
    wire = serve(script)
    gateway = connect(dialect, wire.url, TOKEN, timeout_s=1.5)
    assert gateway.start(REQUEST).state == "joining"
    assert gateway.stop(JOB).state == "idle"


def test_dripping_gateway_is_left_at_the_deadline(serve):
    wire = serve(lambda _: wire.drip(itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], itertools.repeat(b"x"))))
    began = time.monotonic()
    with pytest.raises(GatewayTimeoutError):
        connect("B", wire.url, TOKEN, slow_timeout_s=0.5).start(REQUEST)
    assert time.monotonic() - began < PATIENCE_S


@pytest.mark.parametrize("dialect", [*DIALECTS, "auto"])
def test_nobody_listens(free_port, dialect):
    with pytest.raises(GatewayUnreachableError):
        connect(dialect, f"http://127.0.0.1:{free_port}", TOKEN).start(REQUEST)


def test_token_is_sent_and_never_told(serve, caplog):
    caplog.set_level(logging.DEBUG)
    wire = serve(lambda _: answer({"Error": f"bad {TOKEN} in rtmp"}, "400 Bad Request"))
    gateway = connect("B", wire.url, TOKEN)
    with pytest.raises(GatewayError) as caught:
        gateway.start(REQUEST)
    assert wire.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in f"{caught.value} {gateway!r} {gateway._transport!r} {REQUEST!r}" + caplog.text
    assert "k3y" not in repr(REQUEST) + caplog.text


@pytest.mark.parametrize("dialect", ["A", "B", "D"])
@pytest.mark.parametrize(
    "room", ["", "a b c d e", "$(id)-x", "é-room", "a" * 101, "room;x", "room\n", "../../x.y"]
)
def test_room_names_that_upstream_could_misread_are_never_sent(serve, dialect, room):
    wire = serve(lambda _: answer({}))
    with pytest.raises(UnsafeRoomNameError):
        connect(dialect, wire.url, TOKEN).start(StartRequest(job_id="1", room=room, rtmp_url="rtmp://o/x"))
    assert wire.requests == []


@pytest.mark.parametrize("room", ["Upper", "-leads", "_leads", "a/b"])
def test_room_names_that_compose_would_change(room):
    gateway = connect("B", "http://127.0.0.1:9", TOKEN)
    with pytest.raises(UnsafeRoomNameError):
        gateway.start(StartRequest(job_id="1", room=room, rtmp_url="x"))
    for call in (gateway.stop, gateway.status):
        with pytest.raises(UnsafeRoomNameError):
            call(JobRef(job_id="1", room=room))


def test_every_error_has_a_code_and_a_sentence_of_its_own():
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, GatewayError)
    ]
    assert len({kind.code for kind in kinds}) == len({kind.sentence for kind in kinds}) == len(kinds)
    assert all(kind.sentence.endswith(".") and isinstance(kind.permanent, bool) for kind in kinds)


@pytest.mark.parametrize("url", ["gw:8080", "ftp://gw", "https://u:p@gw", "https://gw/?token=1", ""])
def test_base_url_refuses(url):
    with pytest.raises(GatewayMisconfiguredError, match="gateway"):
        base_url(url)


def test_connect_refuses_an_unknown_dialect():
    with pytest.raises(GatewayMisconfiguredError, match="dialect"):
        connect("C", "http://127.0.0.1:9", TOKEN)
