"""Reads initialization segments and fragments as the origin records them: each sample has all its fields in ``trun`` (ISO/IEC 14496-12, 8.8)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from amphi.worker.movies.exceptions import MovieError

VIDEO, AUDIO = b"vide", b"soun"
BASE_IS_MOOF = 0x020000
OFFSET_DURATION_SIZE_FLAGS_COMPOSITION = 0x000F01
NOT_SYNC = 0x00010000
HEADER_BYTES = 8
ENTRY_FIELDS_BYTES = 78
"""Of a picture's sample entry before its boxes (12.1.3)."""


@dataclass(frozen=True, slots=True)
class Description:
    """How a track's samples are decoded.

    Attributes:
        kind: `VIDEO` or `AUDIO`.
        timescale: in which its times are, per second.
        entry: its sample entry, a whole box.
        size: width and height of the picture, in pixels.
        parameters: the parameter sets, each preceded by its length, as they stand before a keyframe; empty for sound.
    """

    kind: bytes
    timescale: int
    entry: bytes
    size: tuple[int, int]
    parameters: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded frame, timed in its track's timescale.

    Attributes:
        dts: its decoding time.
        duration: from its decoding time to the next one's.
        composition: from its decoding time to its presentation time.
        is_key: whether decoding can start at it.
        data: its bytes.
    """

    dts: int
    duration: int
    composition: int
    is_key: bool
    data: bytes


def descriptions(init: bytes) -> dict[int, Description]:
    """The tracks of an initialization segment, by their numbers.

    Raises:
        MovieError: it can't be read.
    """
    try:
        movie = _inner(init, b"moov")
        return dict(_description(content) for kind, content in _boxes(movie) if kind == b"trak")
    except (struct.error, IndexError) as error:
        raise MovieError(f"an initialization segment can't be read: {error}") from None


def samples(chunk: bytes) -> Iterator[tuple[int, list[Sample]]]:
    """The samples of a chunk: each fragment's, by the numbers of their tracks.

    Raises:
        MovieError: it can't be read.
    """
    at = 0
    try:
        while at < len(chunk):
            size, kind = struct.unpack_from(">I4s", chunk, at)
            if size < HEADER_BYTES or at + size > len(chunk):
                raise MovieError("a fragment is cut off")
            if kind == b"moof":
                for inner, content in _boxes(chunk[at + HEADER_BYTES : at + size]):
                    if inner == b"traf":
                        yield _samples(content, chunk[at:])
            at += size
    except (struct.error, IndexError) as error:
        raise MovieError(f"a fragment can't be read: {error}") from None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each box's kind and content."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < HEADER_BYTES or at + size > len(data):
            raise MovieError(f"the box {kind!r} is cut off")
        yield kind, data[at + HEADER_BYTES : at + size]
        at += size


def _inner(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        found = next((content for name, content in _boxes(data) if name == kind), None)
        if found is None:
            raise MovieError(f"there is no box {kind!r}")
        data = found
    return data


def _description(track: bytes) -> tuple[int, Description]:
    media = _inner(track, b"mdia")
    number = struct.unpack_from(">I", _inner(track, b"tkhd"), 12)[0]
    timescale = struct.unpack_from(">I", _inner(media, b"mdhd"), 12)[0]
    kind = _inner(media, b"hdlr")[8:12]
    entry = _inner(media, b"minf", b"stbl", b"stsd")[8:]
    if kind == AUDIO:
        return number, Description(kind, timescale, entry, (0, 0), b"")
    if kind != VIDEO or entry[4:8] != b"avc1":
        raise MovieError(f"a track of {kind!r} and {entry[4:8]!r}")
    fields = entry[HEADER_BYTES:]
    size = struct.unpack_from(">HH", fields, 24)
    return number, Description(
        kind, timescale, entry, size, _parameters(_inner(fields[ENTRY_FIELDS_BYTES:], b"avcC"))
    )


def _parameters(record: bytes) -> bytes:
    """The parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    length_bytes = (record[4] & 3) + 1
    found, at = [], 5
    for mask in (0x1F, 0xFF):
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            size = struct.unpack_from(">H", record, at)[0]
            unit = record[at + 2 : at + 2 + size]
            found.append(len(unit).to_bytes(length_bytes) + unit)
            at += 2 + size
    return b"".join(found)


def _samples(traf: bytes, fragment: bytes) -> tuple[int, list[Sample]]:
    flags, number = struct.unpack_from(">II", _inner(traf, b"tfhd"))
    clock, run = _inner(traf, b"tfdt"), _inner(traf, b"trun")
    run_flags, count, at = struct.unpack_from(">IIi", run)
    if (flags, run_flags & 0xFFFFFF, clock[0]) != (BASE_IS_MOOF, OFFSET_DURATION_SIZE_FLAGS_COMPOSITION, 1):
        raise MovieError("a fragment that the origin did not write")
    dts = struct.unpack_from(">Q", clock, 4)[0]
    found = []
    for duration, size, sample_flags, composition in struct.iter_unpack(">IIIi", run[12 : 12 + 16 * count]):
        found.append(
            Sample(dts, duration, composition, not sample_flags & NOT_SYNC, fragment[at : at + size])
        )
        dts, at = dts + duration, at + size
    if at > len(fragment):
        raise MovieError("a fragment's samples are cut off")
    return number, found
