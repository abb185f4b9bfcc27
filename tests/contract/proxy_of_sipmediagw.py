"""The proxy of SIPMediaGW 1.8 as its gateways and its users see it: what it stores, sends and answers, and how it reads what it is told.

Source: https://github.com/Renater/SIPMediaGW, deploy/proxyAPI/proxy.py of v1.8.0 to v1.8.4 and of the main branch of July 2026
(registerGateway, unregisterGateway, startGateway, stopGateway, statusGateway, commandGateway, monitorGateways). It calls with httpx,
as is done here. A place is `started` when it is free, `working`, or `stopped` from its stop to the proxy's next look at it.
"""

import contextlib
import json
import threading
from collections.abc import Iterator

import httpx

from tests.wire import Request, WireServer, answer

UNAUTHORIZED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
MONITOR_EVERY_S = 30
PATIENCE_S = 60.0
ODD = "Faild to parse Gateway Json response"
"""What users are told of anything that a gateway answers to a start but success."""


class Proxy:
    """A proxy on a socket.

    Args:
        token: of its users, which it shows to its gateways as well.
        is_old: of v1.8, which calls a gateway free each time it registers; newer ones keep what they know of it.
    """

    def __init__(self, token: str, *, is_old: bool = False) -> None:
        self.token = token
        self.is_old = is_old
        self.gateways: dict[str, dict[str, str]] = {}
        self.registrations: list[dict[str, object]] = []
        self.server = WireServer(self.answer)
        self.client = httpx.Client(timeout=30)

    def close(self) -> None:
        self.client.close()
        self.server.close()

    @property
    def url(self) -> str:
        return self.server.url

    def answer(self, request: Request) -> bytes:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer({"error": "authorization error"}, "401 Unauthorized", **UNAUTHORIZED)
        routes = {"/register": self.register, "/unregister": self.unregister}
        routes |= {"/start": self.user_start, "/stop": self.user_stop, "/command": self.user_command}
        if request.path == "/status" and request.method == "GET":
            return self.user_status(request.query)
        if request.path not in routes or request.method != "POST":
            return answer({"detail": "Method Not Allowed"}, "405 Method Not Allowed", allow="POST")
        return routes[request.path](request.json())

    def register(self, body: dict[str, object]) -> bytes:
        # setex of redis takes no other time than a whole one from 1 on.
        if not (isinstance(body.get("pairing_timeout"), int) and body["pairing_timeout"] >= 1):
            return _error(400, "Bad Request", "value is not an integer or out of range")
        self.registrations.append(body)
        gw_id = str(body["gw_id"])
        if self.is_old or gw_id not in self.gateways:
            self.gateways[gw_id] = {"state": "started"}
        self.gateways[gw_id] |= {"ip": str(body["gw_ip"]), "type": str(body["gw_type"])}
        return answer({"status": "success", "gw_id": gw_id, "gw_ip": body["gw_ip"], "pairing_code": "A1B2C"})

    def unregister(self, body: dict[str, object]) -> bytes:
        if self.gateways.pop(str(body["gw_id"]), None) is None:
            return _error(404, "Not Found", f"Gateway '{body['gw_id']}' not found")
        return answer({"status": "success", "gw_id": body["gw_id"], "removed": True})

    def user_start(self, body: dict[str, str]) -> bytes:
        for name in ("browsing", "room", "main_app"):
            if not body.get(name):
                return _error(400, "Bad Request", f"Missing '{name}' parameter")
        if all(gateway["state"] != "started" for gateway in self.gateways.values()):
            return _error(503, "Service Unavailable", "No available gateways")
        said = self.start(**body)
        if said["status"] != "success":
            return _error(503, "Service Unavailable", ODD)
        return answer(said)

    def user_stop(self, body: dict[str, str]) -> bytes:
        if not body.get("gw_id"):
            return _error(400, "Bad Request", "Missing 'gw_id' parameter")
        if body["gw_id"] not in self.gateways:
            return _error(404, "Not Found", f"No mapping found for gateway '{body['gw_id']}'")
        return answer(self.stop(body["gw_id"]) | {"status": "success"})

    def user_status(self, query: dict[str, str]) -> bytes:
        gw_id, room = query.get("gw_id", ""), query.get("room")
        if room:
            gw_id = next((name for name, one in self.gateways.items() if one.get("room") == room), "")
            if not gw_id:
                return _error(404, "Not Found", f"No gateway found for room '{room}'")
        gateway = self.gateways.get(gw_id)
        if gateway is None:
            return _error(404, "Not Found", f"Gateway '{gw_id}' not found")
        data = {"gw_id": gw_id, "gw_state": gateway["state"], "room": gateway.get("room") or None}
        data |= {"browsing": None, "media_duration": "0", "transcript_progress": "0"}
        return answer({"status": "success", "data": data})

    def user_command(self, body: dict[str, object]) -> bytes:
        gateway = self.gateways.get(str(body.get("gw_id")))
        if gateway is None:
            return _error(404, "Not Found", f"Gateway '{body.get('gw_id')}' not found")
        if gateway["state"] != "working":
            return _error(403, "Forbidden", f"Gateway '{body['gw_id']}' is stopped, cannot send commands")
        reply = self._forward("POST", str(body["gw_id"]), "command", body)
        return answer(reply.json(), f"{reply.status_code} {reply.reason_phrase}")

    def start(self, room: str, **more: object) -> dict[str, object]:
        """POST /start of a user of the proxy: the first free gateway is asked."""
        gw_id = next(name for name, gateway in self.gateways.items() if gateway["state"] == "started")
        body = {"room": room, "browsing": "bigbluebutton", "browsing_name": "bigbluebutton"}
        body |= {"main_app": "streaming", **more, "gw_id": gw_id}
        said = self._forward("POST", gw_id, "start", body).json()
        if said["status"] == "success":
            self.gateways[gw_id] |= {"state": "working", "room": room}
        else:
            assert said["error"]["detail"]
        return said

    def stop(self, gw_id: str) -> dict[str, object]:
        said = self._forward("POST", gw_id, "stop", {"gw_id": gw_id}).json()
        state = said["data"]["processing_state"]
        assert "stopping" in state or "stopped" in state
        self.gateways[gw_id] |= {"state": "stopped", "room": ""}
        return said

    def command(self, gw_id: str, command: str, param1: str | None = None) -> dict[str, object]:
        payload = {"command": command} | ({} if param1 is None else {"param1": param1})
        return self._forward("POST", gw_id, "command", {"gw_id": gw_id, "payload": payload}).json()

    def monitor(self) -> None:
        """What it does every thirty seconds."""
        for gw_id, before in [(name, dict(gateway)) for name, gateway in self.gateways.items()]:
            said = self._forward("GET", gw_id, "status").json()
            if self.gateways.get(gw_id) != before:
                continue  # started or stopped meanwhile; upstream writes what it was told before over that
            if said.get("status") != "success":
                del self.gateways[gw_id]
            elif said["data"]["gw_state"] in {"up", "down"}:
                self.gateways[gw_id]["state"] = "working" if said["data"]["gw_state"] == "up" else "started"
                self.gateways[gw_id]["room"] = said["data"].get("room") or ""

    def _forward(self, method: str, gw_id: str, route: str, body: object = None) -> httpx.Response:
        url = f"http://{self.gateways[gw_id]['ip']}/gateway/{route}"
        headers = {"Authorization": f"Bearer {self.token}"}
        if method == "GET":
            return self.client.get(url, params={"gw_id": gw_id}, headers=headers)
        return self.client.request(method, url, params={}, json=body, headers=headers)


def _error(code: int, reason: str, detail: str) -> bytes:
    body = {"status": "error", "error": {"code": code, "detail": detail}, "data": None}
    return answer(json.dumps(body), f"{code} {reason}", "application/json")


@contextlib.contextmanager
def monitoring(proxy: Proxy) -> Iterator[None]:
    """Have the proxy look after its gateways by itself until the block is left."""
    left = threading.Event()

    def watch() -> None:
        while not left.wait(MONITOR_EVERY_S):
            proxy.monitor()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
