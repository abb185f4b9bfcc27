"""FLV as a stream of bytes, as ffmpeg reads and writes it ("Video File Format", 10.1, annex E)."""

from collections.abc import Iterator
from typing import NamedTuple

FILE_HEADER_BYTES, TAG_HEADER_BYTES, BACK_POINTER_BYTES = 13, 11, 4
AUDIO_TAG, VIDEO_TAG = 8, 9
PICTURES_ONLY = b"FLV\1\1\0\0\0\x09" + bytes(BACK_POINTER_BYTES)
"""The header of a file that has pictures and no sound."""


class Tag(NamedTuple):
    """One tag; its time is in ms."""

    kind: int
    at_ms: int
    body: bytes


class TagReader:
    """Takes a file in any pieces, and gives its tags."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._to_skip = FILE_HEADER_BYTES

    def feed(self, data: bytes) -> Iterator[Tag]:
        """The tags that are complete with these bytes."""
        self._received += data
        at = self._to_skip
        while at + TAG_HEADER_BYTES <= len(self._received):
            head = self._received[at : at + TAG_HEADER_BYTES]
            begin = at + TAG_HEADER_BYTES
            end = begin + int.from_bytes(head[1:4])
            if end + BACK_POINTER_BYTES > len(self._received):
                break
            yield Tag(
                head[0] & 0x1F, int.from_bytes(head[4:7]) | head[7] << 24, bytes(self._received[begin:end])
            )
            at = end + BACK_POINTER_BYTES
        if at > self._to_skip or not self._to_skip:
            del self._received[:at]
            self._to_skip = 0


def write_tag(tag: Tag) -> bytes:
    """A tag's bytes."""
    size = len(tag.body)
    low, high = tag.at_ms & 0xFFFFFF, tag.at_ms >> 24 & 0xFF
    head = bytes([tag.kind]) + size.to_bytes(3) + low.to_bytes(3) + bytes([high, 0, 0, 0])
    return head + tag.body + (TAG_HEADER_BYTES + size).to_bytes(4)
