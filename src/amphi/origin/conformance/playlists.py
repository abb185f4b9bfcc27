"""Reads playlists (RFC 8216bis, 4)."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)(?:,|$)')
MAX_SEGMENTS = 100_000


class PlaylistError(ValueError):
    """A playlist that can't be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a range of one: ``length`` bytes from ``offset``, the whole file for None."""

    url: str
    length: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    piece: Piece
    duration_s: float
    independent: bool
    gap: bool


@dataclass(slots=True)
class Segment:
    """A media segment; ``piece`` is None while it grows."""

    number: int
    piece: Piece | None = None
    duration_s: float = 0.0
    parts: list[Part] = field(default_factory=list)
    discontinuity: bool = False
    init: Piece | None = None
    date: datetime | None = None
    encrypted: bool = False
    gap: bool = False

    @property
    def key(self) -> tuple[Piece | None, float, bool, datetime | None]:
        """What must never change once it is complete."""
        return self.piece, self.duration_s, self.discontinuity, self.date


@dataclass(slots=True)
class MediaPlaylist:
    """A media playlist.

    Attributes:
        number: the media sequence number of its first segment, skipped ones included.
        segments: the complete segments that are listed.
        growing: the one whose parts alone are listed.
        control: ``EXT-X-SERVER-CONTROL``.
        skipped: how many segments a delta update leaves out.
        tags: the names of all its tags.
    """

    url: str
    version: int = 1
    target_s: float | None = None
    part_target_s: float | None = None
    number: int = 0
    discontinuity_sequence: int = 0
    segments: list[Segment] = field(default_factory=list)
    growing: Segment | None = None
    control: dict[str, str] = field(default_factory=dict)
    hint: Piece | None = None
    skipped: int = 0
    ended: bool = False
    reports: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    @property
    def listed(self) -> list[Segment]:
        return [*self.segments, *([self.growing] if self.growing else [])]

    @property
    def last_number(self) -> int:
        """The media sequence number of the last complete segment."""
        return self.number + self.skipped + len(self.segments) - 1

    @property
    def is_low_latency(self) -> bool:
        return self.part_target_s is not None

    def control_s(self, name: str) -> float | None:
        value = self.control.get(name)
        return None if value is None else _number(value, name)


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant, or a rendition with an address of its own."""

    url: str
    attributes: dict[str, str]
    is_rendition: bool = False


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise PlaylistError(f"{what} is {text!r}, which is no number") from None
    if not 0 <= value < float("inf"):
        raise PlaylistError(f"{what} is {text!r}")
    return value


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in ATTRIBUTE.findall(text)}


def _need(attributes: dict[str, str], name: str, tag: str) -> str:
    if name not in attributes:
        raise PlaylistError(f"{tag} has no {name}")
    return attributes[name]


def is_multivariant(text: str) -> bool:
    return "#EXT-X-STREAM-INF:" in text


def parse_multivariant(text: str, url: str) -> list[Variant]:
    """The variants and renditions of a multivariant playlist.

    Raises:
        PlaylistError: it can't be read.
    """
    found, pending = [], None
    for line in _lines(text):
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-STREAM-INF":
            pending = _attributes(value)
        elif tag == "#EXT-X-MEDIA":
            attributes = _attributes(value)
            if "URI" in attributes and attributes.get("TYPE") in {"AUDIO", "VIDEO"}:
                found.append(Variant(urljoin(url, attributes["URI"]), attributes, is_rendition=True))
        elif not line.startswith("#") and pending is not None:
            found.append(Variant(urljoin(url, line), pending))
            pending = None
    if pending is not None:
        raise PlaylistError("a variant has no address")
    return sorted(found, key=lambda variant: variant.is_rendition)


def parse_media(text: str, url: str) -> MediaPlaylist:
    """A media playlist.

    Raises:
        PlaylistError: it can't be read.
    """
    return _MediaParser(url).parse(text)


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "#EXTM3U":
        raise PlaylistError("it does not begin with #EXTM3U")
    return lines[1:]


class _MediaParser:
    def __init__(self, url: str) -> None:
        self._playlist = MediaPlaylist(url)
        self._init: Piece | None = None
        self._encrypted = False
        self._next = Segment(0)
        self._ends: dict[str, int] = {}

    def parse(self, text: str) -> MediaPlaylist:
        for line in _lines(text):
            if line.startswith("#EXT"):
                tag, _, value = line[1:].partition(":")
                self._playlist.tags.add(tag)
                self._tag(tag, value)
            elif not line.startswith("#"):
                self._finish(line)
        if self._next.parts:
            self._playlist.growing = self._numbered(self._next)
        return self._playlist

    def _tag(self, tag: str, value: str) -> None:
        playlist = self._playlist
        match tag:
            case "EXT-X-VERSION":
                playlist.version = int(_number(value, tag))
            case "EXT-X-TARGETDURATION":
                playlist.target_s = _number(value, tag)
            case "EXT-X-MEDIA-SEQUENCE":
                playlist.number = int(_number(value, tag))
            case "EXT-X-DISCONTINUITY-SEQUENCE":
                playlist.discontinuity_sequence = int(_number(value, tag))
            case "EXT-X-ENDLIST":
                playlist.ended = True
            case _:
                self._segment_tag(tag, value)

    def _segment_tag(self, tag: str, value: str) -> None:
        segment = self._next
        match tag:
            case "EXTINF":
                segment.duration_s = _number(value.partition(",")[0], tag)
            case "EXT-X-DISCONTINUITY":
                segment.discontinuity = True
            case "EXT-X-GAP":
                segment.gap = True
            case "EXT-X-PROGRAM-DATE-TIME":
                segment.date = _date(value)
            case "EXT-X-BYTERANGE":
                segment.piece = Piece("", *self._range(value, None))
            case _:
                self._attribute_tag(tag, _attributes(value))

    def _attribute_tag(self, tag: str, attributes: dict[str, str]) -> None:
        playlist = self._playlist
        match tag:
            case "EXT-X-SERVER-CONTROL":
                playlist.control = attributes
            case "EXT-X-PART-INF":
                playlist.part_target_s = _number(_need(attributes, "PART-TARGET", tag), "PART-TARGET")
            case "EXT-X-SKIP":
                playlist.skipped = int(_number(_need(attributes, "SKIPPED-SEGMENTS", tag), tag))
            case "EXT-X-MAP":
                self._init = self._piece(attributes, tag)
            case "EXT-X-KEY":
                self._encrypted = attributes.get("METHOD", "NONE") != "NONE"
            case "EXT-X-PART":
                self._next.parts.append(self._part(attributes, tag))
                self._place()
            case "EXT-X-PRELOAD-HINT" if attributes.get("TYPE") == "PART":
                start = int(_number(attributes.get("BYTERANGE-START", "0"), tag))
                length = attributes.get("BYTERANGE-LENGTH")
                url = urljoin(playlist.url, _need(attributes, "URI", tag))
                is_whole = length is None and not start
                playlist.hint = (
                    Piece(url) if is_whole else Piece(url, int(_number(length or "0", tag)) or None, start)
                )
            case "EXT-X-RENDITION-REPORT":
                playlist.reports.append(urljoin(playlist.url, _need(attributes, "URI", tag)))

    def _part(self, attributes: dict[str, str], tag: str) -> Part:
        return Part(
            self._piece(attributes, tag),
            _number(_need(attributes, "DURATION", tag), "DURATION"),
            attributes.get("INDEPENDENT") == "YES",
            attributes.get("GAP") == "YES",
        )

    def _piece(self, attributes: dict[str, str], tag: str) -> Piece:
        url = urljoin(self._playlist.url, _need(attributes, "URI", tag))
        given = attributes.get("BYTERANGE")
        return Piece(url) if given is None else Piece(url, *self._range(given, url))

    def _range(self, text: str, url: str | None) -> tuple[int, int]:
        """Length and offset; without an offset it begins where the last range of that file ended."""
        length, _, offset = text.partition("@")
        size = int(_number(length, "a byte range"))
        key = url or "segment"
        start = int(_number(offset, "a byte range")) if offset else self._ends.get(key, 0)
        self._ends[key] = start + size
        return size, start

    def _place(self) -> None:
        self._next.init, self._next.encrypted = self._init, self._encrypted

    def _finish(self, line: str) -> None:
        segment, url = self._next, urljoin(self._playlist.url, line)
        ranged = segment.piece
        segment.piece = Piece(url, ranged.length, ranged.offset) if ranged else Piece(url)
        self._place()
        self._playlist.segments.append(self._numbered(segment))
        if len(self._playlist.segments) > MAX_SEGMENTS:
            raise PlaylistError(f"it lists more than {MAX_SEGMENTS} segments")
        self._next = Segment(0)

    def _numbered(self, segment: Segment) -> Segment:
        playlist = self._playlist
        segment.number = playlist.number + playlist.skipped + len(playlist.segments)
        return segment


def _date(text: str) -> datetime:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise PlaylistError(f"EXT-X-PROGRAM-DATE-TIME is {text!r}") from None
    if date.tzinfo is None:
        raise PlaylistError(f"EXT-X-PROGRAM-DATE-TIME {text!r} names no time zone")
    return date


def merge(before: MediaPlaylist, delta: MediaPlaylist) -> MediaPlaylist:
    """The whole playlist that a delta update stands for.

    Raises:
        PlaylistError: the older playlist lacks segments that the update skips.
    """
    known = {segment.number: segment for segment in before.segments}
    skipped = range(delta.number, delta.number + delta.skipped)
    if any(number not in known for number in skipped):
        raise PlaylistError("a delta update skips segments that were never listed")
    if delta.skipped:
        last = known[skipped[-1]]
        # What applied to the last skipped segment applies on, until the update says otherwise.
        for segment in delta.listed:
            if segment.init is None:
                segment.init, segment.encrypted = last.init, last.encrypted
        delta.segments = [*(known[number] for number in skipped), *delta.segments]
        delta.skipped = 0
    return delta
