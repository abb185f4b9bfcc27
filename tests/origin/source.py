"""A publisher with a fake clock, for tests of the packager."""

from datetime import UTC, datetime, timedelta

from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import media_playlist
from amphi.origin.hls.segmenter import Segmenter
from tests.origin.running import AUDIO_HEADER, FRAME_MS, VIDEO_HEADER, audio, video

START = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


class Source:
    """Frames with a fake clock, into a segmenter."""

    def __init__(self, **cutting: timedelta) -> None:
        self.playlist = MediaPlaylist("ab12", first_number=100, window=timedelta(seconds=10))
        self.segmenter = Segmenter(self.playlist, Cutting(**cutting))
        self.now = START
        self.at_ms = 0
        self.index = 0
        self.begin()

    def begin(self) -> None:
        self.segmenter.receive_video(0, VIDEO_HEADER, self.now)
        self.segmenter.receive_audio(0, AUDIO_HEADER, self.now)

    def frames(self, count: int, *, gop: int = 25, sound: bool = True, frame_ms: int = FRAME_MS) -> None:
        for _ in range(count):
            key = self.index % gop == 0
            timestamp = self.at_ms & 0xFFFFFFFF
            self.segmenter.receive_video(timestamp, video(self.index, key=key, size=40), self.now)
            if sound:
                self.segmenter.receive_audio(timestamp, audio(self.index), self.now)
            self.index += 1
            self.at_ms += frame_ms
            self.now += timedelta(milliseconds=frame_ms)

    def text(self, *, skip: bool = False) -> str:
        return media_playlist(self.playlist, skip=skip, others=[("sound", self.playlist)]).decode()

    def durations(self) -> list[float]:
        return [round(found.duration_s, 3) for found in self.playlist.segments]
