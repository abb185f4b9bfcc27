"""Hostile publishers at the origin, in great numbers: what they cost it, and what those beside them notice."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from amphi.origin.rtmp.chunks import ChunkWriter, Message
from amphi.origin.rtmp.connection import Connection
from amphi.origin.rtmp.events import PublishRequested
from tests import ports
from tests.abuse import own_memory
from tests.abuse.rtmp_fuzz import AUDIO, HANDSHAKE, VIDEO, Fuzz, Target, messages_of
from tests.contract.origin_ffmpeg import publish_command
from tests.origin.running import Publisher
from tests.services import environment, serve

SHARE = float(os.environ.get("ABUSE_SHARE", "1"))
"""Of the numbers below; less to try the tests themselves."""
MESSAGES = int(2_000_000 * SHARE)
OVER_THE_SOCKET = int(50_000 * SHARE)
BATCH = 100
MOST_MEMORY_BYTES = 300 * 2**20
A_SECOND = 1_500
WATCHED_S = 12.0
PART_S = 0.2
PICTURES = 5
"""In a part."""
GRAIN_S = 0.02
"""Lateness below this is the machine's own."""
Recorded = list[list[Message]]

pytestmark = pytest.mark.integration
# What is fuzzed is what stands around the pictures.
SMALL = ("-s", "96x54", "-b:v", "40k", "-b:a", "24k")
KINDS: dict[str, tuple[str, ...]] = {
    "picture and sound": (),
    "B-frames, 44.1 kHz": ("-bf", "3", "-ar", "44100"),
    "sound alone": ("-vn",),
    "picture alone": ("-an",),
}


async def _recorded(extra: tuple[str, ...]) -> list[Message]:
    """What a real ffmpeg says when it publishes."""
    said = bytearray()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = Connection()
        # ffmpeg leaves without reading all that it is told.
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                said.extend(data)
                if any(isinstance(event, PublishRequested) for event in protocol.receive_data(data)):
                    protocol.accept_publish()
                writer.write(protocol.data_to_send())
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"rtmp://127.0.0.1:{port}/live/evil?key=k"
    command = publish_command(url, seconds=6, live=False, extra=(*SMALL, *extra))
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors
    server.close()
    return messages_of(bytes(said))


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    async def all_of_them() -> Recorded:
        return [await _recorded(extra) for extra in KINDS.values()]

    return asyncio.run(all_of_them())


@dataclass
class Figures:
    """What came of a batch of sessions."""

    sessions: int = 0
    arrived: int = 0
    parts: int = 0
    slowest_s: float = 0.0
    memory_bytes: int = 0
    ended_by: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        self.sessions += other.sessions
        self.arrived += other.arrived
        self.parts += other.parts
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.memory_bytes = max(self.memory_bytes, other.memory_bytes)
        self.ended_by += other.ended_by
        self.broken += other.broken


def _batch(recorded: Recorded, first: int) -> Figures:
    logging.disable()
    figures, fuzz = Figures(), Fuzz(*recorded)
    for seed in range(first, first + BATCH):
        target = Target()
        try:
            target.run(fuzz.session(seed))
        except Exception as error:  # noqa: BLE001 -- whatever escapes is what is looked for
            figures.broken.append(f"seed {seed}: {error!r}"[:300])
        figures.sessions += 1
        figures.arrived += target.connection.arrived
        figures.slowest_s = max(figures.slowest_s, target.slowest_s)
        figures.ended_by[target.ended_by] += 1
        figures.parts += target.stream.playlist.next_part if target.stream is not None else 0
    figures.memory_bytes = own_memory.most_bytes()
    return figures


def test_millions_of_messages_break_nothing(recorded):
    figures = Figures()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        first = 0
        while figures.arrived < MESSAGES and len(figures.broken) < 20:
            firsts = [first + BATCH * index for index in range(4)]
            first += BATCH * len(firsts)
            for found in pool.map(_batch, [recorded] * len(firsts), firsts):
                figures.add(found)
    print(
        f"\nRTMP, in process: {figures.arrived:,} messages in {figures.sessions:,} sessions, {figures.parts:,} parts made, "
        f"{len(figures.broken)} broken; ended by {dict(figures.ended_by)}; "
        f"the slowest piece took {figures.slowest_s * 1000:.0f} ms of processor, the memory {figures.memory_bytes / 2**20:.0f} MiB"
    )
    assert figures.broken == []
    assert figures.memory_bytes < MOST_MEMORY_BYTES


# --- over the socket


@dataclass
class Origin:
    rtmp: int
    http: str
    process: psutil.Process
    log: Path


@pytest.fixture
def origin(tmp_path) -> Iterator[Origin]:
    rtmp, http = ports.reserve(), ports.reserve()
    env = environment(
        tmp_path,
        AMPHI_ORIGIN_RTMP=f"127.0.0.1:{rtmp}",
        AMPHI_ORIGIN_HTTP=f"127.0.0.1:{http}",
        AMPHI_ORIGIN_KEYS="good=k,evil=k,evi0=k,evi1=k,evi2=k,evi3=k",
        AMPHI_ORIGIN_WINDOW="600",
    )
    with contextlib.ExitStack() as stack:
        process = serve(stack, env, tmp_path, "origin", answers=f"http://127.0.0.1:{http}/healthz")
        yield Origin(rtmp, f"http://127.0.0.1:{http}", psutil.Process(process.pid), tmp_path)


class Listener:
    """Asks for each part of the good stream as hls.js does, and notes when it came and what it held."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
        self.came: list[tuple[float, int]] = []
        self.media = b""
        self.playlist = ""

    async def follow(self) -> None:
        async with self._http:
            while (await self._http.get("/hls/good/main.m3u8")).status_code != 200:  # noqa: ASYNC110 -- asked over HTTP
                await asyncio.sleep(0.05)
            self.playlist = (await self._http.get("/hls/good/main.m3u8")).text
            session = self.playlist.partition('EXT-X-MAP:URI="')[2].partition("/")[0]
            number = 0
            while True:
                part = await self._http.get(f"/hls/good/{session}/p{number}.m4s")
                if part.status_code == 200:
                    self.came.append((time.monotonic(), number))
                    self.media += part.content
                    number += 1

    def lateness(self, sent: dict[int, float], since: float, until: float) -> list[float]:
        """How long after its last picture was sent each part came, in seconds, in that time."""
        return [at - sent[(number + 1) * PICTURES] for at, number in self.came if since <= at < until]


class Honest(Publisher):
    """Notes when each picture was sent: what this process itself was too busy for is not the origin's."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: dict[int, float] = {}

    async def frames(self, count: int, *, keyframe_every: int = 25) -> None:
        index = self.next_frame
        await super().frames(count, keyframe_every=keyframe_every)
        self.sent[index] = time.monotonic()


@contextlib.asynccontextmanager
async def _beside(origin: Origin) -> AsyncIterator[tuple[Honest, Listener]]:
    """A publisher who does nothing wrong, and somebody who watches."""
    good, listener = await Honest.publishing(origin.rtmp, "good?key=k"), Listener(origin.http)
    tasks = [asyncio.create_task(good.live()), asyncio.create_task(listener.follow())]
    try:
        while len(listener.came) < 5:  # noqa: ASYNC110 -- it is seen from outside
            await asyncio.sleep(0.05)
        yield good, listener
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        async with httpx.AsyncClient(trust_env=False) as http:
            listener.playlist += (await http.get(f"{origin.http}/hls/good/main.m3u8")).text
        for task in tasks:
            assert task.cancelled(), task.exception()
        await good.close()


def _is_untouched(listener: Listener) -> bool:
    """Whether every picture is there, as it was sent and in its order, in one session without a break."""
    pictures = [index.to_bytes(4) * 50 for index in range(len(listener.came) * 5 - 5)]
    at = -1
    for picture in pictures:
        at = listener.media.find(picture, at + 1)
        if at < 0:
            return False
    return "DISCONTINUITY\n" not in listener.playlist


async def _say(origin: Origin, pieces: list[bytes], *, every_s: float = 0.0) -> None:
    """Send a session's bytes to the origin, and read what it answers, until either is at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.rtmp)

    async def listen() -> None:
        while await reader.read(65_536):
            pass

    listening = asyncio.create_task(listen())
    try:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(20):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    if every_s:
                        await asyncio.sleep(every_s)
                    if listening.done():
                        break
    finally:
        listening.cancel()
        writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await asyncio.gather(listening, return_exceptions=True)


def test_hostile_sessions_leave_the_stream_beside_them_untouched(origin, recorded):
    fuzz = Fuzz(*recorded)

    async def attack() -> tuple[int, int, bool]:
        said = sessions = 0
        async with _beside(origin) as (_, listener):
            while said < OVER_THE_SOCKET:
                found = [fuzz.session(sessions + index) for index in range(4)]
                # Each under a name of its own: a second publisher of a name would be refused.
                own = [
                    [piece.replace(b"evil", b"evi%d" % at) for piece in one.pieces]
                    for at, one in enumerate(found)
                ]
                await asyncio.gather(*(_say(origin, pieces) for pieces in own))
                sessions += len(found)
                said += sum(session.messages for session in found)
            reached = len(listener.came) + 10
            while len(listener.came) < reached:  # noqa: ASYNC110 -- it is seen from outside
                await asyncio.sleep(0.05)
        return said, sessions, _is_untouched(listener)

    said, sessions, untouched = asyncio.run(attack())
    logged = "".join(path.read_text() for path in origin.log.glob("*.log"))
    memory = origin.process.memory_info().rss
    print(
        f"\nRTMP, over the socket: {said:,} messages in {sessions:,} connections; {memory / 2**20:.0f} MiB; untouched: {untouched}"
    )
    assert untouched
    assert "Traceback" not in logged
    assert memory < MOST_MEMORY_BYTES


def _flood(kind: str, recorded: Recorded) -> tuple[list[bytes], float]:
    """What a publisher with a key sends, and how long it waits between the pieces."""
    start = [message for message in recorded[0] if message.type_id not in {AUDIO, VIDEO}][:6]
    media = [message for message in recorded[0] if message.type_id in {AUDIO, VIDEO}]
    writer = ChunkWriter()
    head = HANDSHAKE + b"".join(writer.write(one, chunk_stream_id=4) for one in start + media[:60])
    if kind == "wrong":
        fuzz, pieces = Fuzz(recorded[0]), [head]
        for seed in range(2_000):
            changed = list(media[60:75])
            fuzz._random.seed(seed)
            for index in range(len(changed)):
                changed[index] = Message(
                    changed[index].type_id,
                    1,
                    changed[index].timestamp,
                    fuzz._changed_media(changed[index].payload)[:4_000],
                )
                # A codec that is refused ends the connection: whoever wants to do harm stays.
                if changed[index].payload[:1] not in {b"\x17", b"\x27", b"\xaf"}:
                    changed[index] = Message(changed[index].type_id, 1, changed[index].timestamp, b"")
            pieces.append(b"".join(writer.write(one, chunk_stream_id=4) for one in changed))
        return pieces, 15 / A_SECOND
    body = writer.write(Message(AUDIO, 1, media[59].timestamp + 40, b"\xaf\1x"), chunk_stream_id=4)
    return [head] + [body + b"\xc4\xaf\1x" * 16_000] * 400, 0.0


@pytest.mark.parametrize("kind", ["wrong", "flood"])
def test_publisher_with_a_key_freezes_nobody(origin, recorded, kind):
    """`wrong`: 1,500 messages a second, all of them wrong; `flood`: tiny frames of sound, as fast as the network takes them."""
    pieces, every_s = _flood(kind, recorded)

    async def measured() -> tuple[list[float], list[float], bool, float, float]:
        async with _beside(origin) as (good, listener):
            began, idle = time.monotonic(), sum(origin.process.cpu_times()[:2])
            await asyncio.sleep(WATCHED_S)
            attacked, calm = time.monotonic(), sum(origin.process.cpu_times()[:2]) - idle

            async def attack() -> None:
                while True:
                    await _say(origin, pieces, every_s=every_s)
                    await asyncio.sleep(0.05)

            attacking = asyncio.create_task(attack())
            await asyncio.sleep(WATCHED_S)
            busy = sum(origin.process.cpu_times()[:2]) - idle - calm
            without = listener.lateness(good.sent, began, attacked)
            beside = listener.lateness(good.sent, attacked, time.monotonic())
            attacking.cancel()
            await asyncio.wait([attacking])
            await asyncio.sleep(1)
        return without, beside, _is_untouched(listener), calm, busy

    without, beside, untouched, calm, busy = asyncio.run(measured())
    ratio = (statistics.median(beside) + GRAIN_S) / (statistics.median(without) + GRAIN_S)
    p95 = [statistics.quantiles(found, n=20)[-1] for found in (without, beside)]
    print(
        f"\na publisher with a key, {kind}: parts of the other late by {statistics.median(without) * 1000:.0f} ms without it and "
        f"{statistics.median(beside) * 1000:.0f} ms beside it (median; p95 {p95[0] * 1000:.0f} and {p95[1] * 1000:.0f} ms), ratio {ratio:.2f}; "
        f"{len(beside)} parts of {WATCHED_S / PART_S:.0f}; the origin's processor {calm / WATCHED_S:.2f} and {busy / WATCHED_S:.2f} of one; untouched: {untouched}"
    )
    assert untouched
    assert len(beside) > 0.8 * WATCHED_S / PART_S
    assert ratio < 3
