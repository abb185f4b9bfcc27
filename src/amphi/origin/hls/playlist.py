"""A live media playlist: its segments and parts, its window, and which requests it can already answer."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from amphi.origin.fmp4.init import VIDEO_TIMESCALE

# RFC 8216bis, 4.4.3.8: the skip boundary is at least six target durations from the end.
SKIP_TARGETS = 6
# 4.4.4.9: parts need not be listed when they are more than three target durations from the end.
PART_TARGETS = 3
# 6.2.5.2: how many segments ahead a blocking request may ask for.
ADVANCE_SEGMENTS = 2
ADVANCE_PARTS_S = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """A partial segment.

    Attributes:
        number: its number among all parts of the session, from 0.
        ticks: its duration in 90 kHz.
        independent: whether decoding can start in it.
        data: its fragment.
        sound: the fragment of its sound alone; empty when it has none.
        sound_ticks: the duration of that, in 90 kHz.
    """

    number: int
    ticks: int
    independent: bool
    data: bytes
    sound: bytes = b""
    sound_ticks: int = 0


@dataclass(slots=True)
class Segment:
    """A media segment, complete or still growing.

    Attributes:
        number: its media sequence number.
        init: the number of its initialization segment.
        started_at: the wall-clock time of its first frame.
        discontinuity: whether it does not continue the previous segment.
        part_target_ms: the part target of its parts, in ms.
        sound_target_ms: that of their sound alone.
        is_slate: it is no publisher's.
        parts: its parts so far.
    """

    number: int
    init: int
    started_at: datetime
    discontinuity: bool
    part_target_ms: int
    sound_target_ms: int
    is_slate: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        return sum(part.ticks for part in self.parts)

    @property
    def duration_s(self) -> float:
        return self.ticks / VIDEO_TIMESCALE

    @property
    def size_bytes(self) -> int:
        return sum(len(part.data) for part in self.parts)

    @property
    def sound_bytes(self) -> int:
        return sum(len(part.sound) for part in self.parts)

    @property
    def independent(self) -> bool:
        return bool(self.parts) and self.parts[0].independent


@dataclass(slots=True)
class Rate:
    """The bit rate of segments that have been made."""

    peak_bits_per_s: int = 0
    _bits: int = 0
    _ticks: int = 0

    def add(self, size_bytes: int, ticks: int) -> None:
        """Count a segment. A short one says nothing of the peak that a player has to expect."""
        self._bits += size_bytes * 8
        self._ticks += ticks
        bits = size_bytes * 8 * VIDEO_TIMESCALE // max(ticks, VIDEO_TIMESCALE // 2)
        self.peak_bits_per_s = max(self.peak_bits_per_s, bits)

    @property
    def average_bits_per_s(self) -> int:
        return self._bits * VIDEO_TIMESCALE // self._ticks if self._ticks else 0


class TooFarAheadError(ValueError):
    """A blocking request asks for a part too far in the future."""


class MediaPlaylist:
    """The segments and parts of one session of a stream.

    Args:
        session: the session's name in addresses, which makes them differ from another session's.
        first_number: the media sequence number of the first segment.
        window: the duration that is listed.
        max_bytes: the most bytes to keep, listed or not.
    """

    def __init__(
        self, session: str, *, first_number: int, window: timedelta, max_bytes: int = 256 * 2**20
    ) -> None:
        self.session = session
        self.window = window
        self.max_bytes = max_bytes
        self.segments: deque[Segment] = deque()
        self.current: Segment | None = None
        self.discontinuity_sequence = 0
        self.target_duration_s = 1
        self.part_target_ms = 0
        self.sound_target_ms = 0
        self.ended = False
        self.shows_slate = False
        self.revision = 0
        self.inits: dict[int, bytes] = {}
        # For the sound alone; none where there is no sound.
        self.sound_inits: dict[int, bytes] = {}
        self.rate = Rate()
        self.sound_rate = Rate()
        self._kept: deque[Segment] = deque()
        self._kept_bytes = 0
        self._parts: dict[int, Part] = {}
        self._numbers: dict[int, Segment] = {}
        self._next_segment = first_number
        self.next_part = 0
        self.on_part: Callable[[Segment, Part], None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is a complete segment; before that the target duration is not known."""
        return bool(self.segments)

    @property
    def last_number(self) -> int:
        """The media sequence number of the last complete segment."""
        return self._next_segment - 1

    def add_init(self, data: bytes, sound: bytes = b"") -> int:
        """Keep an initialization segment, and the one of its sound alone; returns their number."""
        for number, known in self.inits.items():
            if known == data:
                return number
        number = max(self.inits, default=-1) + 1
        self.inits[number] = data
        if sound:
            self.sound_inits[number] = sound
        return number

    def add_part(
        self,
        *,
        ticks: int,
        target_ms: int,
        sound_target_ms: int,
        independent: bool,
        data: bytes,
        sound: bytes,
        sound_ticks: int,
        init: int,
        started_at: datetime,
        discontinuity: bool,
    ) -> Part:
        """Append a part to the growing segment, or begin a new segment with it."""
        if self.current is None:
            self.current = Segment(
                self._next_segment,
                init,
                started_at,
                discontinuity,
                target_ms,
                sound_target_ms,
                self.shows_slate,
            )
            self.part_target_ms, self.sound_target_ms = target_ms, sound_target_ms
        part = Part(self.next_part, ticks, independent, data, sound, sound_ticks)
        self.next_part += 1
        self.current.parts.append(part)
        self._parts[part.number] = part
        self.revision += 1
        if self.on_part is not None:
            self.on_part(self.current, part)
        return part

    def finish_segment(self) -> None:
        """Complete the growing segment, and drop old ones."""
        segment = self.current
        if segment is None:
            return
        self.current = None
        self._next_segment += 1
        self._numbers[segment.number] = segment
        self.segments.append(segment)
        self._kept.append(segment)
        self._kept_bytes += segment.size_bytes + segment.sound_bytes
        # 4.4.3.1: a segment's duration, rounded to the nearest second, must not exceed the target.
        self.target_duration_s = max(self.target_duration_s, math.floor(segment.duration_s + 0.5))
        self.rate.add(segment.size_bytes, segment.ticks)
        self.sound_rate.add(segment.sound_bytes, segment.ticks)
        self._trim()
        self.revision += 1

    def end(self) -> None:
        """Close the playlist for good."""
        self.finish_segment()
        self.ended = True
        self.revision += 1

    def segment(self, number: int) -> Segment | None:
        """A complete segment that is still kept."""
        return self._numbers.get(number)

    def part(self, number: int) -> Part | None:
        """A part that is still kept."""
        return self._parts.get(number)

    def listed(self) -> Iterable[Segment]:
        """The listed segments: complete ones, and the growing one."""
        yield from self.segments
        if self.current is not None:
            yield self.current

    def lists(self, number: int, part: int | None) -> bool:
        """Whether a segment, or a part of it, is listed. The part after a segment's last one is the first of the next segment."""
        segment = self.current if number == self._next_segment else self._numbers.get(number)
        if segment is None or number < self.segments[0].number:
            return False
        return part is None or part < len(segment.parts) + (segment is not self.current)

    def can_answer(self, number: int, part: int | None) -> bool:
        """Whether a blocking request can be answered now (RFC 8216bis, 6.2.5.2).

        Args:
            number: ``_HLS_msn``.
            part: ``_HLS_part``, if given.

        Raises:
            TooFarAheadError: it asks for something too far in the future.
        """
        if self.ended:
            return True
        last = self.segments[-1] if self.segments else None
        if part is not None and last is not None and number == last.number and part >= len(last.parts):
            number, part = number + 1, 0
        if number > self.last_number + ADVANCE_SEGMENTS:
            raise TooFarAheadError(f"media sequence number {number} is too far ahead")
        present = len(self.current.parts) if self.current is not None else 0
        if part is not None and number > self.last_number:
            ahead = part - (present if number == self.last_number + 1 else 0)
            if ahead > math.ceil(ADVANCE_PARTS_S * 1000 / max(self.part_target_ms, 1)):
                raise TooFarAheadError(f"part {part} of {number} is too far ahead")
        if number <= self.last_number:
            return self.ready
        return self.ready and part is not None and number == self.last_number + 1 and part < present

    def _trim(self) -> None:
        listed_ticks = sum(segment.ticks for segment in self.segments)
        window_ticks = self.window.total_seconds() * VIDEO_TIMESCALE
        # 4.4.3.1 and 6.2.2: list at least three target durations.
        window_ticks = max(window_ticks, 3 * self.target_duration_s * VIDEO_TIMESCALE)
        while len(self.segments) > 1 and listed_ticks - self.segments[0].ticks >= window_ticks:
            gone = self.segments.popleft()
            listed_ticks -= gone.ticks
            self.discontinuity_sequence += gone.discontinuity
        # 6.2.2: a removed segment stays available for the duration of the longest playlist that listed it.
        kept_ticks = sum(segment.ticks for segment in self._kept)
        while len(self._kept) > 1 and (
            kept_ticks - self._kept[0].ticks >= 2 * window_ticks or self._kept_bytes > self.max_bytes
        ):
            kept_ticks -= self._forget(self._kept.popleft())
        needed = {segment.init for segment in self._kept} | {max(self.inits, default=0)}
        self.inits = {number: data for number, data in self.inits.items() if number in needed}
        self.sound_inits = {number: data for number, data in self.sound_inits.items() if number in needed}

    def _forget(self, segment: Segment) -> int:
        del self._numbers[segment.number]
        for part in segment.parts:
            del self._parts[part.number]
        self._kept_bytes -= segment.size_bytes + segment.sound_bytes
        if self.segments and self.segments[0] is segment:
            self.segments.popleft()
            self.discontinuity_sequence += segment.discontinuity
        return segment.ticks
