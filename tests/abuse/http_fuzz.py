"""Requests made up from real ones, pipelined and cut anywhere; from one seed number each."""

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

TARGETS = (
    "/",
    "/healthz",
    "/streams",
    "/metrics",
    "/jobs",
    "/jobs/a",
    "/jobs/a/chat",
    "/jobs/a/chat-panel",
    "/start",
)
TARGETS += (
    "/stop",
    "/chat",
    "/progress",
    "/gateway/start",
    "/gateway/stop",
    "/gateway/status",
    "/gateway/command",
)
TARGETS += (
    "/hls/good.m3u8",
    "/hls/good/main.m3u8",
    "/hls/good/sound.m3u8",
    "/hls/good/480p.m3u8",
    "/hls/none.m3u8",
)
TARGETS += (
    "/hls/good/SESSION/p0.m4s",
    "/hls/good/SESSION/s1.m4s",
    "/hls/good/SESSION/i0.mp4",
    "/hls/good/00/p1a.m4s",
)
TARGETS += (
    "/t/ticket/hls/good.m3u8",
    "/t//hls/good/main.m3u8",
    "/live/1/events",
    "*",
    "http://h:1/hls/good.m3u8",
    "",
)
METHODS = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PATCH",
    "get",
    "X" * 40,
    "",
)
QUERIES = (
    "_HLS_msn=1",
    "_HLS_msn=99999999999999999999",
    "_HLS_part=0",
    "_HLS_msn=-1&_HLS_part=x",
    "_HLS_skip=YES",
)
QUERIES += (
    "_HLS_msn=1&_HLS_msn=2",
    "a=%",
    "%00",
    "x" * 3_000,
    "_HLS_msn=1_0",
    "_HLS_msn=%31",
    "room=a&url=b",
    "&&=&",
)
HEADERS = (
    "Host: h",
    "Host: h",
    "Host:",
    "Connection: close",
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Range: bytes=0-1",
)
HEADERS += (
    "Accept-Encoding: gzip",
    "Expect: 100-continue",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
)
HEADERS += (
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Encoding: gzip",
)
HEADERS += (
    "Authorization: Bearer t",
    "Authorization: Bearer wrong",
    "Authorization: \xff",
    "X-Amphi-Event: 7",
    "Origin: null",
)
HEADERS += (
    "X-Request-ID: " + "a" * 32,
    "X-Forwarded-For: " + "1.2.3.4, " * 200,
    "A" * 300 + ": b",
    ": b",
    "a b: c",
    "X: \x00",
)
HEADERS += (" folded", "Cookie: " + "c" * 9_000, "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__")
JOB = {
    "join_url": "http://nowhere.invalid/",
    "rtmp_url": "rtmp://nowhere.invalid/x",
    "room": "r",
    "show_chat": False,
}
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"hello",
    json.dumps(JOB).encode(),
    b"[" * 20_000,
    b'{"a":' * 9_000,
    b"\xff\xfe",
    b"0" * 70_000,
)
BODIES += (
    b'{"text": "' + b"x" * 60_000 + b'"}',
    b'{"text": 1e999}',
    b'{"shown": true}',
    b'{"room": "\\ud800"}',
    b"1" * 5_000,
)
BODIES += (
    gzip.compress(bytes(10_000_000)),
    b'{"job_id": null, "join_url": []}',
    b"room=a&rtmp_dst=b",
    b"a=%zz&" * 3_000,
)


PLAIN_METHODS = METHODS[:9]
PLAIN_TARGETS = tuple(target for target in TARGETS if target.startswith("/"))
PLAIN_HEADERS = (
    "Host: h",
    "Range: bytes=0-1",
    "Accept-Encoding: gzip",
    "Content-Encoding: gzip",
    "Origin: null",
)
PLAIN_HEADERS += (
    "Authorization: Bearer wrong",
    "Authorization: Bearer m",
    "Authorization: \xff",
    "X-Amphi-Event: 7",
)
PLAIN_HEADERS += ("X-Amphi-Event: " + "9" * 30, "X-Request-ID: \xe9", "X-Forwarded-For: " + "1.2.3.4, " * 200)
PLAIN_HEADERS += ("Cookie: " + "c" * 9_000,)
POLITE = (
    "%2e%2e/",
    "/../",
    "//",
    "%00",
    "%zz",
    "#",
    ";",
    "0",
    "-",
    "a" * 5_000,
    "%ff",
    "%2f",
    "99999999999999",
    ".",
    "_",
)
RUDE = (*POLITE, "%", "\x7f", "\xe9", "?", "\\", " ", "\t")


class Requests:
    """Makes what one connection says.

    Args:
        session: the session's name in the addresses of files.
    """

    def __init__(self, session: str) -> None:
        self._session = session

    def connection(self, seed: int) -> tuple[list[bytes], int]:
        """The pieces of several requests, and how many requests they were."""
        rnd = random.Random(seed)
        number = rnd.choice((1, 1, 2, 4, 8))
        # Whoever keeps to HTTP comes further than those who don't.
        is_rude = rnd.random() < 0.3
        raw = b"".join(self._request(rnd, is_rude=is_rude) for _ in range(number))
        if is_rude and rnd.random() < 0.5:
            changed = bytearray(raw)
            for _ in range(rnd.choice((1, 3, 10))):
                at = rnd.randrange(len(changed) + 1)
                changed[at : at + rnd.randrange(3)] = rnd.randbytes(rnd.randrange(3))
            raw = bytes(changed)
        most = rnd.choice((11, 100, 65_536, 65_536))
        most = most if len(raw) < 200 * most else 65_536
        return [raw[at : at + most] for at in range(0, len(raw), most)], number

    def _request(self, rnd: random.Random, *, is_rude: bool) -> bytes:
        target = rnd.choice(TARGETS if is_rude else PLAIN_TARGETS).replace("SESSION", self._session)
        if rnd.random() < 0.3:
            target = self._changed(rnd, target, RUDE if is_rude else POLITE)
        if rnd.random() < 0.4:
            target += "?" + "&".join(rnd.choices(QUERIES, k=rnd.randrange(1, 3)))
        method = rnd.choice(METHODS if is_rude else PLAIN_METHODS)
        headers = rnd.choices(HEADERS if is_rude else PLAIN_HEADERS, k=rnd.randrange(5))
        body = rnd.choice(BODIES) if rnd.random() < (0.7 if method in {"POST", "PUT"} else 0.03) else b""
        if body and rnd.random() < 0.8:
            headers.append(f"Content-Length: {len(body)}")
        elif body:
            headers.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        if rnd.random() < 0.6:
            headers += ["Host: h", "Authorization: Bearer t"]
        version = rnd.choice(("1.1", "1.0", "0.9", "2.0", "9.9")) if is_rude else "1.1"
        head = "\r\n".join((f"{method} {target} HTTP/{version}", *headers))
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + body

    @staticmethod
    def _changed(rnd: random.Random, target: str, more: Sequence[str]) -> str:
        at = rnd.randrange(len(target) + 1)
        return target[:at] + rnd.choice(more) + target[at + rnd.randrange(3) :]


class Wire(asyncio.Transport):
    """A connection that is only remembered."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 9)})
        self.written = bytearray()
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass


class Server:
    """A server without sockets.

    Args:
        config: uvicorn's, with the application.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        self._config = config
        config.load()
        self._state = ServerState()
        self.statuses: Counter[str] = Counter()

    async def take(self, pieces: list[bytes]) -> bytes:
        """Serve one connection, and give what it was answered."""
        wire = Wire()
        protocol = self._config.http_protocol_class(
            config=self._config, server_state=self._state, app_state={}
        )
        protocol.connection_made(wire)
        for piece in pieces:
            if wire.closing:
                break
            protocol.data_received(piece)
            await asyncio.sleep(0)
        for _ in range(12):
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        self.statuses.update(
            line[9:12].decode("ascii", "replace")
            for line in bytes(wire.written).split(b"HTTP/1.1")[1:]
            for line in [b"HTTP/1.1" + line]
        )
        return bytes(wire.written)
