"""Reads the playlists of a live's sound: what comes next, and when it was live. Source: RFC 8216bis, 4.4.

It reads nothing by itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of media: a partial segment where the playlist still has those of its segment, else a segment.

    Attributes:
        place: its segment's media sequence number, and the number of the part; -1 for the whole segment.
        uri: where it is.
        init: where its initialization segment is; empty where it needs none.
        at: when it was live, in seconds since the Unix epoch; None where the playlist does not say.
        duration_s: how long it lasts.
        is_new: what came before it does not go on in it.
    """

    place: tuple[int, int]
    uri: str
    init: str
    at: float | None
    duration_s: float
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Playlist:
    """A media playlist.

    Attributes:
        units: what is in it, in order.
        target_s: the target duration.
        blocks: the server answers once what was asked for is there.
        ended: nothing more will come.
    """

    units: list[Unit]
    target_s: float
    blocks: bool
    ended: bool

    @property
    def following(self) -> tuple[int, int]:
        """The segment and part that come next."""
        last = self.units[-1].place if self.units else (0, -1)
        return (last[0] + 1, 0) if last[1] < 0 else (last[0], last[1] + 1)


def attributes(line: str) -> dict[str, str]:
    """The attributes of a tag."""
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def sound_variant(text: str) -> str:
    """The address of the sound alone in a multivariant playlist; else its first variant; empty where it has none."""
    lines = [line.strip() for line in text.splitlines()]
    found: list[tuple[bool, str]] = []
    for number, line in enumerate(lines[:-1]):
        if line.startswith("#EXT-X-STREAM-INF:"):
            codecs = attributes(line).get("CODECS", "").split(",")
            found.append((all(one.strip().startswith("mp4a") for one in codecs), lines[number + 1]))
    return next((uri for is_sound, uri in found if is_sound), found[0][1] if found else "")


def read(text: str) -> Playlist | None:
    """A media playlist; None when it is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "#EXTM3U":
        return None
    tags = {name: value for name, _, value in (line.partition(":") for line in lines)}
    try:
        return Playlist(
            units=list(_Segments(int(tags.get("#EXT-X-MEDIA-SEQUENCE", "0"))).units(lines)),
            target_s=float(tags.get("#EXT-X-TARGETDURATION", "6")),
            blocks=attributes("x:" + tags.get("#EXT-X-SERVER-CONTROL", "")).get("CAN-BLOCK-RELOAD") == "YES",
            ended="#EXT-X-ENDLIST" in lines,
        )
    except ValueError:
        return None


class _Segments:
    """Walks through the lines of a playlist."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._init = ""
        self._next_at: float | None = None
        self._begin()
        self._is_new = False

    def _begin(self) -> None:
        self._at = self._next_at
        self._parts: list[Unit] = []
        self._in_parts_s = 0.0
        self._part = 0
        self._duration_s = 0.0
        self._is_gap = False
        self._is_new = False

    def units(self, lines: list[str]) -> Iterator[Unit]:
        for line in lines:
            if line.startswith("#"):
                self._tag(line)
            else:
                yield from self._segment(line)
        yield from self._parts

    def _tag(self, line: str) -> None:
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-MAP":
                self._init = attributes(line).get("URI", "")
            case "#EXT-X-DISCONTINUITY":
                self._is_new, self._at = True, None
            case "#EXT-X-PROGRAM-DATE-TIME":
                self._at = datetime.fromisoformat(value).timestamp()
            case "#EXT-X-GAP":
                self._is_gap = True
            case "#EXTINF":
                self._duration_s = float(value.partition(",")[0])
            case "#EXT-X-PART":
                self._add_part(attributes(line))

    def _add_part(self, said: dict[str, str]) -> None:
        duration_s = float(said.get("DURATION", "0"))
        if said.get("GAP") != "YES" and "BYTERANGE" not in said:
            at = None if self._at is None else self._at + self._in_parts_s
            is_new = self._is_new and not self._parts
            place = (self._number, self._part)
            self._parts.append(Unit(place, said.get("URI", ""), self._init, at, duration_s, is_new))
        self._in_parts_s += duration_s
        self._part += 1

    def _segment(self, uri: str) -> Iterator[Unit]:
        if self._parts:
            yield from self._parts
        elif not self._is_gap and not self._part:
            yield Unit((self._number, -1), uri, self._init, self._at, self._duration_s, self._is_new)
        self._next_at = None if self._at is None else self._at + self._duration_s
        self._number += 1
        self._begin()
