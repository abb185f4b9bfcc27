"""SIPMediaGW's dialects A and B: launchers that answer exactly as the deployed versions do."""

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
    connect,
)
from tests.contract.sipmediagw_upstream import NO_ROOM, ROOM, RTMP, TOKEN, Launcher
from tests.wire import answer

REQUEST = StartRequest(job_id="41", room=ROOM, rtmp_url=RTMP, domain="pod.example.org/meeting/0012-x/9f3a")
JOB = JobRef(job_id="41", room=ROOM, remote_id=ROOM)
LAUNCHERS = [("A", "1.5"), ("B", "1.6"), ("B", "1.7")]


@pytest.fixture(params=LAUNCHERS, ids=[version for _, version in LAUNCHERS])
def launcher(request, serve):
    dialect, version = request.param
    upstream = Launcher(version)
    wire = serve(upstream)
    return upstream, connect(dialect, wire.url, TOKEN), wire


def test_launcher_start(launcher):
    upstream, gateway, wire = launcher
    started = gateway.start(REQUEST)
    assert (started.state, started.remote_id) == ("joining", ROOM)
    assert upstream.rooms[ROOM] == {"room": ROOM, "domain": REQUEST.domain, "rtmpDst": RTMP}
    assert (wire.requests[0].method, wire.requests[0].path) == ("GET", "/start")


def test_launcher_full_with_success_in_the_answer(launcher):
    upstream, gateway, _ = launcher
    upstream.rooms["other"] = {}
    with pytest.raises(GatewayFullError, match="No free resources found") as caught:
        gateway.start(REQUEST)
    assert (caught.value.code, caught.value.permanent) == ("gateway_full", False)


def test_launcher_that_is_slow_is_not_started_again(launcher):
    upstream, gateway, _ = launcher
    upstream.slow = True
    started = gateway.start(REQUEST)
    assert (started.state, started.reported, started.remote_id) == ("joining", False, ROOM)
    assert "The gateway failed to launch" in started.detail
    assert gateway.status(JOB).state == "on_air"
    assert upstream.made == [ROOM]


def test_launcher_stop(launcher):
    upstream, gateway, _ = launcher
    gateway.start(REQUEST)
    assert gateway.stop(JOB).state == "idle"
    assert upstream.rooms == {}


def test_launcher_stop_of_an_unknown_room_is_idle(launcher):
    _, gateway, _ = launcher
    assert gateway.stop(JOB).state == "idle"


@pytest.mark.parametrize(
    ("res", "state"),
    [
        (" Container gw0  Stopping", "stopping"),
        (" Container gw0  Stopping =>  Container gw0  Stopped", "idle"),
        ("", "idle"),
    ],
)
def test_launcher_that_is_still_stopping(serve, res, state):
    gateway = connect("B", serve(lambda _: answer({"status": "success", "details": {"res": res}})).url, TOKEN)
    assert gateway.stop(JOB).state == state


def test_launcher_chat(launcher):
    upstream, gateway, wire = launcher
    gateway.start(REQUEST)
    gateway.send_chat(JOB, "C'est où ? $(reboot)", "Zoé")
    assert upstream.messages == ["Zoé: C’est où ? 💲❨reboot❩"]
    assert wire.requests[-1].json().keys() == {"room", "msg"}


def test_launcher_chat_error_in_res(launcher):
    _, gateway, _ = launcher
    with pytest.raises(NotInMeetingError, match="Name or service not known"):
        gateway.send_chat(JOB, "x", "Zoé")
    with pytest.raises(NotInMeetingError):
        gateway.show_chat(JOB, shown=True)


def test_launcher_toggles_the_chat_only_when_needed(launcher):
    upstream, gateway, _ = launcher
    gateway.start(REQUEST)
    hidden, shown = JOB, JobRef(job_id="41", room=ROOM, chat_shown=True)
    assert gateway.show_chat(hidden, shown=False) is False
    assert gateway.show_chat(shown, shown=True) is True
    assert upstream.toggles == []
    assert gateway.show_chat(hidden, shown=True) is True
    assert gateway.show_chat(shown, shown=False) is False
    assert upstream.toggles == [ROOM, ROOM]


def test_launcher_with_a_wrong_token(launcher):
    _, gateway, wire = launcher
    stranger = connect(gateway.dialect, wire.url, "another")
    for call in (
        lambda: stranger.start(REQUEST),
        lambda: stranger.stop(JOB),
        lambda: stranger.show_chat(JOB, shown=True),
    ):
        with pytest.raises(GatewayUnauthorizedError) as caught:
            call()
        assert caught.value.permanent


@pytest.mark.parametrize("version", ["1.5", "1.6"])
def test_launcher_that_does_not_report(serve, version):
    status = connect("A" if version == "1.5" else "B", serve(Launcher(version)).url, TOKEN).status(JOB)
    assert (status.state, status.reported) == ("on_air", False)


def test_launcher_that_reports(serve):
    gateway = connect("B", serve(Launcher("1.7")).url, TOKEN)
    assert gateway.status(JOB).state == "idle"
    gateway.start(REQUEST)
    status = gateway.status(JOB)
    assert (status.state, status.reported) == ("on_air", True)


def test_launcher_whose_report_fails(serve):
    gateway = connect(
        "B", serve(lambda _: answer({"Error": "something wrong happened"}, "404 Not Found")).url, TOKEN
    )
    with pytest.raises(GatewayFailedError) as caught:
        gateway.status(JOB)
    assert caught.value.permanent is False


@pytest.mark.parametrize("dialect", ["A", "B"])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"res": "error", "type": "Something else"}), GatewayRefusedError),
        (answer({"status": "success", "details": {"res": "error"}}), GatewayRefusedError),
        (answer({"status": "success", "details": {}}), GatewayRefusedError),
        (answer({"status": "success"}), GatewayRefusedError),
        (answer({"status": "error", "details": "no"}), GatewayRefusedError),
        (answer(NO_ROOM), GatewayRefusedError),
        (answer(NO_ROOM, "400 Bad Request"), GatewayRefusedError),
        (answer({"Error": "authorization error"}), GatewayUnauthorizedError),
        (answer("authorization error"), GatewayUnauthorizedError),
        (answer({"Error": "Traceback"}, "500 Internal Server Error"), GatewayFailedError),
        (answer("internal server error", "500 Internal Server Error", "text/html"), GatewayFailedError),
        (answer({"hello": "world"}), NotAGatewayError),
    ],
)
def test_launcher_start_that_means_an_error(serve, dialect, reply, kind):
    with pytest.raises(GatewayError) as caught:
        connect(dialect, serve(lambda _: reply).url, TOKEN).start(REQUEST)
    assert type(caught.value) is kind
    assert "s3cret" not in str(caught.value)
