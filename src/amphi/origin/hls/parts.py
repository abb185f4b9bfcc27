"""Cuts samples into parts that keep the specification's rule whatever the publisher's clock does.

RFC 8216bis, 4.4.3.7: a part lasts no longer than the part target, and, unless it is the last of its segment, no less than
85 % of it. A part ends where a picture ends if that keeps the rule. If it doesn't (a picture came late, or stands still),
the part ends at the part target and what is left of the time goes to the next ones. So the playlist's time may lie behind
the samples' time for a moment, and never before it.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from amphi.origin.fmp4.fragment import Sample
from amphi.origin.hls.tracks import TICKS_PER_MS

# Of the part target, in percent.
LEAST_PART = 85
TARGET_STEP_TICKS = 10 * TICKS_PER_MS
# Sound that is further ahead of the picture than this does not wait for it: what one publisher may hold is bounded.
MAX_SOUND_AHEAD = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """The content of a part, and its duration in 90 kHz."""

    ticks: int
    video: list[Sample]
    audio: list[Sample]


def fit_target(wanted: int, frames: Sequence[int], *, other_track: bool) -> int:
    """The part target nearest to `wanted` that whole frames fill, in 90 kHz.

    Args:
        wanted: what the settings say.
        frames: the durations of some frames of the track that is cut at.
        other_track: whether another track fills the parts in which no frame begins.
    """
    frame = max(median_low(frames), 1) if frames else wanted
    if other_track and frame > wanted:
        return wanted
    whole = max(1, round(wanted / frame)) * frame
    return math.ceil(whole / TARGET_STEP_TICKS) * TARGET_STEP_TICKS


class PartCutter:
    """Holds samples back until a part of them is whole.

    Args:
        start: when the first part begins, in 90 kHz.
        target: the part target, in 90 kHz.
    """

    def __init__(self, start: int, target: int) -> None:
        self.start = start
        self.target = target
        self._video: deque[Sample] = deque()
        self._audio: deque[tuple[int, Sample]] = deque()

    def add_video(self, sample: Sample) -> None:
        self._video.append(sample)

    def add_audio(self, sample: Sample, at: int) -> None:
        """Take a frame of sound that begins at `at`, in 90 kHz."""
        self._audio.append((at, sample))

    def cut(self, boundary: int, frame: int) -> Iterator[Piece]:
        """The parts that are whole, now that all before `boundary` is there.

        Args:
            boundary: where the next frame begins, in 90 kHz.
            frame: about how long it lasts: the part waits for it if it still fits in.
        """
        while (self._video or self._audio) and self._is_whole(boundary - self.start, frame):
            yield self._take(min(boundary, self.start + self.target))

    def finish(self, boundary: int, frame: int) -> Iterator[Piece]:
        """All that begins before `boundary`, where the segment ends: its last part may be short."""
        yield from self.cut(boundary, frame)
        left = boundary - self.start
        if self._video or (self._audio and self._audio[0][0] < boundary and left > frame // 2):
            yield self._take(max(boundary, self.start + TICKS_PER_MS))

    def _is_whole(self, ticks: int, frame: int) -> bool:
        # A quarter of a frame of grace: the publisher's clock, in milliseconds, jitters.
        return 100 * ticks >= LEAST_PART * self.target and ticks + frame * 3 // 4 > self.target

    def _take(self, end: int) -> Piece:
        """The samples that begin before `end`; the next ones there are, if none does."""
        video, audio = [], []
        while self._video and self._video[0].dts < end:
            video.append(self._video.popleft())
        while self._audio and (self._audio[0][0] < end or len(self._audio) > MAX_SOUND_AHEAD):
            audio.append(self._audio.popleft()[1])
        if not (video or audio):
            if self._video:
                video.append(self._video.popleft())
            else:
                audio.append(self._audio.popleft()[1])
        ticks, self.start = end - self.start, end
        return Piece(ticks, video, audio)
