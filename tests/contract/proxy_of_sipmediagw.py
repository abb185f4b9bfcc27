"""The proxy of SIPMediaGW 1.8 as a gateway sees it: what it stores, what it sends, and how it reads what comes back.

Source: https://github.com/Renater/SIPMediaGW, deploy/proxyAPI/proxy.py (registerGateway, unregisterGateway, startGateway, stopGateway,
commandGateway, monitorGateways). It calls with httpx, as is done here.
"""

import json

import httpx

from tests.wire import Request, WireServer, answer

UNAUTHORIZED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Proxy:
    """A proxy on a socket.

    Args:
        token: of its users, which it shows to its gateways as well.
        is_old: of the first versions, which call a gateway free each time it registers.
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
        if request.path == "/status":
            gateway = self.gateways.get(request.query["gw_id"])
            if gateway is None:
                return _error(404, "Not Found", f"Gateway '{request.query['gw_id']}' not found")
            return answer({"status": "success", "data": {"gw_state": gateway["state"]}})
        body = request.json()
        return self.register(body) if request.path == "/register" else self.unregister(body)

    def register(self, body: dict[str, object]) -> bytes:
        # setex of redis takes no other time than a whole one from 1 on.
        if not (isinstance(body.get("pairing_timeout"), int) and body["pairing_timeout"] >= 1):
            return _error(400, "Bad Request", "value is not an integer or out of range")
        self.registrations.append(body)
        gw_id = str(body["gw_id"])
        if self.is_old or gw_id not in self.gateways:
            self.gateways[gw_id] = {"state": "free"}
        self.gateways[gw_id] |= {"ip": str(body["gw_ip"]), "type": str(body["gw_type"])}
        return answer({"status": "success", "gw_id": gw_id, "gw_ip": body["gw_ip"], "pairing_code": "A1B2C"})

    def unregister(self, body: dict[str, object]) -> bytes:
        if self.gateways.pop(str(body["gw_id"]), None) is None:
            return _error(404, "Not Found", f"Gateway '{body['gw_id']}' not found")
        return answer({"status": "success", "gw_id": body["gw_id"], "removed": True})

    def start(self, room: str, **more: object) -> dict[str, object]:
        """POST /start of a user of the proxy: the first free gateway is asked."""
        gw_id = next(name for name, gateway in self.gateways.items() if gateway["state"] == "free")
        body = {"room": room, "browsing": "bigbluebutton", "browsing_name": "bigbluebutton"}
        body |= {"main_app": "streaming", **more, "gw_id": gw_id}
        said = self._forward("POST", gw_id, "start", body)
        if said["status"] == "success":
            self.gateways[gw_id]["state"] = "working"
        else:
            assert said["error"]["detail"]
        return said

    def stop(self, gw_id: str) -> dict[str, object]:
        said = self._forward("POST", gw_id, "stop", {"gw_id": gw_id})
        state = said["data"]["processing_state"]
        assert "stopping" in state or "stopped" in state
        self.gateways[gw_id]["state"] = "deleted"
        return said

    def command(self, gw_id: str, command: str, param1: str | None = None) -> dict[str, object]:
        payload = {"command": command} | ({} if param1 is None else {"param1": param1})
        return self._forward("POST", gw_id, "command", {"gw_id": gw_id, "payload": payload})

    def monitor(self) -> None:
        """What it does every thirty seconds."""
        for gw_id in list(self.gateways):
            said = self._forward("GET", gw_id, "status")
            if said.get("status") != "success":
                del self.gateways[gw_id]
            elif said["data"]["gw_state"] in {"up", "down"}:
                self.gateways[gw_id]["state"] = "working" if said["data"]["gw_state"] == "up" else "free"

    def _forward(self, method: str, gw_id: str, route: str, body: object = None) -> dict[str, object]:
        url = f"http://{self.gateways[gw_id]['ip']}/gateway/{route}"
        headers = {"Authorization": f"Bearer {self.token}"}
        if method == "GET":
            return self.client.get(url, params={"gw_id": gw_id}, headers=headers).json()
        return self.client.request(method, url, params={}, json=body, headers=headers).json()


def _error(code: int, reason: str, detail: str) -> bytes:
    body = {"status": "error", "error": {"code": code, "detail": detail}, "data": None}
    return answer(json.dumps(body), f"{code} {reason}", "application/json")
