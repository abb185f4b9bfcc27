"""Cuts a publisher's frames into parts and segments."""

import itertools
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.flv import LENGTH_BYTES, VideoFrame, parse_audio, parse_video
from amphi.origin.fmp4.fragment import fragment
from amphi.origin.fmp4.init import VIDEO_TIMESCALE, init_segment
from amphi.origin.hls.absence import Absence
from amphi.origin.hls.changes import Changes
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.opening import AUDIO, ENOUGH_PICTURES, VIDEO, Arrived, Opening
from amphi.origin.hls.parts import PartCutter, Piece, fit_target, longest_sound
from amphi.origin.hls.playlist import MediaPlaylist, Part, Segment
from amphi.origin.hls.timeline import Timeline, milliseconds
from amphi.origin.hls.tracks import TICKS_PER_MS, AudioTrack, VideoTrack

# A larger segment is cut even without a keyframe, since a publisher's use of memory must be bounded.
MAX_SEGMENT_BYTES = 64 * 2**20
# A keyframe after this share of the segment's duration ends the segment, since publishers' clocks jitter.
EARLY_KEYFRAME = 0.9
# Where another publisher follows, a segment that has so much of its duration ends: with what follows until the next keyframe it would be
# longer than the target duration, which must not change. A shorter one goes on.
SPLICED = 0.45
# When no picture has come for this long, parts are cut by the sound alone.
VIDEO_STALL = timedelta(seconds=1)
# When the publisher's clock has drifted from ours by this much, the program date-time is set again.
CLOCK_DRIFT = timedelta(seconds=1)
# How many pictures the frame rate is estimated from.
REMEMBERED_PICTURES = 11


class Segmenter:
    """Turns FLV tags into the parts and segments of a playlist.

    Args:
        playlist: where to append them.
        cutting: where to cut.
        start_ticks: the playlist's time at which it begins, in 90 kHz.

    Attributes:
        on_start: called when media begins to be added, after the start and after each interruption.
        on_picture: called with each picture as soon as it comes, and its decoding time in 90 kHz.
        on_part: called with each part that was added, its segment, and the samples in it.
        on_segment: called when a segment is complete.
    """

    def __init__(self, playlist: MediaPlaylist, cutting: Cutting, *, start_ticks: int = 0) -> None:
        self.on_start: Callable[[], None] = lambda: None
        self.on_picture: Callable[[VideoFrame, int], None] | None = None
        self.on_part: Callable[[Segment, Part, Piece], None] | None = None
        self.on_segment: Callable[[], None] | None = None
        self._playlist = playlist
        self._part_ticks = milliseconds(cutting.part) * TICKS_PER_MS
        self._segment_ticks = milliseconds(cutting.segment) * TICKS_PER_MS
        self._max_segment_ticks = milliseconds(cutting.max_segment) * TICKS_PER_MS
        self._sequence = 0
        self._end = start_ticks
        self._was_overtaken = False
        self.frame_rate: float | None = None
        # The configurations in the newest initialization segment.
        self.avc: AVCConfiguration | None = None
        self.aac: AACConfiguration | None = None
        # The publisher's newest configurations, as they came.
        self.headers: dict[str, bytes] = {}
        self._opening = Opening(set())
        self._running = False
        self._target = self._target_before = 0
        self.begin()

    def begin(self) -> None:
        """Prepare for a new publisher. Its media is a discontinuity if another publisher came before."""
        self.flush()
        self.headers.clear()
        self._is_spliced = False
        self._last_avc: AVCConfiguration | None = None
        self._last_aac: AACConfiguration | None = None
        self._timeline = Timeline(-(-self._end // TICKS_PER_MS))
        self._absence = Absence()
        self._changes = Changes()
        self._target_before, self._target = self._target or self._target_before, 0
        self._stop({AUDIO, VIDEO})

    def splice(
        self, headers: Mapping[str, bytes], timestamp: int, composition_ms: int, now: datetime
    ) -> bool:
        """Go on with another publisher, from a keyframe on: it follows the last picture, and nothing tells the two apart.

        Where there is nothing to go on from, this is `begin`.

        Args:
            headers: its configurations: the bodies of their tags, by track.
            timestamp: the keyframe's.
            composition_ms: how long after decoding the keyframe is shown.
            now: when the keyframe came.

        Returns:
            Whether it goes on; then sound of before the keyframe is of use.

        Raises:
            MediaError: a configuration is unreadable.
        """
        goes_on, whole = self._running and self._video is not None, 0
        if self._video is None or not self._running:
            self.begin()
        else:
            # Where the last picture was sent ahead of others, which never came, it is shown after them.
            shown_until = self._shown_until + self._video.frame_ticks - composition_ms * TICKS_PER_MS
            # The last picture is shown until a part is whole: hls.js 1.7 stands still at parts and segments that are much too short.
            start, end = self._parts.start, max(self._video.next_ticks, shown_until)
            whole = start + -(-(end - start) // self._target) * self._target
            self._timeline = Timeline(-(-whole // TICKS_PER_MS))
            self._timeline.place(timestamp, VIDEO, now)
            self._absence = Absence()
            self._changes = Changes()
            self._is_spliced = True
        for track, body in headers.items():
            (self.receive_video if track == VIDEO else self.receive_audio)(timestamp, body, now)
        if goes_on and (self._last_avc, self._last_aac) != (self.avc, self.aac):
            self.flush(whole)
            return False
        if self._audio is not None:
            self._audio.join()
        return goes_on

    @property
    def picture_at(self) -> datetime | None:
        """When the newest picture came; None while there are none."""
        return self._video_at if self._running and self._video is not None else None

    @property
    def end_ticks(self) -> int:
        """The playlist's time up to which media was added, in 90 kHz."""
        return self._end

    def interrupt(self) -> None:
        """End what was added; go on with the next keyframe, as after a discontinuity."""
        if not self._running:
            return
        tracks = {name for name, track in ((VIDEO, self._video), (AUDIO, self._audio)) if track is not None}
        self.flush()
        self._timeline = Timeline(-(-self._end // TICKS_PER_MS))
        self._stop(tracks)

    def overtake(self, end_ticks: int) -> None:
        """Something else was added to the playlist, up to this time: begin after it."""
        if end_ticks > self._end:
            self._end = end_ticks
            self._was_overtaken = True

    def _stop(self, expected: set[str]) -> None:
        self._running = False
        self._opening = Opening(expected, pictures=1 if self._target else ENOUGH_PICTURES)
        self._video: VideoTrack | None = None
        self._audio: AudioTrack | None = None
        self._sound_waits = False
        # How long after its decoding a picture is shown, in 90 kHz: encoders with B-frames send pictures out of order.
        self._reordering = 0
        self._discontinuity = self._playlist.next_part > 0

    def receive_metadata(self, values: Mapping[str, object]) -> None:
        """Learn from ``onMetaData`` which tracks to wait for."""
        announced = {
            kind for kind in (AUDIO, VIDEO) if values.get(f"{kind}codecid") or values.get(f"{kind}datarate")
        }
        if announced and not self._running:
            self._opening.expected = announced | self._with_header()

    def _with_header(self) -> set[str]:
        """The tracks whose configuration has come."""
        headers = {VIDEO: self._last_avc, AUDIO: self._last_aac}
        return {track for track, header in headers.items() if header is not None}

    def receive_video(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take a video tag.

        Args:
            timestamp: RTMP's timestamp, in ms modulo 2**32.
            body: the tag's body.
            now: the wall-clock time.

        Raises:
            MediaError: the tag can't be packaged.
        """
        tag = parse_video(body, self._last_avc.length_bytes if self._last_avc else LENGTH_BYTES)
        if isinstance(tag, AVCConfiguration):
            self._changes.count(now, changed=tag != self._last_avc)
            self.headers[VIDEO] = body
            self._last_avc = tag
            self._opening.expected |= self._with_header()
            if not self._running and tag == self.avc and not self._target:
                # Who sent before is back: nothing need be learned of its pictures first, which may take a second where they stand still.
                self._target = self._target_before
                self._opening.needed = 1
        elif tag is not None and self._last_avc is not None:
            at_ms = self._timeline.place(timestamp, VIDEO, now)
            self._absence.note(VIDEO, at_ms)
            if self._running and self._starts_anew(tag):
                with_sound = (self._audio or self._sound_waits) and not self._has_lost(AUDIO)
                self._start_anew({VIDEO, AUDIO} if with_sound else {VIDEO}, now)
            self._receive(Arrived(at_ms, tag, now))

    def receive_audio(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take an audio tag; as for `receive_video`."""
        tag = parse_audio(body)
        if isinstance(tag, AACConfiguration):
            self._changes.count(now, changed=tag != self._last_aac)
            self.headers[AUDIO] = body
            self._last_aac = tag
            self._opening.expected |= self._with_header()
        elif tag is not None and self._last_aac is not None:
            at_ms = self._timeline.place(timestamp, AUDIO, now)
            self._absence.note(AUDIO, at_ms)
            if self._running and self._last_aac != self.aac:
                # While pictures go on, the changed sound waits for the next keyframe.
                self._sound_waits = True
                if self._video is None or self._is_stalled(now):
                    self._start_anew({AUDIO}, now)
            elif self._running and self._has_lost(VIDEO):
                self._start_anew({AUDIO}, now)
            self._receive(Arrived(at_ms, tag, now))

    def _has_lost(self, track: str) -> bool:
        """Whether a track that the initialization segment has stays away, so that players would wait for it for ever."""
        return self._absence.is_away(track) and (self._video if track == VIDEO else self._audio) is not None

    def _starts_anew(self, frame: VideoFrame) -> bool:
        """Whether a new initialization segment is needed from this picture on."""
        has_changed = self._video is None or self._last_avc != self.avc or self._sound_waits
        return frame.key and (has_changed or self._has_lost(AUDIO))

    def _start_anew(self, expected: set[str], now: datetime) -> None:
        # A track that goes away is not counted: it can only do so again once it came back.
        running = {name for name, track in ((VIDEO, self._video), (AUDIO, self._audio)) if track is not None}
        self._changes.count(now, changed=expected >= running)
        self.flush()
        self._stop(expected)

    def flush(self, until: int = 0) -> None:
        """Write all frames that have arrived, and end the segment: not before `until`, in 90 kHz, with the last picture and silence."""
        if not self._running and self._opening.is_complete:
            self._start()
        if not self._running:
            return
        ends = [self._parts.start]
        if self._audio is not None:
            ends.append(self._audio.end_ticks)
        if self._video is not None and (last := self._video.flush()) is not None:
            last = replace(last, duration=max(last.duration, until - last.dts))
            self._parts.add_video(last)
            ends.append(last.dts + last.duration)
            if self._audio is not None:
                for sample in self._audio.fill(until):
                    self._parts.add_audio(sample, self._audio.ticks(sample.dts))
                ends.append(self._fill_sound(self._audio, ends[-1]))
        for piece in self._parts.finish(max(ends), 0):
            self._add_part(piece)
        self._end = max(ends)
        self._finish_segment()
        self._stop({AUDIO, VIDEO})

    def _fill_sound(self, audio: AudioTrack, end: int) -> int:
        """Let the sound end with the pictures, if it ended before the segment's first picture is shown. Returns where the part ends.

        Players play as far as they have both. They would look for more in the segment before, and hls.js 1.7 would never go on from there.
        """
        shown_until = end + self._reordering
        is_without = audio.end_ticks <= self._segment_start + self._reordering + audio.frame_ticks
        if not is_without or shown_until - audio.end_ticks > self._max_segment_ticks:
            return end
        for sample in audio.fill(shown_until):
            self._parts.add_audio(sample, audio.ticks(sample.dts))
        return shown_until

    def _receive(self, arrived: Arrived) -> None:
        if self._running:
            self._push(arrived)
            return
        self._opening.add(arrived)
        if self._opening.is_over:
            self._start()

    def _start(self) -> None:
        """Start with the first keyframe and the sound of the same time."""
        self.on_start()
        tracks = self._opening.tracks
        frames = self._moved(self._opening.frames(self._part_ticks // TICKS_PER_MS))
        self.avc = self._last_avc if VIDEO in tracks else None
        self.aac = self._last_aac if AUDIO in tracks else None
        self._video = VideoTrack() if self.avc is not None else None
        self._audio = AudioTrack(self.aac) if self.aac is not None else None
        self._running = True
        start = max(min(frame.at_ms for frame in frames) * TICKS_PER_MS, self._end)
        self._target = self._target or self._first_target(frames)
        frame_ticks = self._audio.frame_ticks if self._audio is not None else self._target
        sound_target = longest_sound(self._target, frame_ticks)
        self._sound_target_ms = math.ceil((sound_target or self._target) / TICKS_PER_MS)
        has_sound = self.aac is not None and sound_target is not None
        sound = init_segment(None, self.aac) if has_sound else b""
        self._init = self._playlist.add_init(init_segment(self.avc, self.aac), sound)
        self._parts = PartCutter(start, self._target)
        self._pictures: deque[int] = deque(maxlen=REMEMBERED_PICTURES)
        # When the last of the pictures is shown, in 90 kHz.
        self._shown_until = 0
        self._video_at = frames[0].now
        self._begin_segment(frames[0].now)
        for frame in frames:
            self._push(frame)

    def _moved(self, frames: list[Arrived]) -> list[Arrived]:
        """The frames, behind what else was added while they were waited for."""
        behind_ms = -(-self._end // TICKS_PER_MS) - min(frame.at_ms for frame in frames)
        if not self._was_overtaken or behind_ms <= 0:
            return frames
        self._was_overtaken = False
        self._timeline.shift(behind_ms)
        return [replace(frame, at_ms=frame.at_ms + behind_ms) for frame in frames]

    def _first_target(self, frames: list[Arrived]) -> int:
        frame_ticks = self._audio.frame_ticks if self._audio is not None else 0
        if self._video is None:
            return fit_target(self._part_ticks, [frame_ticks], other_track=False)
        times = [frame.at_ms * TICKS_PER_MS for frame in frames if frame.track == VIDEO]
        durations = [later - earlier for earlier, later in itertools.pairwise(times)]
        sound_ticks = frame_ticks * (len(frames) - len(times))
        return fit_target(self._part_ticks, durations, other_track=2 * sound_ticks > times[-1] - times[0])

    def _push(self, arrived: Arrived) -> None:
        if isinstance(arrived.frame, VideoFrame):
            self._push_video(arrived.frame, arrived.at_ms, arrived.now)
        else:
            self._push_audio(arrived.frame, arrived.at_ms, arrived.now)

    def _push_video(self, frame: VideoFrame, at_ms: int, now: datetime) -> None:
        if self._video is None or self._last_avc != self.avc:
            return
        finished, dts = self._video.push(frame, at_ms)
        self._shown_until = max(self._shown_until, dts + frame.composition_ms * TICKS_PER_MS)
        if frame.key:
            self._reordering = frame.composition_ms * TICKS_PER_MS
        self._video_at = now
        if self.on_picture is not None:
            self.on_picture(frame, dts)
        if finished is not None:
            self._parts.add_video(finished)
            self._pictures.append(finished.duration)
            self._cut(dts, self._video.frame_ticks, now, key=frame.key)
        self._segment_bytes += len(frame.data)

    def _push_audio(self, data: bytes, at_ms: int, now: datetime) -> None:
        if self._audio is None or self._sound_waits:
            return
        sample = self._audio.push(data, at_ms)
        if sample is None:
            return
        at = self._audio.ticks(sample.dts)
        if self._video is None or self._is_stalled(now):
            self._cut(at, self._audio.frame_ticks, now, key=False)
        self._parts.add_audio(sample, at)
        self._segment_bytes += len(data)

    def _is_stalled(self, now: datetime) -> bool:
        return now - self._video_at > VIDEO_STALL

    def _begin_segment(self, now: datetime) -> None:
        """Start a segment. Its program date-time continues that of the last one, unless the clocks have drifted."""
        self._segment_start = self._parts.start
        self._segment_bytes = 0
        last = self._playlist.segments[-1] if self._playlist.segments else None
        self._started_at = now
        if last is not None and not self._discontinuity:
            even = last.started_at + timedelta(seconds=last.duration_s)
            # A frame can't arrive before its time; a later arrival may be a delay in the network.
            if even <= now <= even + CLOCK_DRIFT:
                self._started_at = even

    def _cut(self, boundary: int, frame_ticks: int, now: datetime, *, key: bool) -> None:
        """End the part or the segment, if the frame that begins at `boundary` does not belong to it."""
        ticks = boundary - self._segment_start
        too_long = ticks >= self._max_segment_ticks or self._segment_bytes >= MAX_SEGMENT_BYTES
        is_due = ticks >= (SPLICED if key and self._is_spliced else EARLY_KEYFRAME) * self._segment_ticks
        if too_long or (key and is_due):
            for piece in self._parts.finish(boundary, frame_ticks):
                self._add_part(piece)
            self._is_spliced = False
            self._end_segment(boundary, now)
            return
        self._is_spliced = self._is_spliced and not key
        for piece in self._parts.cut(boundary, frame_ticks):
            self._add_part(piece)
            if self._video is None and is_due:
                self._end_segment(boundary, now)

    def _finish_segment(self) -> None:
        self._playlist.finish_segment()
        if self.on_segment is not None:
            self.on_segment()

    def _end_segment(self, boundary: int, now: datetime) -> None:
        self._finish_segment()
        self._follow_pictures(boundary)
        self._begin_segment(now)

    def _follow_pictures(self, boundary: int) -> None:
        """Adapt the part target when there is no sound and the pictures have become too slow for it, or fast again."""
        if self._video is None or self._audio is not None:
            return
        fitting = fit_target(self._part_ticks, self._pictures, other_track=False)
        if fitting > self._target and boundary - self._parts.start > self._target:
            # The playlist's time would stay behind the pictures' time: let it catch up.
            self._parts.start = boundary
            self._discontinuity = True
        elif fitting * 3 > self._target * 2:
            return
        self._target = self._parts.target = fitting

    def _add_part(self, piece: Piece) -> None:
        self._sequence += 1
        if piece.video:
            shown = sum(sample.duration for sample in piece.video)
            self.frame_rate = round(len(piece.video) * VIDEO_TIMESCALE / shown, 1)
        data = fragment(self._sequence, piece.video, piece.audio)
        sound = data if not piece.video else fragment(self._sequence, [], piece.audio) if piece.audio else b""
        part = self._playlist.add_part(
            ticks=piece.ticks,
            target_ms=self._target // TICKS_PER_MS,
            sound_target_ms=max(self._sound_target_ms, self._target // TICKS_PER_MS),
            independent=self._video is None or any(sample.key for sample in piece.video),
            data=data,
            sound=sound,
            sound_ticks=self._sound_ticks(piece),
            init=self._init,
            started_at=self._started_at,
            discontinuity=self._discontinuity,
        )
        self._discontinuity = False
        if self.on_part is not None and self._playlist.current is not None:
            self.on_part(self._playlist.current, part, piece)

    def _sound_ticks(self, piece: Piece) -> int:
        """The duration of a part's sound. Where some of it is missing, that of the part."""
        if self._audio is None:
            return piece.ticks
        ticks = self._audio.ticks(sum(sample.duration for sample in piece.audio))
        return ticks if abs(ticks - piece.ticks) <= self._audio.frame_ticks else piece.ticks
