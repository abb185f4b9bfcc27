"""What a player needs of a media playlist. All players get the same ones, so each is read once."""

import functools
import itertools
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')
_GZIP = 31
_MOST_BYTES = 2**20


class Part(NamedTuple):
    """A part.

    Attributes:
        place: its segment's number, and its own in there.
        uri: relative to the playlist.
        duration_s: its duration.
        ends_at: when it ended, by the live server's clock, in seconds; 0 when unknown.
        is_start: whether a player can begin with it.
    """

    place: tuple[int, int]
    uri: str
    duration_s: float
    ends_at: float
    is_start: bool


@dataclass
class MediaPlaylist:
    """A media playlist as a player sees it.

    Attributes:
        parts: those it lists, in order.
        init: the address of the init segment; empty where a delta update has none.
        next: the place of the part to come.
        hold_back_s: how far from the end a player begins.
        blocks: whether a request for `next` waits for it.
        skips: whether a delta update can be had.
        has_ended: nothing more will come.
        asks: the directives with which hls.js asks for the next one; empty where that does not wait.
    """

    parts: list[Part] = field(default_factory=list)
    init: str = ""
    next: tuple[int, int] = (0, 0)
    hold_back_s: float = 0.0
    blocks: bool = False
    skips: bool = False
    has_ended: bool = False
    asks: bytes = b""
    _number: int = 0
    _part: int = 0
    _at: float = 0.0

    def take(self, line: str) -> None:
        """Read one line."""
        tag, _, value = line.partition(":")
        if line and not line.startswith("#"):
            self._number += 1
            self._part = 0
            self._at = 0.0
        elif tag == "#EXT-X-MEDIA-SEQUENCE":
            self._number = int(value)
        elif tag == "#EXT-X-SKIP":
            self._number += int(_attributes(value)["SKIPPED-SEGMENTS"])
        elif tag == "#EXT-X-PROGRAM-DATE-TIME":
            self._at = datetime.fromisoformat(value).timestamp()
        elif tag == "#EXT-X-PART":
            self._take_part(_attributes(value))
        elif tag == "#EXT-X-MAP":
            self.init = _attributes(value)["URI"]
        elif tag == "#EXT-X-SERVER-CONTROL":
            given = _attributes(value)
            self.hold_back_s = float(given.get("PART-HOLD-BACK", "0"))
            self.blocks, self.skips = given.get("CAN-BLOCK-RELOAD") == "YES", "CAN-SKIP-UNTIL" in given
        elif tag == "#EXT-X-ENDLIST":
            self.has_ended = True

    def _take_part(self, given: dict[str, str]) -> None:
        duration_s = float(given["DURATION"])
        if self._at:
            self._at += duration_s
        place = (self._number, self._part)
        self.parts.append(Part(place, given["URI"], duration_s, self._at, given.get("INDEPENDENT") == "YES"))
        self._part += 1

    def close(self) -> "MediaPlaylist":
        """All was read."""
        self.next = (self._number, self._part)
        if self.blocks:
            asks = f"_HLS_msn={self._number}&_HLS_part={self._part}" + (
                "&_HLS_skip=YES" if self.skips else ""
            )
            self.asks = asks.encode()
        return self

    def since(self, place: tuple[int, int]) -> list[Part]:
        """The parts from this place on, in order."""
        at = len(self.parts)
        while at and self.parts[at - 1].place >= place:
            at -= 1
        return self.parts[at:]

    def beginning(self) -> list[Part]:
        """The parts with which a player begins: from one that it can start with, as far from the end as it should stay."""
        held_s, start = 0.0, 0
        for at in range(len(self.parts) - 1, -1, -1):
            held_s += self.parts[at].duration_s
            if held_s >= self.hold_back_s and self.parts[at].is_start:
                start = at
                break
        return self.parts[start:]


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def unpacked(body: bytes) -> bytes:
    """A body that may be compressed.

    Raises:
        ValueError: it is broken, or too large.
    """
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(_GZIP).decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None


@functools.lru_cache(maxsize=64)
def media_playlist(body: bytes) -> MediaPlaylist:
    """Read a media playlist.

    Raises:
        ValueError: it is none.
    """
    found = MediaPlaylist()
    lines = unpacked(body).decode().splitlines()
    if not lines or lines[0] != "#EXTM3U":
        raise ValueError("no playlist")
    try:
        for line in lines:
            found.take(line)
    except KeyError as error:
        raise ValueError(f"a tag without {error}") from None
    return found.close()


@functools.lru_cache(maxsize=64)
def variants(body: bytes) -> tuple[str, ...]:
    """The addresses in a multivariant playlist, the first one first; none when it is a media playlist."""
    lines = unpacked(body).decode().splitlines()
    return tuple(
        after.strip() for line, after in itertools.pairwise(lines) if line.startswith("#EXT-X-STREAM-INF:")
    )
