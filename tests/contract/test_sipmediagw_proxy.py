"""SIPMediaGW's dialect D: a proxy that answers exactly as v1.8's does."""

import pytest

from amphi.sipmediagw import (
    GatewayError,
    GatewayFailedError,
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    JobRef,
    NotAGatewayError,
    NotInMeetingError,
    StartRequest,
    UnknownRoomError,
    UnsupportedError,
    connect,
)
from tests.contract.sipmediagw_upstream import ROOM, RTMP, TOKEN, Proxy
from tests.wire import answer

REQUEST = StartRequest(job_id="41", room=ROOM, rtmp_url=RTMP, domain="pod.example.org/meeting/0012-x/9f3a")
D_JOB = JobRef(job_id="41", room=ROOM, remote_id="gw0")


@pytest.fixture
def proxy(serve):
    upstream = Proxy({"gw0": {"gw_state": "started", "room": None}})
    wire = serve(upstream)
    return upstream, connect("D", wire.url, TOKEN), wire


def test_proxy_start(proxy):
    _, gateway, wire = proxy
    started = gateway.start(REQUEST)
    assert (started.state, started.remote_id) == ("joining", "gw0")
    assert wire.requests[0].json() == {
        "room": ROOM,
        "browsing": "bigbluebutton",
        "browsing_name": "bigbluebutton",
        "main_app": "streaming",
        "rtmp_dst": RTMP,
    }


def test_proxy_full(proxy):
    upstream, gateway, _ = proxy
    upstream.gateways["gw0"]["gw_state"] = "working"
    with pytest.raises(GatewayFullError, match="No available gateways"):
        gateway.start(REQUEST)


def test_proxy_whose_gateway_answers_oddly_is_not_full(proxy):
    upstream, gateway, _ = proxy
    upstream.odd = True
    with pytest.raises(GatewayFailedError, match="Faild to parse Gateway Json response") as caught:
        gateway.start(REQUEST)
    assert (caught.value.code, caught.value.permanent) == ("gateway_failed", False)


def test_proxy_keeps_a_stopped_place_until_it_looks(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    gateway.stop(D_JOB)
    with pytest.raises(GatewayFullError, match="No available gateways"):
        gateway.start(REQUEST)
    upstream.gateways["gw0"]["gw_state"] = "started"  # every thirty seconds it asks its gateways
    assert gateway.start(REQUEST).state == "joining"


def test_proxy_status_through_a_stream(proxy):
    _, gateway, _ = proxy
    assert gateway.status(D_JOB).state == "idle"
    gateway.start(REQUEST)
    assert gateway.status(D_JOB).state == "on_air"
    assert gateway.stop(D_JOB).state == "idle"
    assert gateway.status(D_JOB).state == "idle"


def test_proxy_that_forgets_the_room(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    upstream.gateways["gw0"]["room"] = None
    assert gateway.status(D_JOB).state == "on_air"
    assert gateway.status(JobRef(job_id="41", room=ROOM)).state == "unknown"


def test_proxy_status_by_room_before_an_id_is_known(proxy):
    _, gateway, _ = proxy
    gateway.start(REQUEST)
    status = gateway.status(JobRef(job_id="41", room=ROOM))
    assert (status.state, status.remote_id) == ("on_air", "gw0")


def test_proxy_status_of_an_unknown_gateway(proxy):
    _, gateway, _ = proxy
    status = gateway.status(JobRef(job_id="41", room=ROOM, remote_id="gw9"))
    assert (status.state, status.reason) == ("unknown", "no_such_job")


def test_proxy_that_gave_our_gateway_to_another_webinar(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    upstream.gateways["gw0"]["room"] = "another-webinar"
    assert gateway.status(D_JOB).state == "unknown"
    assert gateway.stop(D_JOB).state == "idle"
    assert upstream.stopped == []


def test_proxy_that_calls_a_live_gateway_free(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    upstream.gateways["gw0"] = {"gw_state": "started", "room": None}
    assert gateway.stop(D_JOB).state == "idle"
    assert upstream.stopped == ["gw0"]


@pytest.mark.parametrize(
    ("state", "seen"), [("created", "idle"), ("started", "on_air"), ("stopped", "idle"), ("deleted", "idle")]
)
def test_proxy_of_the_newest_era(serve, state, seen):
    """It says "started" of a gateway that runs, and tells itself by reporting calls."""
    upstream = Proxy({"gw0": {"gw_state": state, "room": None, "call_started": None, "peer_uri": None}})
    assert connect("D", serve(upstream).url, TOKEN).status(D_JOB).state == seen


def test_proxy_stop_is_harmless_twice_and_without_an_id(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    for _ in range(2):
        assert gateway.stop(D_JOB).state == "idle"
    assert gateway.stop(JobRef(job_id="41", room=ROOM)).state == "idle"
    upstream.gateways.clear()
    assert gateway.stop(D_JOB).state == "idle"


def test_proxy_chat_is_inert(proxy):
    upstream, gateway, _ = proxy
    gateway.start(REQUEST)
    gateway.send_chat(D_JOB, 'l\'été `id` $(id); "x"', "Zoé & Cie")
    assert upstream.commands == [{"command": "sendChat", "param1": "Zoé ⅋ Cie: l’été ˋidˋ 💲❨id❩⁏ ”x”"}]


def test_proxy_chat_when_not_working(proxy):
    _, gateway, _ = proxy
    with pytest.raises(NotInMeetingError) as caught:
        gateway.send_chat(D_JOB, "x", "y")
    assert caught.value.permanent is False


@pytest.mark.parametrize("remote_id", ["", "gw9"])
def test_proxy_chat_to_an_unknown_gateway(proxy, remote_id):
    _, gateway, _ = proxy
    with pytest.raises(UnknownRoomError):
        gateway.send_chat(JobRef(job_id="41", room=ROOM, remote_id=remote_id), "x", "y")


def test_proxy_cannot_show_the_chat(proxy):
    _, gateway, _ = proxy
    with pytest.raises(UnsupportedError):
        gateway.show_chat(D_JOB, shown=True)


def test_proxy_with_a_wrong_token(proxy):
    _, _, wire = proxy
    with pytest.raises(GatewayUnauthorizedError):
        connect("D", wire.url, "another").start(REQUEST)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (
            answer(
                {"status": "error", "error": {"code": 400, "detail": "Missing 'room' parameter"}},
                "400 Bad Request",
            ),
            GatewayRefusedError,
        ),
        (
            answer({"status": "error", "error": "Invalid input", "message": []}, "422 Unprocessable Entity"),
            GatewayRefusedError,
        ),
        (answer({"status": "error", "error": "no", "data": None}), GatewayRefusedError),
        (answer({"status": "success", "data": {"res": "error", "type": "No"}}), GatewayRefusedError),
        (answer({"status": "success", "data": {"processing_state": "working"}}), NotAGatewayError),
        (answer({"status": "success"}), NotAGatewayError),
        (answer("Internal Server Error", "500 Internal Server Error"), GatewayFailedError),
        (
            answer(
                {"status": "error", "error": {"code": 504, "detail": "Gateway timeout"}},
                "504 Gateway Timeout",
            ),
            GatewayFailedError,
        ),
    ],
)
def test_proxy_start_that_means_an_error(serve, reply, kind):
    with pytest.raises(GatewayError) as caught:
        connect("D", serve(lambda _: reply).url, TOKEN).start(REQUEST)
    assert type(caught.value) is kind
