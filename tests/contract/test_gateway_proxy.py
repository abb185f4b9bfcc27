"""Our gateway with requests exactly as the proxy of SIPMediaGW 1.8 sends them. What needs a meeting is in tests/gateway."""

import httpx
import pytest

from tests.contract.proxy_of_sipmediagw import Proxy
from tests.gateway.conftest import TOKEN, GatewayProcess, wait_for

PROXY_TOKEN = "a-token-of-the-proxy"
START = {
    "room": "webinar-12-0f9e8d7c6b",
    "gw_id": "amphi0",
    "main_app": "streaming",
    "rtmp_dst": "rtmp://127.0.0.1:9/live/x",
}


@pytest.fixture(scope="module")
def proxy():
    server = Proxy(PROXY_TOKEN)
    yield server
    server.close()


@pytest.fixture(scope="module")
def gateway(proxy):
    """A gateway with one place, which it registered."""
    process = GatewayProcess(
        warm=0,
        max_jobs=1,
        join_prefix="https://127.0.0.1:9/g/",
        proxy_url=proxy.url,
        proxy_token=PROXY_TOKEN,
        proxy_id="amphi0",
        proxy_every_s=1,
        chromium_arguments="--no-sandbox",
    )
    wait_for(lambda: proxy.registrations)
    yield process
    assert process.close() == 0
    assert proxy.gateways == {}
    assert PROXY_TOKEN not in "".join(process.log)


@pytest.fixture(scope="module")
def anybody(gateway):
    """A client without the token. A new one for each request would read the certificate authorities each time."""
    with httpx.Client(base_url=gateway.client.base_url, timeout=60) as client:
        yield client


def error(code, detail):
    return {"status": "error", "error": {"code": code, "detail": detail}, "data": None}


def invalid(*loc, kind, said):
    return {
        "status": "error",
        "error": "Invalid input",
        "message": [{"type": kind, "loc": list(loc), "msg": said}],
    }


def test_registration_says_where_the_gateway_is(gateway, proxy):
    assert proxy.registrations[0] == {
        "gw_ip": f"127.0.0.1:{gateway.port}",
        "gw_id": "amphi0",
        "gw_type": "media",
        "pairing_code": "",
        "pairing_timeout": 1,
    }


def test_registration_is_repeated_and_the_monitor_keeps_it(gateway, proxy):
    before = len(proxy.registrations)
    proxy.monitor()
    assert proxy.gateways["amphi0"]["state"] == "started"
    wait_for(lambda: len(proxy.registrations) > before)
    proxy.gateways.clear()  # a proxy that was restarted
    wait_for(lambda: "amphi0" in proxy.gateways)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer another", f"Bearer {TOKEN}x", "é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gateway/start"),
        ("POST", "/gateway/stop"),
        ("GET", "/gateway/status?gw_id=amphi0"),
        ("POST", "/gateway/command"),
    ],
)
def test_every_route_needs_a_token(anybody, method, path, header):
    headers = {} if header is None else {"Authorization": header.encode()}
    answer = anybody.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, error(401, "authorization error"))
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_proxys_token_opens_its_routes_alone(gateway, anybody):
    headers = {"Authorization": f"Bearer {PROXY_TOKEN}"}
    for path, status in [("/gateway/status?gw_id=amphi0", 200), ("/jobs", 401), ("/progress?room=a", 401)]:
        assert anybody.get(path, headers=headers).status_code == status
    assert gateway.client.get("/gateway/status?gw_id=amphi0").status_code == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"room": None}, invalid("body", "room", kind="missing", said="Field required")),
        ({"gw_id": None}, invalid("body", "gw_id", kind="missing", said="Field required")),
        ({"main_app": None}, invalid("body", "main_app", kind="missing", said="Field required")),
        ({"room": 5}, invalid("body", "room", kind="string_type", said="Input should be a valid string")),
        (
            {"browsing_name": 5},
            invalid("body", "browsing_name", kind="string_type", said="Input should be a valid string"),
        ),
        (
            {"room": "a/../../b"},
            invalid("body", "room", kind="value_error", said="a room name is 5 to 100 of A-Z a-z 0-9 _ / -"),
        ),
        (
            {"room": "$(id)"},
            invalid("body", "room", kind="value_error", said="a room name is 5 to 100 of A-Z a-z 0-9 _ / -"),
        ),
        (
            {"gw_id": "a b"},
            invalid(
                "body",
                "gw_id",
                kind="value_error",
                said="a gateway is named by 1 to 60 letters, digits, dots, dashes or underscores",
            ),
        ),
        (
            {"main_app": "recording"},
            invalid(
                "body", "main_app", kind="value_error", said="this gateway knows the main_app streaming only"
            ),
        ),
        *(
            (
                {"rtmp_dst": address},
                invalid(
                    "body",
                    "rtmp_dst",
                    kind="value_error",
                    said="must be an address of rtmp or rtmps: this gateway has none of its own",
                ),
            )
            for address in (None, "file:///tmp/out.flv")
        ),
    ],
)
def test_start_that_is_wrong(gateway, change, said):
    answer = gateway.client.post("/gateway/start", json=START | change)
    assert (answer.status_code, answer.json()) == (422, said)


@pytest.mark.parametrize("path", ["/gateway/start", "/gateway/stop", "/gateway/command"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_body_that_is_none(gateway, path, body):
    answer = gateway.client.post(path, content=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "Invalid input"


def test_status_without_or_with_another_name(gateway):
    answer = gateway.client.get("/gateway/status")
    assert (answer.status_code, answer.json()) == (
        422,
        invalid("query", "gw_id", kind="missing", said="Field required"),
    )
    answer = gateway.client.get("/gateway/status?gw_id=nobody")
    assert (answer.status_code, answer.json()) == (404, error(404, "Gateway not found"))


def test_status_of_a_free_place(gateway):
    answer = gateway.client.get("/gateway/status?gw_id=amphi0").json()
    assert (answer["status"], answer["error"]) == ("success", None)
    assert (
        answer["data"].items()
        >= {"gw_state": "down", "gw_id": "amphi0", "room": None, "browsing": None}.items()
    )


def test_stop_of_a_gateway_that_never_ran(gateway):
    answer = gateway.client.post("/gateway/stop", json={"gw_id": "nobody", "force": True})
    assert (answer.status_code, answer.json()) == (404, error(404, "no running container for gw_id=nobody"))


@pytest.mark.parametrize("named_in", ["body", "query"])
def test_command_to_a_gateway_that_does_not_run(gateway, named_in):
    body, query = {"payload": {"command": "sendChat", "param1": "x"}}, {}
    (body if named_in == "body" else query)["gw_id"] = "nobody"
    answer = gateway.client.post("/gateway/command", params=query, json=body)
    said = error(403, "Gateway 'nobody' is stopped, cannot send commands")
    assert (answer.status_code, answer.json()) == (403, said)


@pytest.mark.parametrize("payload", [None, "sendChat", {}, {"command": 5}])
def test_command_that_is_none(gateway, payload):
    answer = gateway.client.post("/gateway/command", json={"gw_id": "amphi0", "payload": payload})
    assert (answer.status_code, answer.json()["error"]) == (422, "Invalid input")


@pytest.mark.browser
def test_life_of_a_place_that_is_on_its_way(gateway, proxy):
    """The join page is at an address where nobody listens, so the job stays on its way."""
    wait_for(lambda: proxy.gateways.get("amphi0", {}).get("state") == "started")
    room, rtmp_dst = START["room"], START["rtmp_dst"]
    working = {"status": "success", "error": None, "data": {"processing_state": "working", "gw_id": "amphi0"}}
    assert proxy.start(room, rtmp_dst=rtmp_dst) == working
    assert gateway.client.post("/gateway/start", json=START).json() == working

    # Two starts at once with one gateway free: the second is told so.
    proxy.gateways["amphi0"]["state"] = "started"
    assert proxy.start("another-room", rtmp_dst=rtmp_dst) == error(
        409, "this gateway is working for another room"
    )
    full = gateway.client.post("/gateway/start", json=START | {"gw_id": "amphi1"})
    assert (full.status_code, full.json()) == (503, error(503, "No free resources found"))
    assert full.headers["Retry-After"] == "10"

    proxy.monitor()
    assert proxy.gateways["amphi0"]["state"] == "working"
    assert gateway.client.get("/gateway/status?gw_id=amphi0").json()["data"] == {
        "gw_state": "up",
        "gw_id": "amphi0",
        "room": room,
        "job_state": "joining",
        "reason": "",
    }
    before = len(proxy.registrations)
    proxy.is_old = True  # such a proxy would call the place free if it registered now
    proxy.monitor()
    assert proxy.command("amphi0", "sendChat", "Bonjour") == error(403, "the bot is not in the meeting now")
    assert proxy.command("amphi0", "sendKey", "1") == error(
        501, "this gateway knows sendChat, endCall and displayName only"
    )
    assert proxy.command("amphi0", "displayName", " \u202e")["error"] == "Invalid input"
    assert proxy.command("amphi0", "displayName", "l’amphi\n") == {
        "status": "success",
        "error": None,
        "data": {"ack": True, "received": {"command": "displayName", "param1": "l’amphi\n"}},
    }
    assert len(proxy.registrations) == before
    assert proxy.gateways["amphi0"]["state"] == "working"
    proxy.gateways.clear()  # it forgets a place that works, after one passing error
    wait_for(lambda: "amphi0" in proxy.gateways)

    # A place that has stopped is free at once, not when the proxy next looks.
    proxy.is_old = False
    assert proxy.stop("amphi0")["data"] == {"processing_state": "stopped", "gw_id": "amphi0"}
    wait_for(lambda: proxy.gateways.get("amphi0", {}).get("state") == "started", within_s=10)
    assert proxy.command("amphi0", "endCall") == error(
        403, "Gateway 'amphi0' is stopped, cannot send commands"
    )
    assert proxy.stop("amphi0")["data"]["processing_state"] == "stopped"
