"""Turns frames with a publisher's timestamps into samples with exact durations."""

from collections.abc import Iterator

from amphi.origin.fmp4.codecs import AACConfiguration
from amphi.origin.fmp4.flv import VideoFrame
from amphi.origin.fmp4.fragment import Sample
from amphi.origin.fmp4.init import VIDEO_TIMESCALE

TICKS_PER_MS = VIDEO_TIMESCALE // 1000
DEFAULT_FRAME_TICKS = VIDEO_TIMESCALE // 25


class VideoTrack:
    """Gives each picture the duration until the next one, so each is returned only when the next one comes."""

    def __init__(self) -> None:
        self._pending: Sample | None = None
        self._duration = DEFAULT_FRAME_TICKS
        self._end = 0

    @property
    def frame_ticks(self) -> int:
        """The duration of the last picture, in 90 kHz."""
        return self._duration

    @property
    def next_ticks(self) -> int:
        """When the next picture is expected, in 90 kHz."""
        return self._pending.dts + self._duration if self._pending is not None else self._end

    def push(self, frame: VideoFrame, at_ms: int) -> tuple[Sample | None, int]:
        """Take a picture.

        Args:
            frame: the picture.
            at_ms: its decoding time, in the playlist's time.

        Returns:
            The previous picture, whose duration is now known, and the decoding time of this one, in 90 kHz.
        """
        dts = max(at_ms * TICKS_PER_MS, self._end)
        finished = None
        if self._pending is not None:
            dts = max(dts, self._pending.dts + 1)
            self._duration = dts - self._pending.dts
            finished = self._with_duration(self._duration)
        self._pending = Sample(dts, 0, frame.composition_ms * TICKS_PER_MS, frame.key, frame.data)
        return finished, dts

    def flush(self) -> Sample | None:
        """The last picture, with the duration of the one before it."""
        finished = self._with_duration(self._duration)
        if finished is not None:
            self._end = finished.dts + finished.duration
        self._pending = None
        return finished

    def _with_duration(self, duration: int) -> Sample | None:
        last = self._pending
        return last and Sample(last.dts, duration, last.composition, last.key, last.data)


class AudioTrack:
    """Times sound by counting samples, and corrects the time when it differs from the publisher's clock.

    RTMP rounds each frame's time to milliseconds, which would make gaps and overlaps of up to a millisecond. A drift is corrected by a
    few samples per frame, a gap at once. Of more sound than there is time for, what is too much is left out: else its time would run ahead
    of the pictures', and browsers stand still.
    """

    TOLERANCE_MS = 15
    GAP_MS = 120
    TOO_MUCH_MS = 250
    STEP_SAMPLES = 8

    def __init__(self, configuration: AACConfiguration) -> None:
        self._rate = configuration.sample_rate
        self._frame_samples = configuration.frame_samples
        self._silence = configuration.silence
        self._next: int | None = None
        self._joins = False

    @property
    def frame_ticks(self) -> int:
        """The duration of a frame, in 90 kHz."""
        return self.ticks(self._frame_samples)

    @property
    def end_ticks(self) -> int:
        """Where the last frame ends, in 90 kHz."""
        return self.ticks(self._next or 0)

    def ticks(self, dts: int) -> int:
        """A time of this track in 90 kHz."""
        return dts * VIDEO_TIMESCALE // self._rate

    def join(self) -> None:
        """Go on with another publisher's sound: leave out its frames of before the end of what there is."""
        self._joins = self._next is not None

    def push(self, data: bytes, at_ms: int) -> Sample | None:
        """Take a frame; None if it is too much, or was over before the playlist began.

        Args:
            data: the frame.
            at_ms: its time in the playlist, in ms; negative before it began.
        """
        stamped = at_ms * self._rate // 1000
        duration = self._frame_samples
        if self._next is None and stamped + duration <= 0:
            # It was over before the playlist's first picture. Kept, it would delay all sound that follows.
            return None
        stamped = max(0, stamped)
        dts = stamped if self._next is None else self._next
        ahead = stamped - dts
        if self._joins and 2 * ahead < -self._frame_samples:
            return None
        self._joins = False
        if ahead < -self.TOO_MUCH_MS * self._rate // 1000:
            return None
        if ahead > self.GAP_MS * self._rate // 1000:
            dts = stamped
        elif ahead < -self.GAP_MS * self._rate // 1000:
            duration //= 2
        elif abs(ahead) > self.TOLERANCE_MS * self._rate // 1000:
            duration += self.STEP_SAMPLES if ahead > 0 else -self.STEP_SAMPLES
        self._next = dts + duration
        return Sample(dts, duration, 0, True, data)

    def fill(self, until: int) -> Iterator[Sample]:
        """Silence from the last frame on until `until`, in 90 kHz; none where there is no silent frame for this configuration."""
        while self._silence is not None and self._next is not None and self.ticks(self._next) < until:
            yield Sample(self._next, self._frame_samples, 0, True, self._silence)
            self._next += self._frame_samples
