"""Esup-Pod 4.1 as a gateway sees it: the bytes that it sends, and how it reads what comes back.

Source: https://github.com/EsupPortail/Esup-Pod, pod/meeting/webinar.py (start_rtmp_gateway, stop_rtmp_gateway, toggle_rtmp_gateway,
chat_rtmp_gateway). It calls with the library requests, whose header lines these are.
"""

import http.client
import json
import socket
from urllib.parse import urlencode

_OF_REQUESTS = "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"


def send(port: int, raw: bytes) -> tuple[int, bytes]:
    """The answer's status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


class Pod:
    """A Pod whose live gateway is at `port`; each call answers with HTTP's status and what Pod logs, None for a success."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def start(self, domain: str, room: str, rtmp_url: str) -> tuple[int, object]:
        return self._get("/start", {"room": room, "domain": domain, "rtmpDst": rtmp_url})

    def stop(self, room: str) -> tuple[int, object]:
        return self._get("/stop", {"room": room})

    def toggle(self, room: str) -> tuple[int, object]:
        status, body = self._call("/chat", {"room": room, "toggle": True})
        return status, None if body["res"] == "ok" else body["res"]

    def chat(self, room: str, message: str) -> tuple[int, object]:
        message = message.replace("'", "’").replace('"', "’")
        content = json.dumps({"room": room, "msg": message})
        head = f"POST /chat HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{_OF_REQUESTS}"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        status, raw = send(self.port, (head + content).encode())
        said = json.loads(raw)["res"]
        return status, None if "ok" in said else said

    def _get(self, path: str, params: dict[str, object]) -> tuple[int, object]:
        status, body = self._call(path, params)
        return status, None if body["status"] == "success" else body["details"]

    def _call(self, path: str, params: dict[str, object]) -> tuple[int, dict[str, object]]:
        head = f"GET {path}?{urlencode(params)} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{_OF_REQUESTS}"
        status, raw = send(self.port, f"{head}Authorization: Bearer {self.token}\r\n\r\n".encode())
        return status, json.loads(raw)
