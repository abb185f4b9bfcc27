"""An origin on free loopback ports, and an RTMP publisher to send it what no real encoder would."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Self

import httpx

from amphi.origin.config import Config
from amphi.origin.rtmp import amf0
from amphi.origin.rtmp.chunks import ChunkReader, ChunkWriter, Message
from amphi.origin.service import Origin, listen

PATIENCE_S = 60.0

AVC_RECORD = bytes.fromhex("0142c01effe100196742c01eda0280bfe5c044000003000400000300c83c58ba8001000468ce0fc8")
AAC_CONFIG = bytes.fromhex("118856e500")
VIDEO_HEADER = b"\x17\0\0\0\0" + AVC_RECORD
OTHER_VIDEO_HEADER = VIDEO_HEADER.replace(b"\x42\xc0\x1e", b"\x42\xc0\x1f")
AUDIO_HEADER = b"\xaf\0" + AAC_CONFIG
# AAC of 25,600 Hz, whose frames last as long as the pictures.
EVEN_AUDIO_HEADER = b"\xaf\0" + (0b00010_1111 << 31 | 25_600 << 7 | 0b0001_000).to_bytes(5)
FRAME_MS = 40


@dataclass
class Running:
    origin: Origin
    rtmp_port: int
    http_port: int

    @property
    def rtmp(self) -> str:
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"


@contextlib.asynccontextmanager
async def running_origin(config: Config) -> AsyncIterator[Running]:
    sockets = [listen(("127.0.0.1", 0)) for _ in range(2)]
    origin = Origin(config, *sockets)
    stop = asyncio.Event()
    task = asyncio.create_task(origin.run(stop))
    ports = [found.getsockname()[1] for found in sockets]
    try:
        yield Running(origin, *ports)
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await task


def http_client(origin: Running) -> httpx.AsyncClient:
    # Without TLS there is nothing to verify, and loading the certificate authorities is slow.
    return httpx.AsyncClient(base_url=origin.http, timeout=PATIENCE_S, verify=False)  # noqa: S501 -- plain HTTP


async def eventually(condition: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110 -- conditions of many kinds
            await asyncio.sleep(0.01)


async def ready(client: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await client.get(url)).status_code != 200:  # noqa: ASYNC110 -- asked over HTTP
            await asyncio.sleep(0.05)


def video(index: int, *, key: bool, size: int = 200, composition_ms: int = 0) -> bytes:
    return (
        bytes([0x17 if key else 0x27, 1])
        + composition_ms.to_bytes(3)
        + struct.pack(">I", size)
        + index.to_bytes(4) * (size // 4)
    )


def audio(index: int) -> bytes:
    return b"\xaf\1" + index.to_bytes(4) * 20


class Publisher:
    """A client that says exactly what the test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.chunks = ChunkWriter()
        self._reader = ChunkReader()
        self._received = bytearray()
        self.next_frame = 0

    @classmethod
    async def connect(cls, port: int, app: str = "live") -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        publisher = cls(reader, writer)
        writer.write(b"\3" + bytes(1536))
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.readexactly(1 + 2 * 1536)
        assert answer[0] == 3
        writer.write(bytes(1536))
        publisher.command("connect", 1, {"app": app, "flashVer": "test", "tcUrl": f"rtmp://127.0.0.1/{app}"})
        await publisher.answer("_result")
        return publisher

    @classmethod
    async def publishing(cls, port: int, name: str) -> Self:
        publisher = await cls.connect(port)
        assert (await publisher.publish(name))["code"] == "NetStream.Publish.Start"
        publisher.send(9, 0, VIDEO_HEADER)
        publisher.send(8, 0, AUDIO_HEADER)
        return publisher

    def send(self, type_id: int, timestamp: int, payload: bytes, stream_id: int = 1) -> None:
        self.writer.write(
            self.chunks.write(Message(type_id, stream_id, timestamp, payload), chunk_stream_id=4)
        )

    def command(self, *values: object) -> None:
        self.send(20, 0, amf0.encode(*values), 0)

    async def answer(self, name: str) -> list[object]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for message in self._reader.read(self._received):
                    if message.type_id == 1:
                        self._reader.chunk_bytes = int.from_bytes(message.payload)
                    if message.type_id == 20 and amf0.decode(message.payload)[0] == name:
                        return amf0.decode(message.payload)
                data = await self.reader.read(65536)
                assert data, "the origin closed the connection"
                self._received += data

    async def publish(self, name: str) -> dict:
        self.command("createStream", 4, None)
        await self.answer("_result")
        self.send(20, 0, amf0.encode("publish", 5, None, name, "live"))
        return (await self.answer("onStatus"))[3]

    async def frames(self, count: int, *, keyframe_every: int = 25) -> None:
        """Send pictures of 40 ms, each with a frame of sound."""
        for _ in range(count):
            index = self.next_frame
            self.next_frame += 1
            self.send(9, index * FRAME_MS, video(index, key=index % keyframe_every == 0))
            self.send(8, index * FRAME_MS, audio(index))
        await self.writer.drain()

    async def live(self) -> None:
        """Send 25 frames a second until cancelled; what a busy machine delayed is sent at once."""
        started = asyncio.get_running_loop().time() - self.next_frame * FRAME_MS / 1000
        while True:
            due = started + self.next_frame * FRAME_MS / 1000 - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, due))
            await self.frames(1)

    async def leave(self) -> None:
        self.command("FCUnpublish", 6, None, "x")
        self.command("deleteStream", 7, None, 1)
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def closed_by_origin(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        await self.close()
