"""The tables of a movie: where and when each of its samples is (ISO/IEC 14496-12, 8.6 and 8.7)."""

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from amphi.worker.movies.fragments import AUDIO, VIDEO, Description

VIDEO_TRACK, AUDIO_TRACK = 1, 2
MOVIE_TIMESCALE = 1000
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED_LANGUAGE = 0x55C4
ENABLED_IN_MOVIE = 3
SELF_CONTAINED = 1


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box: its size, its four letters, its content."""
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def _numbers(code: str) -> "array[int]":
    return array(code)


@dataclass(slots=True)
class TrackTables:
    """One track of a movie, some bytes a sample.

    Attributes:
        first: how its first samples are decoded; its timescale is the track's.
        entries: its sample entries.
        start: when its first sample is decoded, in its timescale.
        end: when its last one ends.
    """

    first: Description
    entries: list[bytes] = field(default_factory=list)
    start: int = 0
    end: int = 0
    _last: int = -1
    _durations: "array[int]" = field(default_factory=lambda: _numbers("Q"))
    _compositions: "array[int]" = field(default_factory=lambda: _numbers("q"))
    _sizes: "array[int]" = field(default_factory=lambda: _numbers("Q"))
    _keys: "array[int]" = field(default_factory=lambda: _numbers("Q"))
    _places: "array[int]" = field(default_factory=lambda: _numbers("Q"))
    _runs: list[tuple[int, int]] = field(default_factory=list)

    def ticks(self, time: int, timescale: int) -> int:
        """A time of another timescale in this one, to the nearest."""
        return (2 * time * self.first.timescale + timescale) // (2 * timescale)

    def add_run(self, entry: bytes, place: int, count: int) -> None:
        """Samples follow that stand together at `place`, counted from the beginning of the media."""
        if entry not in self.entries:
            self.entries.append(entry)
        self._places.append(place)
        self._runs.append((count, self.entries.index(entry) + 1))

    def add(self, dts: int, duration: int, composition: int, *, is_key: bool, size_bytes: int) -> None:
        """Add a sample, its times in this timescale. The one before it lasts until then."""
        if self._durations:
            self._durations[-1] = dts - self._last
        else:
            self.start = dts
        self._durations.append(duration)
        self._compositions.append(composition)
        self._sizes.append(size_bytes)
        self._last, self.end = dts, dts + duration
        if is_key:
            self._keys.append(len(self._sizes))

    @property
    def last(self) -> int:
        """When the last sample is decoded; -1 without any."""
        return self._last

    @property
    def movie_end(self) -> int:
        """When it ends, in the movie's timescale."""
        return self.end * MOVIE_TIMESCALE // self.first.timescale

    def box(self, media_at: int) -> bytes:
        """``trak``; the media begins at this place in the file."""
        is_video = self.first.kind == VIDEO
        number, volume = (VIDEO_TRACK, 0) if is_video else (AUDIO_TRACK, 0x0100)
        width, height = self.first.size
        header = full_box(
            b"tkhd", 0, ENABLED_IN_MOVIE,
            struct.pack(">5I8xHHHH", 0, 0, number, 0, self.movie_end, 0, 0, volume, 0), MATRIX,
            struct.pack(">II", width << 16, height << 16),
        )  # fmt: skip
        length = self.end - self.start
        clock = full_box(
            b"mdhd",
            1,
            0,
            struct.pack(">QQIQHH", 0, 0, self.first.timescale, length, UNDETERMINED_LANGUAGE, 0),
        )
        handler = full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, self.first.kind), b"amphi\0")
        shown = full_box(b"vmhd", 0, 1, bytes(8)) if is_video else full_box(b"smhd", 0, 0, bytes(4))
        itself = full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, SELF_CONTAINED))
        information = box(b"minf", shown, box(b"dinf", itself), self._sample_table(media_at))
        return box(b"trak", header, self._edits(), box(b"mdia", clock, handler, information))

    def _edits(self) -> bytes:
        """A track that begins later than the movie says so."""
        delay = self.start * MOVIE_TIMESCALE // self.first.timescale
        if not delay:
            return b""
        edits = struct.pack(">IihhIihh", delay, -1, 1, 0, self.movie_end - delay, 0, 1, 0)
        return box(b"edts", full_box(b"elst", 0, 0, struct.pack(">I", 2), edits))

    def _sample_table(self, media_at: int) -> bytes:
        tables = [
            _table(b"stsd", 0, [b"".join(self.entries)], count=len(self.entries)),
            _table(
                b"stts", 0, (struct.pack(">II", count, value) for value, count in _repeated(self._durations))
            ),
        ]
        if self.first.kind == VIDEO:
            offsets = (struct.pack(">Ii", count, value) for value, count in _repeated(self._compositions))
            tables.append(_table(b"ctts", 1, offsets))
            tables.append(_table(b"stss", 0, (struct.pack(">I", number) for number in self._keys)))
        sizes = array("I", self._sizes)
        sizes.byteswap()
        tables.append(full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(self._sizes)), sizes.tobytes()))
        rows, before = [], None
        for number, run in enumerate(self._runs, start=1):
            if run != before:
                rows.append(struct.pack(">III", number, *run))
                before = run
        tables.append(_table(b"stsc", 0, rows))
        tables.append(_table(b"co64", 0, (struct.pack(">Q", media_at + place) for place in self._places)))
        return box(b"stbl", *tables)


def _repeated(values: Iterable[int]) -> list[tuple[int, int]]:
    """Each value, and how often it comes on end."""
    return [(value, sum(1 for _ in same)) for value, same in groupby(values)]


def _table(kind: bytes, version: int, rows: Iterable[bytes], *, count: int | None = None) -> bytes:
    found = list(rows)
    return full_box(kind, version, 0, struct.pack(">I", len(found) if count is None else count), *found)


def movie_box(tracks: Iterable[TrackTables], media_at: int) -> bytes:
    """``moov``; the media begins at this place in the file."""
    tracks = [one for one in tracks if one.entries]
    length = max(one.movie_end for one in tracks)
    header = full_box(
        b"mvhd", 0, 0,
        struct.pack(">4IIH10x", 0, 0, MOVIE_TIMESCALE, length, 0x10000, 0x0100), MATRIX, bytes(24), struct.pack(">I", AUDIO_TRACK + 1),
    )  # fmt: skip
    return box(
        b"moov",
        header,
        *(one.box(media_at) for one in sorted(tracks, key=lambda one: one.first.kind == AUDIO)),
    )
