"""Cuts a publisher's frames into parts and segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.flv import VideoFrame, parse_audio, parse_video
from amphi.origin.fmp4.fragment import Sample, fragment
from amphi.origin.fmp4.init import VIDEO_TIMESCALE, init_segment
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.timeline import Timeline, milliseconds, signed_step
from amphi.origin.hls.tracks import TICKS_PER_MS, AudioTrack, VideoTrack

# How long the second track may stay away at the start before the stream goes on without it.
START_WAIT_MS = 1_000
MAX_WAITING_FRAMES = 2_000
MAX_WAITING_BYTES = 16 * 2**20
# A segment of more than this is cut even without a keyframe: what one publisher may hold is bounded.
MAX_SEGMENT_BYTES = 64 * 2**20
# A keyframe this much before the segment's duration still ends it: publishers' clocks jitter.
EARLY_KEYFRAME = 0.9
# Without a picture for this long, sound alone makes the parts.
VIDEO_STALL = timedelta(seconds=1)
# The publisher's clock may drift from ours by this much before the program date-time is set anew.
CLOCK_DRIFT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cutting:
    """Where to cut.

    Attributes:
        part: a part's duration, which is rounded to whole frames.
        segment: a segment ends at the first keyframe after this.
        max_segment: a segment ends here even without a keyframe.
    """

    part: timedelta = timedelta(milliseconds=200)
    segment: timedelta = timedelta(seconds=1)
    max_segment: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that arrived before the tracks were known."""

    timestamp: int
    frame: VideoFrame | bytes
    now: datetime

    @property
    def size_bytes(self) -> int:
        return len(self.frame.data if isinstance(self.frame, VideoFrame) else self.frame)


class Segmenter:
    """Turns FLV tags into the parts and segments of a playlist.

    Args:
        playlist: what to append to.
        cutting: where to cut.
    """

    def __init__(self, playlist: MediaPlaylist, cutting: Cutting) -> None:
        self._playlist = playlist
        self._part_ticks = milliseconds(cutting.part) * TICKS_PER_MS
        self._segment_ticks = milliseconds(cutting.segment) * TICKS_PER_MS
        self._max_segment_ticks = milliseconds(cutting.max_segment) * TICKS_PER_MS
        self._sequence = 0
        self._end = 0
        self.avc: AVCConfiguration | None = None
        self.aac: AACConfiguration | None = None
        self.frames = 0
        self.frame_rate: float | None = None
        self._running = False
        self.begin()

    def begin(self) -> None:
        """A publisher begins; after another one, its media is a discontinuity."""
        self.flush()
        self.avc = self.aac = None
        self._expected = {"audio", "video"}
        self._timeline = Timeline(-(-self._end // TICKS_PER_MS))
        self._stop_tracks()

    def _stop_tracks(self) -> None:
        self._running = False
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._has_keyframe = False
        self._video: VideoTrack | None = None
        self._audio: AudioTrack | None = None
        self._video_samples: list[Sample] = []
        self._audio_samples: list[Sample] = []
        self._discontinuity = self._playlist.next_part > 0

    def receive_metadata(self, values: Mapping[str, object]) -> None:
        """Learn from ``onMetaData`` which tracks to wait for."""
        told = {
            kind
            for kind in ("audio", "video")
            if values.get(f"{kind}codecid") or values.get(f"{kind}datarate")
        }
        if told:
            self._expected = told

    def receive_video(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take a video tag.

        Args:
            timestamp: RTMP's, milliseconds modulo 2**32.
            body: the tag's.
            now: the wall clock.

        Raises:
            MediaError: it can't be packaged.
        """
        tag = parse_video(body)
        if isinstance(tag, AVCConfiguration):
            if tag != self.avc:
                self.flush()  # what follows needs another initialization segment
                self.avc = tag
        elif tag is not None and self.avc is not None:
            self.frames += 1
            self._receive(_Waiting(timestamp, tag, now))

    def receive_audio(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take an audio tag; as for `receive_video`."""
        tag = parse_audio(body)
        if isinstance(tag, AACConfiguration):
            if tag != self.aac:
                self.flush()  # what follows needs another initialization segment
                self.aac = tag
        elif tag is not None and self.aac is not None:
            self._receive(_Waiting(timestamp, tag, now))

    def flush(self) -> None:
        """Put out all that arrived, to the last frame, and end the segment."""
        if not self._running:
            return
        last = self._video.flush() if self._video else None
        if last is not None:
            self._video_samples.append(last)
        ends = [sample.dts + sample.duration for sample in self._video_samples[-1:]]
        if self._audio is not None and self._audio_samples:
            sample = self._audio_samples[-1]
            ends.append(self._audio.ticks(sample.dts + sample.duration))
        self._close_part(max(ends, default=self._part_start))
        self._playlist.finish_segment()
        self._stop_tracks()

    def _receive(self, arrived: _Waiting) -> None:
        if self._running:
            self._push(arrived)
            return
        if not self._has_keyframe and isinstance(arrived.frame, VideoFrame):
            if not arrived.frame.key:
                return
            self._has_keyframe = True
        self._waiting.append(arrived)
        self._waiting_bytes += arrived.size_bytes
        if self._may_start():
            self._start()
        elif not self._has_keyframe and len(self._waiting) > MAX_WAITING_FRAMES:
            self._waiting_bytes -= self._waiting.pop(0).size_bytes

    def _may_start(self) -> bool:
        known = {kind for kind, found in (("audio", self.aac), ("video", self.avc)) if found}
        age = signed_step(self._waiting[0].timestamp, self._waiting[-1].timestamp)
        full = len(self._waiting) >= MAX_WAITING_FRAMES or self._waiting_bytes >= MAX_WAITING_BYTES
        if not known >= self._expected and age < START_WAIT_MS and not full:
            return False
        return self.avc is None or self._has_keyframe

    def _start(self) -> None:
        """Begin with the first keyframe and with the sound around it."""
        waiting, self._waiting = self._waiting, []
        if self.avc is not None:
            key_time = next(frame.timestamp for frame in waiting if isinstance(frame.frame, VideoFrame))
            waiting = [frame for frame in waiting if signed_step(frame.timestamp, key_time) < START_WAIT_MS]
            self._video = VideoTrack()
        if self.aac is not None:
            self._audio = AudioTrack(self.aac)
        self._init = self._playlist.add_init(init_segment(self.avc, self.aac))
        self._running = True
        self._part_start = max(self._timeline.place(waiting[0].timestamp) * TICKS_PER_MS, self._end)
        self._video_at = waiting[0].now
        self._begin_segment(waiting[0].now)
        for frame in waiting:
            self._push(frame)

    def _push(self, arrived: _Waiting) -> None:
        at_ms = self._timeline.place(arrived.timestamp)
        if isinstance(arrived.frame, bytes):
            self._push_audio(arrived.frame, at_ms, arrived.now)
        else:
            self._push_video(arrived.frame, at_ms, arrived.now)

    def _push_video(self, frame: VideoFrame, at_ms: int, now: datetime) -> None:
        if self._video is None:
            return
        finished, dts = self._video.push(frame, at_ms)
        self._video_at = now
        if finished is not None:
            self._video_samples.append(finished)
            self._cut(dts, self._video.frame_ticks, now, key=frame.key)
        self._segment_bytes += len(frame.data)

    def _push_audio(self, data: bytes, at_ms: int, now: datetime) -> None:
        if self._audio is None:
            return
        sample = self._audio.push(data, at_ms)
        if self._video is None or now - self._video_at > VIDEO_STALL:
            ticks = self._audio.ticks(sample.duration)
            self._cut(self._audio.ticks(sample.dts), ticks, now, key=self._video is None)
        self._audio_samples.append(sample)
        self._segment_bytes += len(data)

    def _begin_segment(self, now: datetime) -> None:
        """Start a segment at the wall clock's time, which goes on evenly unless the clocks part."""
        self._segment_start = self._part_start
        self._segment_bytes = 0
        last = self._playlist.segments[-1] if self._playlist.segments else None
        self._started_at = now
        if last is not None and not self._discontinuity:
            even = last.started_at + timedelta(seconds=last.duration_s)
            # A frame is never older than its arrival; one that is late was held up on its way.
            if even <= now <= even + CLOCK_DRIFT:
                self._started_at = even

    def _cut(self, boundary: int, frame_ticks: int, now: datetime, *, key: bool) -> None:
        """End the part, and the segment, if the frame that begins at `boundary` is not to be in it."""
        ticks = boundary - self._segment_start
        too_long = ticks >= self._max_segment_ticks or self._segment_bytes >= MAX_SEGMENT_BYTES
        if too_long or (key and ticks >= EARLY_KEYFRAME * self._segment_ticks):
            self._close_part(boundary)
            self._playlist.finish_segment()
            self._begin_segment(now)
        elif boundary - self._part_start + frame_ticks // 2 > self._part_ticks:
            self._close_part(boundary)

    def _close_part(self, boundary: int) -> None:
        video, audio = self._video_samples, self._audio_samples
        if not (video or audio):
            return
        self._video_samples, self._audio_samples = [], []
        ticks = max(boundary - self._part_start, TICKS_PER_MS)
        self._part_start += ticks
        self._end = self._part_start
        self._sequence += 1
        if video:
            shown = sum(sample.duration for sample in video)
            self.frame_rate = round(len(video) * VIDEO_TIMESCALE / shown, 1)
        self._playlist.add_part(
            ticks=ticks,
            independent=self._video is None or any(sample.key for sample in video),
            data=fragment(self._sequence, video, audio),
            init=self._init,
            started_at=self._started_at,
            discontinuity=self._discontinuity,
        )
        self._discontinuity = False
