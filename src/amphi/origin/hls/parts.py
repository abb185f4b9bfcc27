"""Cuts samples into parts that always keep the specification's rule, even when the publisher's clock is irregular.

The rule (RFC 8216bis, 4.4.3.7): a part lasts at most the part target and, unless it is the last of its segment, at least 85 % of it.
A part ends where a picture ends, if that keeps the rule. If not, because a picture is late or lasts long, the part ends at the part
target, and the rest of the time goes to the next parts. So the playlist's time may be behind the samples' time for a moment, but
never ahead of it.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from amphi.origin.fmp4.fragment import Sample
from amphi.origin.hls.tracks import TICKS_PER_MS

# The shortest part, in percent of the part target.
LEAST_PART = 85
TARGET_STEP_TICKS = 10 * TICKS_PER_MS
# At most so many frames of sound wait for the picture, since a publisher's use of memory must be bounded.
MAX_SOUND_AHEAD = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """The content of a part, and its duration in 90 kHz."""

    ticks: int
    video: list[Sample]
    audio: list[Sample]


def fit_target(wanted: int, frames: Sequence[int], *, other_track: bool) -> int:
    """The part target nearest to `wanted` that is a whole number of frames; all times in 90 kHz.

    Of two as near, it is the longer: of 25 pictures a second and half a second, 13 and 12 pictures make one, and with 12 there would be a
    third part of a single picture, for which each player asks as well.

    Args:
        wanted: the part target of the settings.
        frames: durations of some frames of the track whose frames end the parts.
        other_track: whether another track fills parts in which no such frame begins.
    """
    frame = max(median_low(frames), 1) if frames else wanted
    if other_track and frame > wanted:
        return wanted
    whole = max(1, math.floor(wanted / frame + 0.5)) * frame
    return math.ceil(whole / TARGET_STEP_TICKS) * TARGET_STEP_TICKS


def longest_sound(target: int, frame: int) -> int | None:
    """How long the sound of a part is at most; None where the shortest would break the rule. All times in 90 kHz.

    Parts end where pictures end, and frames of sound are whole: of two parts as long, one may have a frame more.

    Args:
        target: the part target.
        frame: the duration of a frame of sound.
    """
    shortest, rest = divmod(target, frame)
    if rest == 0:
        return target
    longest = (shortest + 1) * frame
    return longest if 100 * shortest * frame >= LEAST_PART * (longest + TICKS_PER_MS) else None


class PartCutter:
    """Holds samples until they make a complete part.

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
        """Add a frame of sound that begins at `at`, in 90 kHz."""
        self._audio.append((at, sample))

    def cut(self, boundary: int, frame: int) -> Iterator[Piece]:
        """The parts that are complete once all samples before `boundary` have come.

        Args:
            boundary: where the next frame begins, in 90 kHz.
            frame: its estimated duration: the part waits for it if it still fits.
        """
        while (self._video or self._audio) and self._is_whole(boundary - self.start, frame):
            yield self._take(min(boundary, self.start + self.target))

    def finish(self, boundary: int, frame: int) -> Iterator[Piece]:
        """The remaining parts of a segment that ends at `boundary`; the last one may be short."""
        yield from self.cut(boundary, frame)
        left = boundary - self.start
        if self._video or (self._audio and self._audio[0][0] < boundary and left > frame // 2):
            yield self._take(max(boundary, self.start + TICKS_PER_MS))

    def _is_whole(self, ticks: int, frame: int) -> bool:
        # A tolerance of a quarter of a frame, since publishers' clocks jitter.
        return 100 * ticks >= LEAST_PART * self.target and ticks + frame * 3 // 4 > self.target

    def _take(self, end: int) -> Piece:
        """The samples that begin before `end`; if there are none, the next ones."""
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
