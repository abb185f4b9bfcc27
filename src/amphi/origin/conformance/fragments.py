"""Reads initialization segments and fragments of MP4 as far as their times and keyframes go (ISO/IEC 14496-12, 8.8)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

VIDEO, AUDIO = "video", "audio"
HANDLERS = {b"vide": VIDEO, b"soun": AUDIO}
NOT_SYNC = 0x00010000
BASE_IS_GIVEN, DESCRIPTION, DURATION, SIZE, FLAGS = 0x01, 0x02, 0x08, 0x10, 0x20
RUN_OFFSET, RUN_FIRST_FLAGS, RUN_DURATION, RUN_SIZE, RUN_FLAGS, RUN_COMPOSITION = (
    1,
    4,
    0x100,
    0x200,
    0x400,
    0x800,
)
TS_PACKET_BYTES, TS_SYNC = 188, 0x47
MAX_BOXES = 10_000


class MediaFormatError(ValueError):
    """A file that can't be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Track:
    """A track of an initialization segment, and what its fragments leave out."""

    kind: str
    timescale: int
    codec: str
    size: tuple[int, int]
    duration: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A track's samples in one file: where they begin and end in its timescale, and whether the first is a sync sample."""

    start: int
    end: int
    first_is_sync: bool
    has_sync: bool


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Each box's kind, and where its content begins and ends.

    Raises:
        MediaFormatError: a box is cut off.
    """
    at, end = start, len(data) if end is None else end
    for _ in range(MAX_BOXES):
        if at == end:
            return
        if end - at < 8:  # noqa: PLR2004 -- a box's header
            raise MediaFormatError("a box is cut off")
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1 and end - at >= 16:  # noqa: PLR2004 -- with a long size
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = end - at
        if size < header or at + size > end:
            raise MediaFormatError(f"the box {kind!r} is cut off")
        yield kind, at + header, at + size
        at += size
    raise MediaFormatError("too many boxes")


def _find(data: bytes, path: tuple[bytes, ...], start: int, end: int) -> tuple[int, int]:
    for kind in path:
        for found, inner, outer in boxes(data, start, end):
            if found == kind:
                start, end = inner, outer
                break
        else:
            raise MediaFormatError(f"there is no box {kind!r}")
    return start, end


def parse_init(data: bytes) -> dict[int, Track]:
    """The tracks of an initialization segment.

    Raises:
        MediaFormatError: it can't be read.
    """
    try:
        return _parse_init(data)
    except (struct.error, IndexError):
        raise MediaFormatError("a box is too short") from None


def _parse_init(data: bytes) -> dict[int, Track]:
    movie, movie_end = _find(data, (b"moov",), 0, len(data))
    tracks, defaults = {}, {}
    for kind, start, end in boxes(data, movie, movie_end):
        if kind == b"trak":
            track_id, track = _track(data, start, end)
            tracks[track_id] = track
        elif kind == b"mvex":
            for inner, at, _ in boxes(data, start, end):
                if inner == b"trex":
                    track_id, _, duration, _, flags = struct.unpack_from(">5I", data, at + 4)
                    defaults[track_id] = (duration, flags)
    if not tracks:
        raise MediaFormatError("it has no track")
    return {
        number: Track(track.kind, track.timescale, track.codec, track.size, *defaults.get(number, (0, 0)))
        for number, track in tracks.items()
    }


def _track(data: bytes, start: int, end: int) -> tuple[int, Track]:
    header, _ = _find(data, (b"tkhd",), start, end)
    track_id = struct.unpack_from(">I", data, header + (20 if data[header] else 12))[0]
    media, media_end = _find(data, (b"mdia",), start, end)
    clock, _ = _find(data, (b"mdhd",), media, media_end)
    timescale = struct.unpack_from(">I", data, clock + (20 if data[clock] else 12))[0]
    handler, _ = _find(data, (b"hdlr",), media, media_end)
    kind = HANDLERS.get(data[handler + 8 : handler + 12], "other")
    entries, entries_end = _find(data, (b"minf", b"stbl", b"stsd"), media, media_end)
    name, entry, entry_end = next(boxes(data, entries + 8, entries_end))
    size = struct.unpack_from(">HH", data, entry + 24) if kind == VIDEO else (0, 0)
    if not timescale:
        raise MediaFormatError(f"track {track_id} has no timescale")
    return track_id, Track(kind, timescale, _codec(data, name, entry, entry_end), size)


def _codec(data: bytes, name: bytes, entry: int, entry_end: int) -> str:
    """The name by RFC 6381, as far as it is simple to tell."""
    if name in {b"avc1", b"avc3"}:
        at, _ = _find(data, (b"avcC",), entry + 78, entry_end)
        return f"{name.decode()}.{data[at + 1 : at + 4].hex()}"
    return name.decode("latin-1")


def parse_fragments(data: bytes, tracks: dict[int, Track]) -> dict[int, Run]:
    """The samples of a part or segment, by track.

    Raises:
        MediaFormatError: it can't be read, or its fragments leave a gap between them.
    """
    try:
        return _parse_fragments(data, tracks)
    except struct.error:
        raise MediaFormatError("a box is too short") from None


def _parse_fragments(data: bytes, tracks: dict[int, Track]) -> dict[int, Run]:
    runs: dict[int, Run] = {}
    moof: tuple[int, int, int] | None = None
    media_bytes = 0
    count = 0
    for kind, start, end in boxes(data):
        if kind == b"moof":
            if moof is not None:
                raise MediaFormatError("a moof has no mdat")
            moof = (start, end, count)
        elif kind == b"mdat":
            if moof is None:
                raise MediaFormatError("an mdat comes before its moof")
            media_bytes = end - start
            _add(runs, data, moof, tracks, media_bytes)
            moof, count = None, count + 1
    if not count:
        raise MediaFormatError("it has no moof with an mdat")
    return runs


def _add(
    runs: dict[int, Run], data: bytes, moof: tuple[int, int, int], tracks: dict[int, Track], media_bytes: int
) -> None:
    claimed = 0
    for kind, start, end in boxes(data, moof[0], moof[1]):
        if kind != b"traf":
            continue
        track_id, run, sizes = _traf(data, start, end, tracks)
        claimed += sizes
        before = runs.get(track_id)
        runs[track_id] = run if before is None else Run(
            before.start, run.end, before.first_is_sync, before.has_sync or run.has_sync
        )  # fmt: skip
    if claimed > media_bytes:
        raise MediaFormatError(f"its samples have {claimed} bytes, the mdat {media_bytes}")


def _traf(data: bytes, start: int, end: int, tracks: dict[int, Track]) -> tuple[int, Run, int]:
    header, _ = _find(data, (b"tfhd",), start, end)
    flags, track_id = struct.unpack_from(">II", data, header)
    track = tracks.get(track_id)
    if track is None:
        raise MediaFormatError(f"track {track_id} is not in the initialization segment")
    at = header + 8 + 8 * bool(flags & BASE_IS_GIVEN) + 4 * bool(flags & DESCRIPTION)
    given = {DURATION: track.duration, SIZE: 0, FLAGS: track.flags}
    for flag in given:
        if flags & flag:
            given[flag] = struct.unpack_from(">I", data, at)[0]
            at += 4
    clock, _ = _find(data, (b"tfdt",), start, end)
    begin = struct.unpack_from(">Q" if data[clock] else ">I", data, clock + 4)[0]
    duration, size, syncs = 0, 0, []
    for kind, inner, _ in boxes(data, start, end):
        if kind == b"trun":
            added, bytes_, sync = _trun(data, inner, given)
            duration, size = duration + added, size + bytes_
            syncs += sync
    if not syncs:
        raise MediaFormatError(f"a fragment of track {track_id} has no samples")
    return track_id, Run(begin, begin + duration, syncs[0], any(syncs)), size


def _trun(data: bytes, at: int, given: dict[int, int]) -> tuple[int, int, list[bool]]:
    """Duration, bytes, and for each sample whether it is a sync sample."""
    flags, count = struct.unpack_from(">II", data, at)
    flags &= 0xFFFFFF
    at += 8 + 4 * bool(flags & RUN_OFFSET)
    first = None
    if flags & RUN_FIRST_FLAGS:
        first = struct.unpack_from(">I", data, at)[0]
        at += 4
    fields = [one for one in (RUN_DURATION, RUN_SIZE, RUN_FLAGS, RUN_COMPOSITION) if flags & one]
    if count * 4 * len(fields) > len(data) - at or count > len(data):
        raise MediaFormatError("a trun is cut off")
    duration = size = 0
    syncs = []
    for index in range(count):
        row = dict(zip(fields, struct.unpack_from(f">{len(fields)}I", data, at), strict=True))
        at += 4 * len(fields)
        duration += row.get(RUN_DURATION, given[DURATION])
        size += row.get(RUN_SIZE, given[SIZE])
        own = first if first is not None and index == 0 else row.get(RUN_FLAGS, given[FLAGS])
        syncs.append(not own & NOT_SYNC)
    return duration, size, syncs


def check_transport_stream(data: bytes) -> None:
    """Check that a file is MPEG-TS, packet by packet.

    Raises:
        MediaFormatError: it is not.
    """
    if len(data) % TS_PACKET_BYTES or any(byte != TS_SYNC for byte in data[::TS_PACKET_BYTES]):
        raise MediaFormatError("it is neither fragmented MP4 nor whole packets of MPEG-TS")
