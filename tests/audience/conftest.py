import asyncio
import contextlib
import itertools
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import uvicorn

from amphi.audience.claims import Claim, Rights
from amphi.audience.crowd import Limits
from amphi.audience.http_protocol import StreamHTTPProtocol
from amphi.audience.hub import Hub
from amphi.audience.stream import EventStream
from amphi.system.tickets import Ticket, mint
from tests.audience.memory_log import MemoryLog

KEY = b"a key of the tests"
PATIENCE_S = 60.0


@dataclass
class Stream:
    """A listener's side of one open stream."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    text: str = ""
    pieces: list[str] = field(default_factory=list)

    async def read_piece(self) -> str:
        """The next piece as the server wrote it (a chunk of RFC 9112, section 7.1); empty at the end."""
        size = int((await self.reader.readline()).strip() or b"0", 16)
        piece = (await self.reader.readexactly(size)).decode()
        await self.reader.readline()
        self.text += piece
        self.pieces.append(piece)
        return piece

    async def until(self, wanted: str) -> str:
        """Read until `wanted` was said; everything said so far."""
        async with asyncio.timeout(PATIENCE_S):
            while wanted not in self.text:
                assert await self.read_piece(), f"the stream ended without {wanted!r}: {self.text}"
        return self.text

    async def until_end(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            while await self.read_piece():
                pass
        return self.text

    def ids(self) -> list[int]:
        return [int(line[4:]) for line in self.text.splitlines() if line.startswith("id: ")]

    def close(self) -> None:
        self.writer.close()


class House:
    """A hub with its endpoint on a real socket."""

    def __init__(self, limits: Limits) -> None:
        self.log = MemoryLog()
        self.withdrawn: set[Claim] = set()
        self.hub = Hub(
            self.log,
            process="tests",
            limits=limits,
            rights=Rights(lambda claims: self.withdrawn & set(claims)),
        )
        self.streams: list[Stream] = []
        self._visitors = itertools.count(1)
        self._endpoint = EventStream(self.hub, KEY)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http=StreamHTTPProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        self.server = uvicorn.Server(config)

    async def _app(self, scope, receive, send) -> None:
        event_id = int(scope["path"].split("/")[2])
        await self._endpoint(scope, receive, send, event_id)

    def ticket(self, event_id: int = 1, *, viewer: str = "", lifetime_s: float = 60, key: bytes = KEY) -> str:
        """A ticket; each is another viewer's unless it is told."""
        viewer = viewer or f"a{next(self._visitors)}"
        return mint(key, Ticket(event_id, "room", viewer, int(time.time() + lifetime_s)))

    async def open(
        self,
        event_id: int = 1,
        *,
        ticket: str | None = None,
        last_event_id: int | None = None,
        header: int | None = None,
        method: str = "GET",
        address: str = "",
    ) -> Stream:
        query = f"ticket={self.ticket(event_id) if ticket is None else ticket}"
        if last_event_id is not None:
            query += f"&last_event_id={last_event_id}"
        lines = [f"{method} /live/{event_id}/events?{query} HTTP/1.1", "Host: localhost"]
        if address:
            lines.append(f"X-Forwarded-For: {address}")
        if header is not None:
            lines.append(f"Last-Event-ID: {header}")
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(PATIENCE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        stream = Stream(int(head[0].split(" ")[1]), headers, reader, writer)
        self.streams.append(stream)
        return stream

    def publish(self, event_id: int = 1, kind: str = "message", data: str = "{}") -> int:
        seq = self.log.publish(event_id, kind, data)
        self.hub.wake()
        return seq

    async def run(self) -> None:
        await self.server._serve([self._listener])


@pytest.fixture
async def open_house() -> AsyncIterator:
    """Makes a hub on a real socket; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**limits) -> House:
            house = House(Limits(**{"batch_s": 0.02, **limits}))
            task = asyncio.create_task(house.run())

            async def close() -> None:
                for stream in house.streams:
                    stream.close()
                house.server.should_exit = True
                await house.hub.close()
                async with asyncio.timeout(PATIENCE_S):
                    await task

            stack.push_async_callback(close)
            return house

        yield make
