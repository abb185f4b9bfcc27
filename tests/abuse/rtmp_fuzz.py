"""Publishers made up from real ones: the messages of a session are changed, put in another order, and cut into chunks as no encoder would.

Everything comes from one seed number, so that what was found can be had again: `Fuzz(messages).session(seed)`.
"""

import math
import random
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from amphi.origin.config import Config
from amphi.origin.exceptions import AMFError, MediaError, RTMPError
from amphi.origin.rtmp import amf0
from amphi.origin.rtmp.chunks import ChunkReader, ChunkWriter, Message
from amphi.origin.rtmp.connection import Connection
from amphi.origin.rtmp.events import (
    AudioReceived,
    Event,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    VideoReceived,
)
from amphi.origin.stream import Stream

HANDSHAKE_BYTES = 1 + 2 * 1536
HANDSHAKE = b"\3" + bytes(HANDSHAKE_BYTES - 1)
NUMBERS = (0, 1, 2, 3, 4, 5, 6, 9, 22, 127, 128, 255, 256, 1_000, 4_096, 65_535, 65_536, 0xFFFFFF, 0x1000000)
NUMBERS += (0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
COMMANDS = (
    "connect",
    "createStream",
    "publish",
    "play",
    "play2",
    "FCPublish",
    "FCUnpublish",
    "releaseStream",
)
COMMANDS += (
    "closeStream",
    "deleteStream",
    "_checkbw",
    "pause",
    "seek",
    "",
    "\0",
    "onMetaData",
    "@setDataFrame",
)
CONTROLS = (1, 2, 3, 4, 5, 6)
AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
LONGEST_SESSION = 260


def messages_of(raw: bytes) -> list[Message]:
    """The messages of what a publisher sent, from its first byte on."""
    data, reader = bytearray(raw[HANDSHAKE_BYTES:]), ChunkReader()
    found = []
    for message in reader.read(data):
        if message.type_id == 1:
            reader.chunk_bytes = int.from_bytes(message.payload)
        else:
            found.append(message)
    return found


@dataclass(frozen=True)
class Session:
    """What a made up publisher sends, piece by piece."""

    pieces: list[bytes]
    messages: int


class Fuzz:
    """Makes sessions.

    Args:
        seeds: real sessions, each as its messages.
    """

    def __init__(self, *seeds: Sequence[Message]) -> None:
        self._seeds = seeds
        self._random = random.Random()

    def session(self, seed: int) -> Session:
        self._random = rnd = random.Random(seed)
        chosen = list(rnd.choice(self._seeds))
        first = next((at for at, found in enumerate(chosen) if found.type_id in {AUDIO, VIDEO}), 0)
        # Configurations stand first among the media.
        kept, media = chosen[: first + 4], chosen[first + 4 :]
        begin = rnd.randrange(max(1, len(media) - 40))
        messages = kept + media[begin : begin + rnd.randrange(20, LONGEST_SESSION)]
        for _ in range(rnd.choice((1, 2, 4, 8, 16, 40))):
            self._change(messages, anywhere=rnd.random() < 0.15, past=first)
        raw = self._handshake() + b"".join(self._chunks(messages))
        if rnd.random() < 0.15:
            raw = self._bytes(raw, past=HANDSHAKE_BYTES)
        return Session(self._pieces(raw), len(messages))

    def plain(self, more: Sequence[Message]) -> Session:
        """The first session as it was, and `more` behind it."""
        messages = [*self._seeds[0], *more]
        writer = ChunkWriter()
        raw = b"".join(writer.write(message, chunk_stream_id=4) for message in messages)
        return Session(self._pieces(HANDSHAKE + raw), len(messages))

    def _number(self) -> int:
        rnd = self._random
        return rnd.choice(NUMBERS) if rnd.random() < 0.7 else rnd.getrandbits(rnd.choice((8, 16, 24, 32)))

    def _handshake(self) -> bytes:
        if self._random.random() > 0.02:
            return HANDSHAKE
        return self._bytes(HANDSHAKE, past=0)

    # --- messages

    def _change(self, messages: list[Message], *, anywhere: bool, past: int) -> None:
        """Change one message, or the order. Most changes come after the publish, since a stranger is soon refused."""
        rnd = self._random
        at = rnd.randrange(0 if anywhere or past >= len(messages) else past, len(messages))
        ways: tuple[Callable[[list[Message], int], None], ...] = (
            self._change_payload,
            self._change_payload,
            self._change_payload,
            self._change_time,
            self._insert_control,
            self._insert_command,
            self._insert_data,
            self._repeat,
            self._swap,
            self._drop,
            self._retype,
            self._flood,
        )
        rnd.choice(ways)(messages, at)
        if not messages:
            messages.append(Message(self._random.randrange(256), 0, 0, b""))

    def _change_payload(self, messages: list[Message], at: int) -> None:
        message = messages[at]
        if message.type_id in {DATA, COMMAND} and self._random.random() < 0.6:
            payload = self._changed_values(message.payload)
        elif message.type_id in {AUDIO, VIDEO} and self._random.random() < 0.7:
            payload = self._changed_media(message.payload)
        else:
            payload = self._bytes(message.payload, past=0)
        messages[at] = replace(message, payload=payload)

    def _changed_media(self, body: bytes) -> bytes:
        """FLV's header bytes, the lengths of NAL units, configurations."""
        rnd, changed = self._random, bytearray(body)
        match rnd.randrange(7):
            case 0 if changed:
                changed[0] = rnd.choice((0x17, 0x27, 0x57, 0xAF, 0x0F, 0x2C, 0x80, 0x90, rnd.randrange(256)))
            case 1 if len(changed) > 1:
                changed[1] = rnd.choice((0, 1, 2, 255))
            case 2 if len(changed) > 5:
                changed[2:5] = (self._number() & 0xFFFFFF).to_bytes(3)
            case 3 if len(changed) > 9:
                changed[5:9] = self._number().to_bytes(4)
            case 4:
                del changed[rnd.randrange(len(changed) + 1) :]
            case 5:
                changed += rnd.randbytes(rnd.choice((1, 4, 60, 3_000)))
            case _:
                units = (
                    b"",
                    b"\6",
                    b"\6\xff\xff",
                    b"\6\1\0\6\1\x80",
                    b"\5x",
                    b"\1y",
                    b"\x1f",
                    b"\7",
                    b"\x0c\xff",
                )
                said = b"".join(
                    struct.pack(">I", rnd.choice((len(unit), 0, self._number()))) + unit
                    for unit in rnd.choices(units, k=rnd.randrange(1, 60))
                )
                changed[5:] = said
        return bytes(changed)

    def _changed_values(self, payload: bytes) -> bytes:
        try:
            values = amf0.decode(payload)
        except AMFError:
            return self._bytes(payload, past=0)
        values[self._random.randrange(len(values) + 1) :][:1] = []
        at = self._random.randrange(len(values) + 1)
        values[at : at + self._random.randrange(2)] = [self._value(0)]
        raw = amf0.encode(*values)
        return raw if self._random.random() < 0.7 else self._bytes(raw, past=0)

    def _value(self, depth: int) -> object:
        rnd = self._random
        names = ("app", "videocodecid", "audiocodecid", "width", "", "tcUrl", "x")
        plain: tuple[Callable[[], object], ...] = (
            lambda: rnd.choice((0.0, -1.0, math.nan, math.inf, 1e308, 5e-324, float(self._number()))),
            lambda: None,
            lambda: rnd.random() < 0.5,
            lambda: rnd.choice(COMMANDS),
            lambda: "x" * rnd.choice((0, 1, 40, 3_000, 70_000)),
            lambda: "é\0\n%0a/..?key=&&==%" * rnd.randrange(4),
        )
        nested: tuple[Callable[[], object], ...] = (
            lambda: {rnd.choice(names): self._value(depth + 1) for _ in range(rnd.randrange(4))},
            lambda: [self._value(depth + 1) for _ in range(rnd.randrange(4))],
            lambda: [[]] * rnd.choice((1, 100, 5_000)),
        )
        return rnd.choice(plain + nested if depth < 20 else plain)()

    def _change_time(self, messages: list[Message], at: int) -> None:
        by = self._number() if self._random.random() < 0.5 else -self._number()
        until = len(messages) if self._random.random() < 0.5 else at + 1
        same = self._random.random() < 0.1
        for index in range(at, until):
            moved = by & 0xFFFFFFFF if same else messages[index].timestamp + by & 0xFFFFFFFF
            messages[index] = replace(messages[index], timestamp=moved)

    def _insert_control(self, messages: list[Message], at: int) -> None:
        rnd = self._random
        payload = self._number().to_bytes(4) + rnd.randbytes(rnd.choice((0, 0, 1, 4)))
        kind = rnd.choice(CONTROLS)
        if kind == 4:
            payload = rnd.choice((0, 3, 6, 7, 31)).to_bytes(2) + payload
        messages.insert(at, Message(kind, 0, 0, payload[: rnd.choice((0, 2, 4, 6, 10))]))

    def _insert_command(self, messages: list[Message], at: int) -> None:
        values: list[object] = [self._random.choice(COMMANDS), float(self._random.randrange(5))]
        values += [self._value(0) for _ in range(self._random.randrange(4))]
        messages.insert(at, Message(self._random.choice((17, 20)), 1, 0, amf0.encode(*values)))

    def _insert_data(self, messages: list[Message], at: int) -> None:
        described = {"videocodecid": self._value(18), "audiocodecid": self._value(18), "x": self._value(0)}
        raw = amf0.encode("@setDataFrame", "onMetaData", described)
        messages.insert(at, Message(self._random.choice((15, 18)), 1, 0, raw))

    def _repeat(self, messages: list[Message], at: int) -> None:
        messages[at:at] = messages[at : at + self._random.choice((1, 1, 5, 30))]

    def _swap(self, messages: list[Message], at: int) -> None:
        other = min(len(messages) - 1, at + self._random.randrange(1, 6))
        messages[at], messages[other] = messages[other], messages[at]

    def _drop(self, messages: list[Message], at: int) -> None:
        del messages[at : at + self._random.choice((1, 1, 3, 20))]

    def _retype(self, messages: list[Message], at: int) -> None:
        kind = self._random.choice((1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 18, 19, 20, 22, 255))
        messages[at] = replace(messages[at], type_id=kind)

    def _flood(self, messages: list[Message], at: int) -> None:
        """Many of what costs the publisher a few bytes."""
        rnd = self._random
        one = rnd.choice((b"", b"\x27\1\0\0\0x", b"\xaf\1x", b"\x17\1\0\0\0\0\0\0\1\5", b"\0\6\0\0\0\0"))
        kind = rnd.choice((AUDIO, VIDEO, 4, 3, 255))
        time_ms = messages[at].timestamp
        messages[at:at] = [Message(kind, 1, time_ms, one)] * rnd.choice((10, 100, 400))

    # --- chunks and bytes

    def _chunks(self, messages: Sequence[Message]) -> Iterator[bytes]:
        """Cut messages into chunks, with every form of header that the specification has, and two messages at once."""
        rnd = self._random
        size = 128
        streams = rnd.choice(((4,), (4, 6), (3, 4, 5, 6), (4, 64, 319, 320, 65_599)))
        before: dict[int, Message] = {}
        waiting: Iterator[bytes] = iter(())
        for message in messages:
            if rnd.random() < 0.01:
                size = rnd.choice((1, 2, 7, 128, 4_096, 65_536, 0x7FFFFFFF))
                yield b"\2\0\0\0\0\0\4\1\0\0\0\0" + size.to_bytes(4)
            elif message.type_id == 1:
                size = (
                    max(1, min(int.from_bytes(message.payload[:4]), 0x7FFFFFFF))
                    if rnd.random() < 0.7
                    else size
                )
            if len(message.payload) // size > 300:
                continue
            chunk_stream = rnd.choice(streams)
            cut = self._cut(message, before.get(chunk_stream), chunk_stream, size)
            before[chunk_stream] = message
            if len(streams) > 1 and rnd.random() < 0.02:
                waiting = cut
                continue
            yield from cut
            yield from waiting
            waiting = iter(())

    def _cut(self, message: Message, before: Message | None, chunk_stream: int, size: int) -> Iterator[bytes]:
        rnd = self._random
        form = 0
        step = message.timestamp
        if before is not None and before.timestamp <= message.timestamp and rnd.random() < 0.9:
            form = (
                1 if (before.type_id, len(before.payload)) != (message.type_id, len(message.payload)) else 2
            )
            form = form if before.stream_id == message.stream_id else 0
            step = message.timestamp - before.timestamp if form else step
        if rnd.random() < 0.002:
            form = rnd.randrange(4)
        extended = b""
        if step >= 0xFFFFFF:
            extended, step = step.to_bytes(4), 0xFFFFFF
        length = len(message.payload) if rnd.random() > 0.001 else self._number() & 0xFFFFFF
        head = step.to_bytes(3) + length.to_bytes(3) + bytes([message.type_id & 0xFF])
        head += message.stream_id.to_bytes(4, "little")
        yield _basic(form, chunk_stream) + head[: (11, 7, 3, 0)[form]] + (extended if form < 3 else b"")
        yield message.payload[:size]
        repeats = rnd.random() < 0.8
        for at in range(size, len(message.payload), size):
            yield _basic(3, chunk_stream) + (extended if repeats else b"")
            yield message.payload[at : at + size]

    def _bytes(self, raw: bytes, *, past: int) -> bytes:
        rnd, changed = self._random, bytearray(raw)
        for _ in range(rnd.choice((1, 1, 2, 5))):
            at = rnd.randrange(min(past, len(changed)), len(changed) + 1)
            match rnd.randrange(5):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << rnd.randrange(8)
                case 1 if at < len(changed):
                    changed[at] = rnd.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 2:
                    changed[at:at] = rnd.randbytes(rnd.choice((1, 2, 30)))
                case 3:
                    del changed[at : at + rnd.choice((1, 2, 30))]
                case _:
                    changed[at : at + 4] = self._number().to_bytes(4)
        return bytes(changed)

    def _pieces(self, raw: bytes) -> list[bytes]:
        most = self._random.choice((7, 900, 4_096, 65_536))
        if len(raw) > 2_000 * most:
            most = 4_096
        return [raw[at : at + most] for at in range(0, len(raw), most)]


def _basic(form: int, chunk_stream: int) -> bytes:
    if chunk_stream < 64:
        return bytes([form << 6 | chunk_stream])
    if chunk_stream < 320:
        return bytes([form << 6, chunk_stream - 64])
    return bytes([form << 6 | 1]) + (chunk_stream - 64).to_bytes(2, "little")


class Counted(Connection):
    """Counts the messages that arrived."""

    arrived = 0

    def _receive_message(self, message: Message) -> None:
        self.arrived += 1
        super()._receive_message(message)


class Target:
    """What a publisher's connection does with its bytes, without the socket."""

    def __init__(self) -> None:
        self.connection = Counted()
        self.stream: Stream | None = None
        self.ended_by = ""
        self.slowest_s = 0.0

    def run(self, session: Session) -> None:
        """Take a session to its end, or until it is refused as it should be."""
        try:
            for piece in session.pieces:
                began = time.thread_time()
                self._handle(self.connection.receive_data(piece))
                self.connection.data_to_send()
                self.slowest_s = max(self.slowest_s, time.thread_time() - began)
                self._check_bounds(len(piece))
        except (RTMPError, MediaError) as error:
            self.ended_by = type(error).__name__
        if self.stream is not None:
            self._finish(self.stream)

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case PublishRequested():
                    self.stream = self.stream or Stream(
                        "fuzz", Config(), first_number=1, now=datetime.now(UTC)
                    )
                    self._handle(self.connection.accept_publish())
                case PublishEnded() if self.stream is not None:
                    self.stream.segmenter.flush()
                    self.stream.segmenter.begin()
                case VideoReceived(timestamp, payload) if self.stream is not None:
                    self.stream.receive(self.stream.segmenter.receive_video, timestamp, payload)
                case AudioReceived(timestamp, payload) if self.stream is not None:
                    self.stream.receive(self.stream.segmenter.receive_audio, timestamp, payload)
                case MetadataReceived(values) if self.stream is not None:
                    self.stream.segmenter.receive_metadata(values)

    def _check_bounds(self, piece_bytes: int) -> None:
        """What one peer makes us keep is bounded."""
        reader = self.connection._reader
        limits = reader.limits
        assert reader._pending_bytes <= limits.pending_bytes + piece_bytes
        assert len(reader._streams) <= limits.chunk_streams
        assert len(self.connection._received) <= limits.message_bytes + 2 * 65_536
        assert len(self.connection._to_send) == 0

    @staticmethod
    def _finish(stream: Stream) -> None:
        """The end, and all that listeners can ask for."""
        stream.end()
        stream.statistics()
        if stream.playlist.ready:
            stream.multivariant_playlist()
            for sound in (False, True):
                stream.media_playlist(sound=sound)
            assert stream.playlist._kept_bytes <= stream.playlist.max_bytes
