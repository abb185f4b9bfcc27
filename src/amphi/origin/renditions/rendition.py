"""One smaller picture of a stream: a playlist with the same segments and parts as the publisher's."""

import itertools
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from time import monotonic

from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.flv import VideoFrame
from amphi.origin.fmp4.fragment import Sample, fragment
from amphi.origin.fmp4.init import init_segment
from amphi.origin.hls.parts import Piece
from amphi.origin.hls.playlist import MediaPlaylist, Part, Rate, Segment
from amphi.origin.hls.render import Others, media_playlist
from amphi.origin.hls.tracks import TICKS_PER_MS
from amphi.origin.renditions.encoder import Form, Output
from amphi.origin.waiting import Waiting

SESSION_BYTES = 5
IN_STEP_MS = 800
"""An encoder whose newest picture is no older than this gets the next segment."""
LATE_S = 1.5
"""A part whose pictures take longer than this is not waited for."""
MAX_PICTURES = 600


class _Way(Enum):
    """What stands for a part of the publisher's: the same part, the encoder's pictures, or one of them that stands still."""

    COPY = auto()
    ENCODED = auto()
    STILL = auto()


@dataclass(slots=True)
class _Due:
    """A part of the publisher's for which nothing is listed yet."""

    segment: Segment
    part: Part
    piece: Piece
    way: _Way
    since: float

    @property
    def begins(self) -> bool:
        return self.part is self.segment.parts[0]


class Rendition(Waiting):
    """Follows the publisher's playlist, part by part.

    Each segment is either encoded, or the publisher's own: what was there before the encoder began, a slate, and what came while there was
    no encoder in step. So a player can change over at any moment, and an encoder that fails costs nothing but bits.

    Args:
        source: the publisher's playlist, which is ready.
        form: what the picture is like.
        others: the playlists that a player may change over to.
        on_late: called when the encoder does not keep up.
    """

    def __init__(
        self,
        source: MediaPlaylist,
        form: Form,
        *,
        others: Callable[[], Others],
        on_late: Callable[[], None],
    ) -> None:
        super().__init__()
        self.form = form
        self.rate = Rate()
        self.output: Output | None = None
        self.avc: AVCConfiguration | None = None
        self._source = source
        self._others = others
        self._on_late = on_late
        self._pictures: deque[tuple[int, VideoFrame]] = deque(maxlen=MAX_PICTURES)
        self._due: deque[_Due | None] = deque()
        self._aac: AACConfiguration | None = None
        self._at: Segment | None = None
        self._way = _Way.COPY
        self._init = 0
        self._counts = False
        self._first: VideoFrame | None = None
        self._sequence = 0
        self._rendered: dict[bool, bytes] = {}
        self._revision = -1
        self.playlist = self._begin(source)

    def _begin(self, source: MediaPlaylist) -> MediaPlaylist:
        """A playlist that lists what the publisher's does."""
        first = source.segments[0]
        playlist = MediaPlaylist(
            secrets.token_hex(SESSION_BYTES), first_number=first.number, window=source.window
        )
        playlist.discontinuity_sequence = source.discontinuity_sequence
        playlist.target_duration_s = source.target_duration_s
        playlist.next_part = first.parts[0].number
        self.playlist = playlist
        for segment in source.segments:
            for part in segment.parts:
                self._copy(segment, part)
            playlist.finish_segment()
        if source.current is not None:
            self._at = source.current
            for part in source.current.parts:
                self._copy(source.current, part)
        return playlist

    def media_playlist(self, *, skip: bool = False, sound: bool = False) -> bytes:
        """The current media playlist, rendered once for all requests; it has no sound alone."""
        del sound
        if self._revision != self.playlist.revision:
            self._rendered.clear()
            self._revision = self.playlist.revision
        rendered = self._rendered.get(skip)
        if rendered is None:
            rendered = self._rendered[skip] = media_playlist(self.playlist, skip=skip, others=self._others())
        return rendered

    def use(self, output: Output | None) -> None:
        """Another encoder's output, or none. What is being made stands still until the next segment."""
        begun = self.playlist.current.number if self.playlist.current is not None else None

        def without(way: _Way, segment: Segment | None) -> _Way:
            if way is not _Way.ENCODED or segment is None:
                return way
            return _Way.STILL if segment.number == begun else _Way.COPY

        for due in self._due:
            if due is not None:
                due.way = without(due.way, due.segment)
        self._way = without(self._way, self._at)
        self._counts = False
        self._advance()
        self._pictures.clear()
        self.output = output

    def take_picture(self, at_ms: int, frame: VideoFrame) -> None:
        """A picture comes from the encoder."""
        self._pictures.append((at_ms, frame))
        self._advance()

    def take_part(
        self, segment: Segment, part: Part, piece: Piece | None, aac: AACConfiguration | None
    ) -> None:
        """A part was added to the publisher's playlist; without `piece`, it is a slate's."""
        if segment is not self._at:
            self._at, self._aac = segment, aac
            self._way = _Way.ENCODED if piece is not None and self._is_in_step(piece) else _Way.COPY
        self._due.append(_Due(segment, part, piece or Piece(part.ticks, [], []), self._way, monotonic()))
        self._advance()
        head = self._due[0] if self._due else None
        if head is not None and monotonic() - head.since > LATE_S:
            self._on_late()

    def end_segment(self) -> None:
        """The publisher's segment is complete."""
        self._due.append(None)
        self._advance()

    def end(self) -> None:
        """Close the playlist for good."""
        self.use(None)
        self.playlist.end()
        self.wake()

    def _is_in_step(self, piece: Piece) -> bool:
        """Whether the encoder's picture of this keyframe has come, or comes soon."""
        if self.output is None or self.output.avc is None or not piece.video or not piece.video[0].key:
            return False
        at_ms = _shown_ms(piece.video[0])
        if not any(due is not None and due.way is _Way.ENCODED for due in self._due):
            self._forget_before(at_ms)
        if next((found for found, _ in self._pictures if found >= at_ms), at_ms) != at_ms:
            return False
        return self.output.newest_ms >= at_ms - IN_STEP_MS

    def _forget_before(self, at_ms: int) -> None:
        while self._pictures and self._pictures[0][0] < at_ms:
            self._pictures.popleft()

    def _advance(self) -> None:
        """List what is complete."""
        revision = self.playlist.revision
        while self._due and self._list(self._due[0]):
            self._due.popleft()
        if self.playlist.revision != revision:
            self.wake()

    def _list(self, due: _Due | None) -> bool:
        """List a part, or end the segment; False while pictures are missing."""
        if due is None:
            self._finish_segment()
        elif due.way is _Way.ENCODED:
            return self._add_encoded(due)
        elif due.way is _Way.STILL:
            self._add(due.segment, due.part, self._fragment(self._still(due.piece.video), due.piece))
        else:
            self._copy(due.segment, due.part)
        return True

    def _finish_segment(self) -> None:
        segment = self.playlist.current
        self.playlist.finish_segment()
        if segment is not None and self._counts:
            self.rate.add(segment.size_bytes, segment.ticks)

    def _copy(self, segment: Segment, part: Part) -> None:
        if part is segment.parts[0]:
            self._init, self._counts = self.playlist.add_init(self._source.inits[segment.init]), False
        self._add(segment, part, part.data)

    def _add_encoded(self, due: _Due) -> bool:
        samples = self._take_pictures(due.piece.video, begins=due.begins)
        if samples is None or self.output is None or self.output.avc is None:
            return False
        if due.begins:
            self.avc, self._counts = self.output.avc, True
            self._init = self.playlist.add_init(init_segment(self.avc, self._aac))
        self._add(due.segment, due.part, self._fragment(samples, due.piece))
        return True

    def _take_pictures(self, slots: list[Sample], *, begins: bool) -> list[Sample] | None:
        """The smaller pictures in the place of the publisher's; None while some are missing.

        No encoded picture waits for a later one, so they come in the order in which they are shown: the first takes the first place.
        """
        if begins:
            self._forget_before(_shown_ms(slots[0]))
        coming = iter(list(itertools.islice(self._pictures, len(slots))))
        following = next(coming, None)
        if begins and following and not (following[1].key and following[0] == _shown_ms(slots[0])):
            self._on_late()
            return None
        placed: list[Sample] = []
        for slot in slots:
            if following is None:
                return None
            if following[1].key and not slot.key:
                # One that got lost is missing before the next keyframe.
                continue
            placed.append(_placed(slot, *following))
            following = next(coming, None)
        if begins:
            self._first = self._pictures[0][1]
        for _ in placed:
            self._pictures.popleft()
        return placed

    def _still(self, slots: list[Sample]) -> list[Sample]:
        """The first picture of the segment for all of a part: players stop where a track has a hole."""
        if not slots or self._first is None:
            return []
        ticks = sum(slot.duration for slot in slots)
        return [Sample(slots[0].dts, ticks, 0, True, self._first.data)]

    def _fragment(self, samples: list[Sample], piece: Piece) -> bytes:
        self._sequence += 1
        return fragment(self._sequence, samples, piece.audio)

    def _add(self, segment: Segment, part: Part, data: bytes) -> None:
        self.playlist.shows_slate = segment.is_slate
        self.playlist.add_part(
            ticks=part.ticks,
            target_ms=segment.part_target_ms,
            sound_target_ms=segment.sound_target_ms,
            independent=part.independent,
            data=data,
            sound=b"",
            sound_ticks=part.sound_ticks,
            init=self._init,
            started_at=segment.started_at,
            discontinuity=segment.discontinuity,
        )


def _placed(slot: Sample, at_ms: int, frame: VideoFrame) -> Sample:
    """An encoded picture at the time of the publisher's."""
    composition = at_ms * TICKS_PER_MS - slot.dts
    return Sample(
        slot.dts, slot.duration, composition if composition >= TICKS_PER_MS else 0, frame.key, frame.data
    )


def _shown_ms(sample: Sample) -> int:
    return sample.dts // TICKS_PER_MS + sample.composition // TICKS_PER_MS
