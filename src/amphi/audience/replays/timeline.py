"""From recordings to one replay: which chunks it has, its playlist, and how wall-clock time and the player's time correspond.

It reads nothing and knows no database.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from amphi.system.recordings import Chunk

PLAYLIST = "main.m3u8"
VERSION = 7
ASKED_EVERY_S = 10
"""How often players ask for the playlist of a live that runs, in seconds."""
SAME_MS = 250
"""Chunks whose wall-clock times differ less from what came before them go on; else the map between the times has another piece."""
OVERLAP_MS = 1000
"""A recording that begins so much before another's end follows it; one that begins earlier takes the place of what it overlaps."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a replay in which both times go on together, in milliseconds.

    Attributes:
        wall_ms: when it was live, since the Unix epoch.
        media_ms: where it is in the replay.
        duration_ms: how long it is.
    """

    wall_ms: int
    media_ms: int
    duration_ms: int


def join(recordings: Iterable[Sequence[Chunk]]) -> list[Chunk]:
    """All chunks in their order. Where two recordings overlap, as when the live moves to another server, the later one counts."""
    joined: list[Chunk] = []
    for chunks in sorted((one for one in recordings if one), key=lambda one: one[0].at_ms):
        while joined and joined[-1].end_ms > chunks[0].at_ms + OVERLAP_MS:
            joined.pop()
        joined.extend(chunks)
    return joined


def cut(chunks: Sequence[Chunk], start: datetime, end: datetime | None) -> list[Chunk]:
    """The chunks that lie within two moments as a whole: nothing is shown of what is before or after."""
    # Recordings count whole milliseconds.
    start_ms = math.floor(start.timestamp() * 1000)
    end_ms = math.ceil(end.timestamp() * 1000) if end is not None else math.inf
    return [one for one in chunks if one.at_ms >= start_ms and one.end_ms <= end_ms]


def spans(chunks: Iterable[Chunk]) -> list[Span]:
    """How wall-clock time and the player's time correspond."""
    found: list[Span] = []
    media_ms = 0.0
    began_ms = 0.0
    for one in chunks:
        last = found[-1] if found else None
        if last is None or abs(one.at_ms - (last.wall_ms + media_ms - began_ms)) > SAME_MS:
            began_ms = media_ms
            found.append(Span(one.at_ms, round(media_ms), round(one.duration_ms)))
        else:
            whole_ms = round(media_ms + one.duration_ms - began_ms)
            found[-1] = Span(last.wall_ms, last.media_ms, whole_ms)
        media_ms += one.duration_ms
    return found


def media_s(found: Sequence[Span], at: datetime) -> float | None:
    """Where a moment is in the replay, in seconds: the next thing that is there, where it fell into a gap. None after the end.

    It is there twice where the stream went on with a standby, and then the last place counts: that is where the live went on.
    """
    at_ms = at.timestamp() * 1000
    ahead = [span for span in found if at_ms < span.wall_ms + span.duration_ms]
    if not ahead:
        return None
    span = next((one for one in reversed(ahead) if one.wall_ms <= at_ms), ahead[0])
    return (span.media_ms + max(0.0, at_ms - span.wall_ms)) / 1000


def duration_s(chunks: Iterable[Chunk]) -> float:
    """How long a replay is."""
    return sum(one.duration_ms for one in chunks) / 1000


def playlist(chunks: Sequence[Chunk], *, is_over: bool, lengths: dict[str, int]) -> bytes:
    """The media playlist (RFC 8216).

    Args:
        chunks: what is in it.
        is_over: whether nothing more will come.
        lengths: by name, how many bytes of a file are whole, where that is not all of it.
    """
    lines = [*_header(chunks, is_over=is_over)]
    last: Chunk | None = None
    for one in chunks:
        lines.extend(_chunk(one, last, lengths.get(one.name)))
        last = one
    if is_over:
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()


def _header(chunks: Sequence[Chunk], *, is_over: bool) -> Iterator[str]:
    longest_s = max((one.duration_ms for one in chunks), default=1000) / 1000
    if not is_over:
        # As often do players ask for it again, and it is long: who goes back is behind anyhow.
        longest_s = max(longest_s, ASKED_EVERY_S)
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield f"#EXT-X-TARGETDURATION:{max(1, math.floor(longest_s + 0.5))}"
    yield "#EXT-X-MEDIA-SEQUENCE:0"
    yield f"#EXT-X-PLAYLIST-TYPE:{'VOD' if is_over else 'EVENT'}"


def _chunk(one: Chunk, last: Chunk | None, length: int | None) -> Iterator[str]:
    is_new = last is None or last.recording != one.recording
    if last is not None and (one.is_gap or is_new):
        yield "#EXT-X-DISCONTINUITY"
    if last is None or is_new or one.is_gap or last.init != one.init:
        yield f'#EXT-X-MAP:URI="{one.recording}/{one.init}"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(one.at_ms)}"
    yield f"#EXTINF:{one.duration_ms / 1000:.5f},"
    if length is not None:
        yield f"#EXT-X-BYTERANGE:{length}@0"
    yield f"{one.recording}/{one.name}"


def _date_time(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
