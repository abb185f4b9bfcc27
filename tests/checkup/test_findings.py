"""Each check of another server: what it finds well, and what it says where something is wrong."""

import socket
import threading
import time
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from amphi.checkup import broadcasters, cli, clock, live_gateways, meeting_server
from amphi.checkup.broadcasters import Source
from amphi.checkup.live_gateways import GatewayService
from amphi.system import tickets
from amphi.system.outbound import Answer, Caller
from tests.checkup.findings import NOBODY, brief, only
from tests.wire import WireServer, answer

TOKEN = "token"


# --- BigBlueButton


@pytest.fixture
def bbb(settings, stage):
    settings.BBB_API_URL = stage.url + "/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"
    settings.BBB_CA_FILE = ""
    return stage


def test_meeting_server_that_is_well(bbb):
    first, second = brief(meeting_server.check_meeting_server())
    assert first == ("OK", "version 3.0.4, our secret is right, 0 meetings now.")
    assert second[0] == "OK"


def test_meeting_server_without_webhooks(bbb):
    bbb.has_hooks = False
    assert [level for level, _ in brief(meeting_server.check_meeting_server())] == ["OK", "WARN"]


@pytest.mark.parametrize(("how", "advice"), [(500, "BBB_API_URL"), ("html", "BBB_API_URL")])
def test_meeting_server_that_is_something_else(bbb, how, advice):
    bbb.broken["bbb"] = how
    level, sentence = only(meeting_server.check_meeting_server())
    assert level == "FAIL"
    assert advice in sentence


def test_meeting_server_that_is_not_there(settings):
    settings.BBB_API_URL, settings.BBB_SECRET_KEY, settings.BBB_CA_FILE = NOBODY, "secret", ""
    level, sentence = only(meeting_server.check_meeting_server())
    assert level == "FAIL"
    assert "can’t be reached" in sentence


def test_meeting_server_with_another_secret(settings):
    refused = "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey><message>no</message></response>"
    version = "<response><returncode>SUCCESS</returncode><bbbVersion>2.7.1</bbbVersion></response>"

    def script(request):
        return answer(version if request.path.endswith("/api/") else refused, content_type="text/xml")

    with WireServer(script) as server:
        settings.BBB_API_URL, settings.BBB_SECRET_KEY, settings.BBB_CA_FILE = server.url, "wrong", ""
        level, sentence = only(meeting_server.check_meeting_server())
    assert level == "FAIL"
    assert "bbb-conf --secret" in sentence
    assert "wrong" not in sentence


def test_no_meeting_server(settings):
    settings.BBB_API_URL = ""
    assert only(meeting_server.check_meeting_server())[0] == "FAIL"
    settings.USE_MEETING_WEBINAR = False
    assert only(meeting_server.check_meeting_server())[0] == "WARN"


# --- gateways


def ours(request):
    if request.path == "/healthz":
        return answer({"ok": True, "jobs": 1, "max_jobs": 2, "version": "1"})
    if request.headers.get("authorization") != "Bearer token":
        return answer({"error": "unauthorized"}, "401 Unauthorized")
    return answer({"jobs": [{"state": "on_air"}, {"state": "idle"}], "max_jobs": 2})


def dialect_d(request):
    if request.path == "/start":
        return answer({"detail": "Method Not Allowed"}, "405 Method Not Allowed")
    return answer({"detail": "Not Found"}, "404 Not Found")


def service(url: str, token: str = TOKEN, dialect: str = "auto") -> GatewayService:
    return GatewayService(url=url, token=token, dialect=dialect, ca_file="")


@pytest.mark.parametrize(
    ("script", "dialect", "name", "places"),
    [
        (ours, "amphi", "amphi gateway", "1 of 2 places are free"),
        (ours, "B", "amphi gateway", "1 of 2 places are free"),
        (dialect_d, "auto", "SIPMediaGW 1.8", "it does not tell how many places it has"),
    ],
)
def test_gateway_that_is_well(script, dialect, name, places):
    with WireServer(script) as server:
        found = only(live_gateways.check_gateway(service(server.url, dialect=dialect)))
    assert found == ("OK", f"{name}, our token is right; {places}.")


def test_gateway_of_another_kind():
    with WireServer(dialect_d) as server:
        level, sentence = only(live_gateways.check_gateway(service(server.url, dialect="amphi")))
    assert level == "FAIL"
    assert "SIPMediaGW 1.8" in sentence


def test_gateway_with_another_token():
    with WireServer(ours) as server:
        level, sentence = only(live_gateways.check_gateway(service(server.url, token="a-wrong-one")))
    assert level == "FAIL"
    assert "refuses our token" in sentence
    assert "a-wrong-one" not in sentence


@pytest.mark.parametrize("url", ["", NOBODY, "https://user@gateway.univ.fr"])
def test_gateway_that_can_t_be_asked(url):
    assert only(live_gateways.check_gateway(service(url)))[0] == "FAIL"


def test_gateway_that_is_a_web_site():
    with WireServer(lambda _: answer("<html>", content_type="text/html")) as server:
        assert "no gateway" in only(live_gateways.check_gateway(service(server.url)))[1]


def rtmp_server(first_byte: bytes) -> int:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1537)
                connection.sendall(first_byte + bytes(1536))
                # The peer may hang up without reading on.
                connection.settimeout(5)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


@pytest.mark.parametrize(("first_byte", "level"), [(b"\x03", "OK"), (b"H", "FAIL")])
def test_rtmp(first_byte, level):
    port = rtmp_server(first_byte)
    [found] = live_gateways.check_rtmp(f"rtmp://127.0.0.1:{port}/live/name?key=top-secret")
    assert found.level == level
    assert "top-secret" not in found.line()


def test_rtmp_on_the_second_address_of_a_host(monkeypatch):
    port = rtmp_server(b"\x03")
    addresses = {"addresses_of": lambda *_, **__: ["127.0.0.2", "127.0.0.1"]}
    monkeypatch.setattr(live_gateways, "name_lookup", SimpleNamespace(**addresses))
    assert only(live_gateways.check_rtmp(f"rtmp://live.example:{port}/live/name"))[0] == "OK"


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("rtmp://127.0.0.1:9/live/name", "WARN"),
        ("rtmp://127.0.0.1:9/name", "FAIL"),
        ("http://127.0.0.1/live/name", "FAIL"),
        ("rtmp://127.0.0.1:999999/live/name", "FAIL"),
        ("name", "FAIL"),
    ],
)
def test_rtmp_that_does_not_answer(url, level):
    assert only(live_gateways.check_rtmp(url))[0] == level


# --- broadcasters

KEY = "k" * 32


def live_server(status: str = "404 Not Found", *, key: str = "", open_to: str = "*"):
    """Answers `status`; with a key, to those who hold a ticket of it, and 403 to others.

    Pages of `open_to` may read it.
    """

    def script(request):
        if key:
            parts = request.path.split("/")
            try:
                tickets.verify(key.encode(), parts[2], now=time.time())
            except tickets.InvalidTicketError:
                return answer("no", "403 Forbidden")
        return answer("#EXTM3U", status, access_control_allow_origin=open_to)

    return script


def source(url: str, *, has_tickets: bool = False) -> Source:
    return Source("Amphi A", f"{url}/hls/a.m3u8", "a", has_tickets)


@pytest.mark.parametrize(
    ("script", "has_tickets", "level", "words"),
    [
        (live_server(), False, "OK", "nothing is on the air"),
        (live_server("200 OK"), False, "OK", "on the air"),
        (live_server("200 OK", open_to="http://amphi.example.org"), False, "OK", "on the air"),
        (
            live_server("200 OK", open_to="http://tv.example.org"),
            False,
            "FAIL",
            "Access-Control-Allow-Origin",
        ),
        (live_server("200 OK", open_to=""), False, "FAIL", "Access-Control-Allow-Origin"),
        (live_server("500 Oops"), False, "FAIL", "HTTP status 500"),
        (live_server(key=KEY), False, "FAIL", "Tick"),
        (live_server(key=KEY), True, "OK", "nothing is on the air"),
        (live_server("200 OK", key=KEY), True, "OK", "on the air"),
        (live_server(), True, "FAIL", "open to anybody"),
        (live_server(key="another key"), True, "FAIL", "refuses our tickets"),
    ],
)
def test_broadcaster(settings, script, has_tickets, level, words):
    settings.AMPHI_TICKET_KEY = KEY
    settings.AMPHI_URL = "http://amphi.example.org"
    with WireServer(script) as server:
        found = only(broadcasters.check_broadcaster(source(server.url, has_tickets=has_tickets)))
    assert found[0] == level
    assert words in found[1]


def test_broadcaster_with_tickets_and_no_key(settings):
    settings.AMPHI_TICKET_KEY = ""
    with WireServer(live_server()) as server:
        assert only(broadcasters.check_broadcaster(source(server.url, has_tickets=True)))[0] == "FAIL"


def test_broadcaster_that_is_not_there():
    assert "does not answer" in only(broadcasters.check_broadcaster(source(NOBODY)))[1]


def test_broadcaster_of_mixed_content(settings):
    settings.AMPHI_URL = "https://amphi.univ.fr"
    assert "browsers refuse it" in only(broadcasters.check_broadcaster(source(NOBODY)))[1]


# --- clocks


@pytest.mark.parametrize(
    ("ahead_s", "expected_s"), [(0, 0), (-0.9, 0), (0.4, 0), (30, 30), (-30, -29), (3600, 3600)]
)
def test_skew(ahead_s, expected_s):
    now = 1_800_000_000.0
    reply = Answer(200, {"date": formatdate(now + ahead_s, usegmt=True)}, b"")
    skew = clock.skew_s(reply, asked_at=now, answered_at=now + 0.2)
    assert skew == pytest.approx(expected_s, abs=1)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_skew_without_a_date(date):
    assert clock.skew_s(Answer(200, {"date": date}, b""), asked_at=0, answered_at=0) is None


@pytest.mark.parametrize(("ahead_s", "level", "words"), [(20, "WARN", "ahead of"), (-3600, "FAIL", "behind")])
def test_clock_that_is_wrong(ahead_s, level, words):
    with WireServer(lambda _: answer("", Date=formatdate(time.time() + ahead_s, usegmt=True))) as server:
        found = only(clock.clock_of("gateway", "x", server.url, Caller(timeout_s=5)))
    assert found[0] == level
    assert words in found[1]


def test_database_that_hangs_holds_up_no_check_of_others(monkeypatch, settings):
    settings.AMPHI_URL = NOBODY
    monkeypatch.setattr("amphi.system.health.database_answers_within", lambda _seconds: False)
    found = {one.check: one for one in cli.look()}  # this test may read no database
    assert found["database"].level == "FAIL"
    assert "can’t be reached" in found["database"].sentence
    assert found["web"].level == "FAIL"
    assert "worker" not in found
