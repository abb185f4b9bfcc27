"""Listeners of an event stream, thousands in one process: honest clients, which resume where they were and check all they hear."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MESSAGE = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: ([^\n]*)\n\n")
SNAPSHOT = re.compile(rb'event: snapshot\ndata: \{"seq":(\d+)')
STAMP = re.compile(rb'"text":"\d+ (\d+\.\d+) ')
"""How senders begin a message: its number, and when it was sent."""
RETRY = re.compile(rb"retry: (\d+)\n")
AT_ONCE = 50
PATIENCE_S = 60.0
_MEMO = 512


class Piece(NamedTuple):
    """What a piece of a stream holds: its first and last number, and when its chat messages were sent."""

    first: int
    last: int
    sent: tuple[float, ...]


@dataclass
class Heard:
    """What all the listeners heard.

    Attributes:
        content: kind and data of each number; all must hear the same.
        faults: sentences, each about something that must not happen.
        delays_ms: how many deliveries took so many milliseconds.
        caught_up: deliveries of what was sent while the listener was away.
        deliveries: all of them, whatever their kind.
    """

    content: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    delays_ms: Counter[int] = field(default_factory=Counter)
    caught_up: int = 0
    deliveries: int = 0
    _pieces: dict[bytes, Piece | None] = field(default_factory=dict)

    def read(self, data: bytes) -> Piece | None:
        """What `data` holds. Most listeners get the same bytes, which are read once."""
        if data not in self._pieces:
            if len(self._pieces) > _MEMO:
                self._pieces.clear()
            self._pieces[data] = self._parse(data)
        return self._pieces[data]

    def _parse(self, data: bytes) -> Piece | None:
        numbers, sent = [], []
        for found in MESSAGE.finditer(data):
            number, said = int(found[1]), (found[2], found[3])
            if self.content.setdefault(number, said) != said:
                self.faults.append(f"two listeners heard different messages {number}")
            numbers.append(number)
            if found[2] == b"message" and (stamp := STAMP.search(found[3])):
                sent.append(float(stamp[1]))
        if not numbers:
            return None
        if numbers != list(range(numbers[0], numbers[-1] + 1)):
            self.faults.append(f"out of order: {numbers[:10]}")
        return Piece(numbers[0], numbers[-1], tuple(sent))


class Listener(asyncio.Protocol):
    """One listener.

    Args:
        heard: where all of them write down what they hear.
        address: host and port of the web server.
        path: of the stream, with the listener's ticket.
    """

    def __init__(self, heard: Heard, address: tuple[str, int], path: str) -> None:
        self.heard = heard
        self.last: int | None = None
        self._address = address
        self._path = path
        self._buffer = b""
        self._since = 0.0
        self._retry_s = 1.0
        self._transport: asyncio.Transport | None = None
        self._ready = asyncio.Event()
        self._leaves = False

    async def connect(self) -> None:
        """Open the stream; a listener that was there goes on after the last message that it heard."""
        self._buffer, self._leaves = b"", False
        self._ready.clear()
        self._transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, *self._address)
        resume = "" if self.last is None else f"Last-Event-ID: {self.last}\r\n"
        head = f"GET {self._path} HTTP/1.1\r\nHost: {self._address[0]}:{self._address[1]}\r\n{resume}\r\n"
        self._since = time.time()
        self._transport.write(head.encode())
        async with asyncio.timeout(PATIENCE_S):
            await self._ready.wait()

    def drop(self) -> None:
        """Lose the connection, as in a tunnel."""
        self.leave()

    def leave(self) -> None:
        """Close the stream."""
        self._leaves = True
        if self._transport is not None:
            self._transport.abort()

    async def come_back(self) -> None:
        """Reconnect as a browser does: after the time that the stream named."""
        await asyncio.sleep(self._retry_s)
        await self.connect()

    def connection_lost(self, error: Exception | None) -> None:
        """Only a listener that leaves may lose its stream."""
        if not self._leaves:
            self.heard.faults.append(f"a stream ended by itself: {error or self._buffer[:80]!r}")

    def data_received(self, data: bytes) -> None:
        """Take what came up to the end of its last whole message."""
        self._buffer += data
        if not self._ready.is_set() and not self._begin():
            return
        end = self._buffer.rfind(b"\n\n") + 2
        if end < 2:  # noqa: PLR2004 -- no whole message
            return
        piece = self.heard.read(self._buffer[:end])
        self._buffer = self._buffer[end:]
        if piece is not None:
            self._take(piece)

    def _begin(self) -> bool:
        """Whether the stream began: with 200, and a snapshot that says where it stands."""
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            if b"\r\n\r\n" in self._buffer:
                self.heard.faults.append(f"refused: {self._buffer[:60]!r}")
                self._ready.set()
            return False
        snapshot = SNAPSHOT.search(self._buffer)
        if snapshot is None:
            return False
        if self.last is None:
            self.last = int(snapshot[1])
        if retry := RETRY.search(self._buffer):
            self._retry_s = int(retry[1]) / 1000
        self._ready.set()
        return True

    def _take(self, piece: Piece) -> None:
        if self.last is None or piece.first != self.last + 1:
            self.heard.faults.append(f"after {self.last} came {piece.first}")
        self.last = piece.last
        self.heard.deliveries += piece.last - piece.first + 1
        now = time.time()
        for sent in piece.sent:
            if sent < self._since:
                self.heard.caught_up += 1
            else:
                self.heard.delays_ms[int(1000 * (now - sent))] += 1


async def connect(listeners: Sequence[Listener]) -> None:
    """Open all the streams, some at a time."""
    for start in range(0, len(listeners), AT_ONCE):
        await asyncio.gather(*(one.connect() for one in listeners[start : start + AT_ONCE]))


async def drop_some(listeners: Sequence[Listener], count: int) -> None:
    """Have `count` listeners lose their connection in the same moment, and come back."""
    chosen = random.sample(list(listeners), count)
    for one in chosen:
        one.drop()
    await asyncio.gather(*(one.come_back() for one in chosen))


async def wait_until(listeners: Sequence[Listener], number: int) -> None:
    """Wait until each has heard message `number`.

    Raises:
        TimeoutError: some did not in time.
    """
    async with asyncio.timeout(PATIENCE_S):
        while any((one.last or 0) < number for one in listeners):  # noqa: ASYNC110 -- thousands of events would cost more
            await asyncio.sleep(0.05)


def percentile(delays_ms: Counter[int], part: float) -> int:
    """The delay that `part` of the deliveries did not exceed, in milliseconds."""
    wanted = part * delays_ms.total()
    for delay in sorted(delays_ms):
        wanted -= delays_ms[delay]
        if wanted <= 0:
            return delay
    return 0
