"""RTMP's chunk stream: cuts messages into chunks, and joins chunks to messages (RTMP 1.0, section 5.3)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from amphi.origin.exceptions import ChunkError

DEFAULT_CHUNK_BYTES = 128
EXTENDED = 0xFFFFFF
TIMESTAMP_MASK = 0xFFFFFFFF
HEADER_BYTES = (11, 7, 3, 0)
FULL, SAME_STREAM, DELTA_ONLY, NO_HEADER = range(4)


@dataclass(frozen=True, slots=True)
class Message:
    """One RTMP message.

    Attributes:
        type_id: the type of message (RTMP 1.0, section 7.1).
        stream_id: its message stream; 0 is the connection itself.
        timestamp: in ms, modulo 2**32.
        payload: its content.
    """

    type_id: int
    stream_id: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """Limits of the memory that one peer can use.

    Attributes:
        message_bytes: the size of one message.
        chunk_streams: the number of chunk streams in use.
        pending_bytes: the size of all incomplete messages together.
        chunks: the number of chunks since the connection's beginning; None for any.
    """

    message_bytes: int = 8 * 2**20
    chunk_streams: int = 64
    pending_bytes: int = 16 * 2**20
    chunks: int | None = None


@dataclass(slots=True)
class _ChunkStream:
    """The state of a chunk stream between chunks."""

    timestamp: int = 0
    delta: int = 0
    extended: int | None = None
    length: int = 0
    type_id: int = 0
    stream_id: int = 0
    payload: bytearray = field(default_factory=bytearray)
    receiving: bool = False


class ChunkReader:
    """Joins the peer's chunks to messages."""

    def __init__(self, limits: ChunkLimits | None = None) -> None:
        self.limits = limits or ChunkLimits()
        self._streams: dict[int, _ChunkStream] = {}
        self._pending_bytes = 0
        self._chunks = 0
        self.chunk_bytes = DEFAULT_CHUNK_BYTES

    def read(self, data: bytearray) -> Iterator[Message]:
        """Remove complete chunks from the front of `data`, and yield the messages that they complete.

        The caller may stop after any message: the rest stays in `data`. `chunk_bytes` may change between two messages.

        Raises:
            ChunkError: a chunk continues no message, or exceeds the limits.
        """
        while True:
            read = self._read_chunk(data)
            if read is None:
                return
            consumed, message = read
            del data[:consumed]
            self._chunks += 1
            if self.limits.chunks is not None and self._chunks > self.limits.chunks:
                raise ChunkError(f"more than {self.limits.chunks} chunks before it publishes")
            if message is not None:
                yield message

    def abort(self, chunk_stream_id: int) -> None:
        """Drop the incomplete message of a chunk stream (RTMP 1.0, section 5.4.2)."""
        stream = self._streams.get(chunk_stream_id)
        if stream is not None:
            self._pending_bytes -= len(stream.payload)
            stream.payload = bytearray()
            stream.receiving = False

    def _read_chunk(self, data: bytearray) -> tuple[int, Message | None] | None:
        """Read one chunk. Returns its length and the message that it completes, if any; None when the chunk is incomplete."""
        basic = _basic_header(data)
        if basic is None:
            return None
        form, chunk_stream_id, at = basic
        header = bytes(data[at : at + HEADER_BYTES[form]])
        at += HEADER_BYTES[form]
        if len(data) < at:
            return None
        stream = self._stream(chunk_stream_id, form)
        extended = _extended_timestamp(stream, form, header, data, at)
        if extended is None:
            return None
        timestamp_field, at = extended
        length = int.from_bytes(header[3:6]) if form <= SAME_STREAM else stream.length
        if length > self.limits.message_bytes:
            raise ChunkError(
                f"a message of {length} bytes is beyond the limit of {self.limits.message_bytes}"
            )
        taken = min(self.chunk_bytes, length - len(stream.payload))
        if len(data) < at + taken:
            return None
        self._apply_header(stream, form, header, timestamp_field)
        return at + taken, self._append(stream, bytes(data[at : at + taken]))

    def _stream(self, chunk_stream_id: int, form: int) -> _ChunkStream:
        stream = self._streams.get(chunk_stream_id)
        if stream is None:
            if form in {DELTA_ONLY, NO_HEADER}:
                raise ChunkError(f"chunk stream {chunk_stream_id} starts without a header")
            if len(self._streams) >= self.limits.chunk_streams:
                raise ChunkError(f"more than {self.limits.chunk_streams} chunk streams")
            stream = self._streams[chunk_stream_id] = _ChunkStream()
        if stream.receiving and form != NO_HEADER:
            # A full header in the middle of a message drops that message, as in other servers.
            self.abort(chunk_stream_id)
        return stream

    @staticmethod
    def _apply_header(stream: _ChunkStream, form: int, header: bytes, timestamp_field: int) -> None:
        if stream.receiving:
            return
        stream.receiving = True
        if form <= SAME_STREAM:
            stream.length = int.from_bytes(header[3:6])
            stream.type_id = header[6]
        if form == FULL:
            stream.stream_id = int.from_bytes(header[7:11], "little")
            stream.timestamp = stream.delta = timestamp_field
            return
        if form != NO_HEADER:
            stream.delta = timestamp_field
        stream.timestamp = (stream.timestamp + stream.delta) & TIMESTAMP_MASK

    def _append(self, stream: _ChunkStream, fragment: bytes) -> Message | None:
        stream.payload += fragment
        self._pending_bytes += len(fragment)
        if self._pending_bytes > self.limits.pending_bytes:
            raise ChunkError("too many bytes in incomplete messages")
        if len(stream.payload) < stream.length:
            return None
        payload = bytes(stream.payload)
        self._pending_bytes -= len(payload)
        stream.payload = bytearray()
        stream.receiving = False
        return Message(stream.type_id, stream.stream_id, stream.timestamp, payload)


def _basic_header(data: bytearray) -> tuple[int, int, int] | None:
    """The chunk's form, its chunk stream id and the header's length in bytes (RTMP 1.0, section 5.3.1.1)."""
    if not data:
        return None
    form, chunk_stream_id = data[0] >> 6, data[0] & 0x3F
    if chunk_stream_id > 1:
        return form, chunk_stream_id, 1
    length = 2 + chunk_stream_id
    if len(data) < length:
        return None
    return form, 64 + int.from_bytes(data[1:length], "little"), length


def _extended_timestamp(
    stream: _ChunkStream, form: int, header: bytes, data: bytearray, at: int
) -> tuple[int, int] | None:
    """The chunk's timestamp field and where its payload starts; None when the field is incomplete."""
    if form == NO_HEADER:
        if stream.extended is None:
            return 0, at
    else:
        short = int.from_bytes(header[:3])
        if short != EXTENDED:
            stream.extended = None
            return short, at
    there = bytes(data[at : at + 4])
    if (
        form == NO_HEADER
        and stream.extended is not None
        and not stream.extended.to_bytes(4).startswith(there)
    ):
        # Against section 5.3.1.3, some encoders omit the field in chunks without a header.
        return stream.extended, at
    if len(there) < 4:  # noqa: PLR2004 -- a 32-bit field
        return None
    extended = int.from_bytes(there)
    stream.extended = extended
    return extended, at + 4


class ChunkWriter:
    """Cuts messages into chunks. Headers are always full, since this server sends little."""

    def __init__(self) -> None:
        self.chunk_bytes = DEFAULT_CHUNK_BYTES

    def write(self, message: Message, *, chunk_stream_id: int) -> bytes:
        """Cut one message into chunks of at most `chunk_bytes`.

        Args:
            message: the message.
            chunk_stream_id: 2 to 63.
        """
        payload = message.payload
        extended = b""
        timestamp = message.timestamp
        if timestamp >= EXTENDED:
            extended, timestamp = struct.pack(">I", timestamp), EXTENDED
        head = timestamp.to_bytes(3) + len(payload).to_bytes(3) + bytes([message.type_id])
        written = bytearray([chunk_stream_id]) + head + message.stream_id.to_bytes(4, "little") + extended
        written += payload[: self.chunk_bytes]
        for at in range(self.chunk_bytes, len(payload), self.chunk_bytes):
            written += bytes([NO_HEADER << 6 | chunk_stream_id]) + extended
            written += payload[at : at + self.chunk_bytes]
        return bytes(written)
