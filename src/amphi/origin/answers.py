"""The origin's answers, and their heads."""

import functools
import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple

PLAYLIST_TYPE = b"application/vnd.apple.mpegurl"
MP4_TYPE = b"video/mp4"
SOUND_TYPE = b"audio/mp4"
JSON_TYPE = b"application/json"
TEXT_TYPE = b"text/plain; charset=utf-8"
IMMUTABLE = b"public, max-age=31536000, immutable"
# Browsers ask each time; a shared cache needs only one request per second for all of them.
SHORT = b"public, max-age=0, s-maxage=1"
NEVER = b"no-store"


class Answer(NamedTuple):
    """An answer. The pieces of its body are sent as they are, without copying them together."""

    status: int
    content_type: bytes
    cache: bytes
    body: Sequence[bytes]
    size_bytes: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


def plain(status: int, content_type: bytes, cache: bytes, body: bytes) -> Answer:
    return Answer(status, content_type, cache, (body,), len(body))


def refusal(status: int, reason: str, cache: bytes = NEVER) -> Answer:
    return plain(status, TEXT_TYPE, cache, f"{reason}\n".encode())


def as_json(content: object) -> Answer:
    return plain(200, JSON_TYPE, NEVER, json.dumps(content).encode())


# A playlist that fits a network packet gains nothing.
PACKED_FROM_BYTES = 1_000
VARIES = ((b"vary", b"accept-encoding"),)
PACKED = (*VARIES, (b"content-encoding", b"gzip"))


@functools.lru_cache(maxsize=64)
def _gzip(playlist: bytes) -> bytes:
    """Compress a playlist, once for all who ask for this state of it."""
    return zlib.compress(playlist, level=6, wbits=31)


def packed(answer: Answer, accepted: bytes) -> Answer:
    """A playlist, compressed if it is worth it and the client takes that. Players load one with each part."""
    if answer.content_type != PLAYLIST_TYPE:
        return answer
    status, content_type, cache, body, size_bytes, _ = answer
    if size_bytes < PACKED_FROM_BYTES or b"gzip" not in accepted:
        # Several times as fast as `_replace`.
        return Answer(status, content_type, cache, body, size_bytes, VARIES)
    zipped = _gzip(b"".join(body))
    return Answer(status, content_type, cache, (zipped,), len(zipped), PACKED)


_OPEN = b"content-type: %b\r\ncontent-length: %d\r\ncache-control: %b\r\naccess-control-allow-origin: *\r\n"
# Where any page may play, by the other headers of the answer.
OPEN_HEADS: dict[tuple[tuple[bytes, bytes], ...], bytes] = {
    others: _OPEN + b"".join(b"%b: %b\r\n" % pair for pair in others) for others in ((), VARIES, PACKED)
}
