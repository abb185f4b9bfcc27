"""SIPMediaGW's dialects A, B and D: servers that answer exactly as the deployed versions do, their lies included."""

from collections.abc import Callable, Iterator

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
    detect,
)
from tests.wire import Request, WireServer, answer

TOKEN = "t0ken"
RTMP = "rtmp://origin.example.org/live/amphi-41?key=s3cret&x=1"
ROOM = "amphi-3f9k2m"
REQUEST = StartRequest(job_id="41", room=ROOM, rtmp_url=RTMP, domain="pod.example.org/meeting/0012-x/9f3a")
JOB = JobRef(job_id="41", room=ROOM, remote_id=ROOM)
UNAUTHORIZED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
NO_ROOM = {"Error": "a room name must be specified"}


@pytest.fixture
def serve() -> Iterator[Callable[..., WireServer]]:
    servers = []

    def start(script) -> WireServer:
        servers.append(WireServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Launcher:
    """The launcher of v1.5 (A), v1.6 or v1.7 (B): one gateway a place, answers byte for byte as upstream's."""

    def __init__(self, version: str, places: int = 1) -> None:
        self.version = version
        self.places = places
        self.rooms: dict[str, dict[str, str]] = {}
        self.toggles: list[str] = []
        self.messages: list[str] = []

    def __call__(self, request: Request) -> bytes:
        without_token = request.method == "POST" and self.version != "1.5"
        if not without_token and request.headers.get("authorization", "").removeprefix("Bearer ") != TOKEN:
            body = "authorization error" if self.version == "1.5" else '{"Error": "authorization error"}'
            return answer(body, "401 Unauthorized", **UNAUTHORIZED)
        routes = {"/start": self.start, "/stop": self.stop, "/chat": self.chat}
        if self.version == "1.7":
            routes["/progress"] = self.progress
        route = routes.get(request.path)
        return route(request) if route else answer("not found", "404 Not Found", "text/html")

    def error(self, body: dict[str, str]) -> bytes:
        return answer(body, "200 OK" if self.version == "1.5" else "400 Bad Request")

    def result(self, details: dict[str, str]) -> bytes:
        return answer(details if self.version == "1.5" else {"status": "success", "details": details})

    def start(self, request: Request) -> bytes:
        room = request.query.get("room", "0")
        if room == "0":
            return self.error(NO_ROOM)
        if len(self.rooms) >= self.places:
            return self.result({"res": "error", "type": "No free resources found"})
        self.rooms[room] = request.query
        return self.result({"res": "ok", "app": "streaming", "uri": ""})

    def stop(self, request: Request) -> bytes:
        room = request.query.get("room", "0")
        if room == "0":
            return self.error(NO_ROOM)
        if self.rooms.pop(room, None) is None and self.version == "1.7":
            return self.error({"Error": f"no running container for room={room}"})
        return self.result(
            {"res": " Container gw0  Stopping =>  Container gw0  Stopped =>  Container gw0  Removed"}
        )

    def chat(self, request: Request) -> bytes:
        if request.method == "POST":
            body = request.json()
            self.messages.append(body["msg"])
            room = body["room"]
        else:
            room = request.query["room"]
            if "toggle" not in request.query:
                return self.error({"Error": "toggle parameter is expected"})
            self.toggles.append(room)
        if room not in self.rooms:
            return answer({"res": "nc: getaddrinfo: Name or service not known"})
        return answer({"res": "ok"})

    def progress(self, request: Request) -> bytes:
        state = {} if request.query["room"] in self.rooms else {"gw_state": "down"}
        return answer({"status": "success", **state})


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


class Proxy:
    """The proxy of v1.8 (D) in front of gateways that each have a state and a room."""

    def __init__(self, gateways: dict[str, dict[str, str | None]]) -> None:
        self.gateways = gateways
        self.commands: list[dict] = []
        self.stopped: list[str] = []

    def __call__(self, request: Request) -> bytes:
        methods = {
            "/start": "POST",
            "/stop": "POST",
            "/command": "POST",
            "/status": "GET",
            "/progress": "GET",
        }
        if request.path not in methods:
            return answer({"detail": "Not Found"}, "404 Not Found")
        if request.method != methods[request.path]:
            return answer(
                {"detail": "Method Not Allowed"}, "405 Method Not Allowed", allow=methods[request.path]
            )
        if request.method == "POST" and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer({"error": "authorization error invalid_token "}, "401 Unauthorized", **UNAUTHORIZED)
        return getattr(self, request.path.strip("/"))(request)

    def error(self, status: str, detail: str) -> bytes:
        return answer(
            {"status": "error", "error": {"code": int(status[:3]), "detail": detail}, "data": None}, status
        )

    def start(self, request: Request) -> bytes:
        body = request.json()
        for name in ("browsing", "room", "main_app"):
            if not body.get(name):
                return self.error("400 Bad Request", f"Missing '{name}' parameter")
        free = next((name for name, one in self.gateways.items() if one["gw_state"] == "started"), None)
        if free is None:
            return self.error("503 Service Unavailable", "No available gateways")
        self.gateways[free] = {"gw_state": "working", "room": body["room"], "browsing": body["browsing"]}
        return answer(
            {"status": "success", "error": None, "data": {"processing_state": "working", "gw_id": free}}
        )

    def stop(self, request: Request) -> bytes:
        gw_id = request.json().get("gw_id")
        if not gw_id:
            return self.error("400 Bad Request", "Missing 'gw_id' parameter")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"No mapping found for gateway '{gw_id}'")
        self.stopped.append(gw_id)
        self.gateways[gw_id] = {"gw_state": "stopped", "room": None}
        return answer(
            {"status": "success", "error": None, "data": {"processing_state": "stopping", "gw_id": gw_id}}
        )

    def status(self, request: Request) -> bytes:
        gw_id = request.query.get("gw_id")
        if room := request.query.get("room"):
            gw_id = next((name for name, one in self.gateways.items() if one["room"] == room), None)
            if gw_id is None:
                return self.error("404 Not Found", f"No gateway found for room '{room}'")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"Gateway '{gw_id}' not found")
        data = {"gw_id": gw_id, "browsing": None, "media_duration": None, "transcript_progress": None}
        return answer({"status": "success", "data": data | self.gateways[gw_id]})

    progress = status

    def command(self, request: Request) -> bytes:
        body = request.json()
        gw_id = body.get("gw_id")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"Gateway '{gw_id}' not found")
        if self.gateways[gw_id]["gw_state"] != "working":
            return self.error("403 Forbidden", "Gateway not in working state")
        self.commands.append(body["payload"])
        return answer({"status": "success", "error": None, "data": {"res": "ok"}})


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


@pytest.mark.parametrize(
    ("upstream", "dialect"),
    [(Launcher("1.5"), "A"), (Launcher("1.6"), "B"), (Launcher("1.7"), "B"), (Proxy({}), "D")],
    ids=["1.5", "1.6", "1.7", "1.8"],
)
def test_detect_starts_nothing(serve, upstream, dialect):
    wire = serve(upstream)
    assert detect(wire.url, TOKEN) == dialect
    assert connect("auto", wire.url, TOKEN).dialect == dialect
    assert getattr(upstream, "rooms", {}) == {}


@pytest.mark.parametrize("version", ["1.5", "1.6", "1.7"])
def test_detect_with_a_wrong_token(serve, version):
    with pytest.raises(GatewayUnauthorizedError):
        detect(serve(Launcher(version)).url, "another")


@pytest.mark.parametrize(
    "reply",
    [
        answer("<html>It works!</html>", content_type="text/html"),
        answer({"detail": "Not Found"}, "404 Not Found"),
        answer({"ok": True}),
        answer("", "301 Moved Permanently", Location="https://elsewhere/"),
    ],
    ids=["html", "fastapi", "json", "redirect"],
)
def test_detect_of_something_else(serve, reply):
    with pytest.raises(NotAGatewayError):
        detect(serve(lambda _: reply).url, TOKEN)
