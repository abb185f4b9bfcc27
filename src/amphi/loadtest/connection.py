"""HTTP/1.1 as far as a simulated listener needs it: small, since thousands of connections share one process.

All connections read into one buffer, whose content is used before the next one reads. A request is answered before the next is sent.
"""

import asyncio
import functools
import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from amphi.loadtest.exceptions import ConnectionFailedError

MOST_HEAD_BYTES = 64 * 1024
MOST_BODY_BYTES = 8 * 2**20
PATIENCE_S = 30.0
"""How long an answer may take; a blocking playlist request takes a few seconds."""
SLOW_BYTES = 4 * 1024
"""How much a slow line takes at once."""
_READ_BYTES = 256 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,12})\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
LAST_CHUNK = b"0\r\n\r\n"
_shared = bytearray(_READ_BYTES)
_view = memoryview(_shared)
_slow_view = _view[:SLOW_BYTES]
Sink = Callable[[bytes], None]


class Head(NamedTuple):
    """What the head of an answer says: its body's length, whether that comes in chunks, and whether the connection ends with it."""

    status: int
    length: int
    is_chunked: bool
    is_last: bool


@functools.lru_cache(maxsize=256)
def _understood(head: bytes) -> Head:
    """Who ask for the same thing in the same second get the same head: it is read once for all of them."""
    length = _LENGTH.search(head)
    return Head(
        int(head[9:12]),
        int(length[1]) if length else 0,
        _CHUNKED.search(head) is not None,
        _LAST.search(head) is not None,
    )


class Answer(NamedTuple):
    """An answer; `size_bytes` counts a body that was not kept as well."""

    status: int
    head: bytes
    body: bytes
    size_bytes: int


def unchunked(data: bytes) -> bytes | None:
    """The content of whole chunks (RFC 9112, 7.1); None when the last one is not whole."""
    at, pieces = 0, []
    while at < len(data):
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(data[at:end].split(b";")[0], 16)
        at = end + 2 + size + 2
        if at > len(data):
            return None
        pieces.append(data[end + 2 : end + 2 + size])
    return b"".join(pieces)


def begun_chunks(data: bytes, left: int) -> tuple[bytes, bytes, int, bool]:
    """The content of chunks as far as it has come (RFC 9112, 7.1).

    Args:
        data: what came.
        left: how many bytes of a chunk that has begun are still to come, with the line's end after it.

    Returns:
        The content; what of the data is the beginning of a chunk's head; how many bytes are now to come; whether the last chunk was among them.
    """
    at, pieces, is_end = 0, [], False
    while at < len(data):
        if not left:
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            size = int(data[at:end].split(b";")[0], 16)
            is_end = is_end or not size
            at, left = end + 2, size + 2
        taken = data[at : at + left]
        pieces.append(taken[: max(0, left - 2)])
        at += len(taken)
        left -= len(taken)
    return b"".join(pieces), data[at:], left, is_end


class Connection(asyncio.BufferedProtocol):
    """One connection.

    Args:
        overdue: of all connections, those that wait for an answer, each with the time until which it may.
        bytes_per_s: how much a slow line carries; 0 for one that is not slow.
    """

    __slots__ = (
        "_answer",
        "_bytes_per_s",
        "_content",
        "_ended",
        "_head",
        "_keeps",
        "_left",
        "_loop",
        "_overdue",
        "_said",
        "_sink",
        "_size",
        "_transport",
    )  # fmt: skip

    def __init__(self, overdue: "dict[Connection, float]", bytes_per_s: int = 0) -> None:
        self._loop = asyncio.get_running_loop()
        self._overdue = overdue
        self._bytes_per_s = bytes_per_s
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._keeps = True
        self._head = b""
        self._content: list[bytes] = []
        self._left = 0
        self._size = 0
        self._said: Head | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, *, keeps: bool = True) -> asyncio.Future[Answer]:
        """Send a request.

        Args:
            request: head and body.
            keeps: whether the body is wanted, not only its size.

        Returns:
            The answer to come; it fails with `ConnectionFailedError`.
        """
        self._head = b""
        self._said = None
        self._content = []
        self._left = self._size = 0
        self._keeps = keeps
        self._sink = None
        self._answer = waiting = self._loop.create_future()
        transport = self._transport
        if transport is None or transport.is_closing():
            self._fail("the connection is closed")
            return waiting
        self._overdue[self] = self._loop.time() + PATIENCE_S
        transport.write(request)
        return waiting

    async def follow(self, request: bytes, sink: Sink) -> Answer:
        """Ask for a stream: the answer is given at once, and what comes afterwards goes to `sink`, in chunks as they were sent.

        Raises:
            ConnectionFailedError: it broke off before the answer began.
        """
        waiting = self.ask(request)
        self._sink = sink
        return await waiting

    async def end(self) -> None:
        """Wait until the connection is gone."""
        if self._transport is None:
            return
        if self._ended is None:
            self._ended = self._loop.create_future()
        await self._ended

    def narrow(self) -> None:
        """Have the kernel take little in advance: a slow line's server is to feel it."""
        found = self._transport.get_extra_info("socket") if self._transport is not None else None
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)

    def give_up(self) -> None:
        """No answer came in time."""
        self._fail(f"no answer in {PATIENCE_S:.0f} s")
        self.close()

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- the loop's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        self._fail(str(exc or "closed by the server"))
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- the loop's
        """The buffer of all connections."""
        return _slow_view if self._bytes_per_s else _view

    def buffer_updated(self, nbytes: int) -> None:
        """Use what came."""
        if self._bytes_per_s:
            self._rest(nbytes)
        if self._sink is not None and self._answer is None:
            self._sink(bytes(_view[:nbytes]))
        elif self._answer is not None:
            self._read(nbytes)

    def _rest(self, nbytes: int) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._loop.call_later(nbytes / self._bytes_per_s, self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- one answer

    def _read(self, nbytes: int) -> None:
        """So much of the shared buffer is new. What comes with the head is copied only if it is wanted: mostly it is a whole part."""
        if self._said is not None:
            self._take(self._said, _view[:nbytes])
            return
        at = 0 if self._head else _shared.find(b"\r\n\r\n", 0, nbytes)
        if at > 0:
            self._head = bytes(_view[: at + 2])
            self._begin(_view[at + 4 : nbytes])
            return
        self._head += _view[:nbytes]
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MOST_HEAD_BYTES:
                self.close()
            return
        rest = memoryview(self._head)[end + 4 :]
        self._head = self._head[: end + 2]
        self._begin(rest)

    def _begin(self, rest: memoryview) -> None:
        """The head is whole, and `rest` came with it."""
        try:
            self._said = said = _understood(self._head)
        except ValueError:
            self.close()
            return
        if self._sink is not None and said.status == HTTPStatus.OK and said.is_chunked:
            sink = self._sink
            self._done(said)
            if rest:
                sink(bytes(rest))
            return
        self._sink = None
        self._left = said.length
        if self._left > MOST_BODY_BYTES:
            self.close()
        elif not self._left and not said.is_chunked:
            self._done(said)
        else:
            self._take(said, rest)

    def _take(self, said: Head, data: memoryview) -> None:
        if not self._keeps and not said.is_chunked:
            self._left -= len(data)
            if self._left <= 0:
                self._done(said)
            return
        self._size += len(data)
        if self._size > MOST_BODY_BYTES:
            self.close()
            return
        self._content.append(bytes(data))
        if not said.is_chunked:
            self._left -= len(data)
            if self._left <= 0:
                self._done(said)
        elif self._content[-1].endswith(LAST_CHUNK) or b"".join(self._content).endswith(LAST_CHUNK):
            self._done(said)

    def _done(self, said: Head) -> None:
        body = b""
        if self._content:
            body = b"".join(self._content)
            self._content = []
            if said.is_chunked:
                body = unchunked(body) or b""
        waiting, self._answer = self._answer, None
        self._overdue.pop(self, None)
        self._left = 0
        if said.is_last:
            self.close()
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(said.status, self._head, body, said.length or len(body)))

    def _fail(self, reason: str) -> None:
        waiting, self._answer = self._answer, None
        self._overdue.pop(self, None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(ConnectionFailedError(reason))
            # Whoever asked may be gone: then nobody is to be told.
            waiting.exception()
