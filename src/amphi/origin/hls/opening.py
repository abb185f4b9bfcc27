"""Holds a publisher's first frames until it is known which tracks there are."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from amphi.origin.fmp4.flv import VideoFrame
from amphi.origin.hls.timeline import milliseconds

VIDEO, AUDIO = "video", "audio"
# How long to wait for an announced track before the stream starts without it.
START_WAIT_MS = 2_000
# How long to wait for a picture at which decoding can start.
KEY_WAIT_MS = 10_000
# How many pictures are needed to estimate the duration of a picture.
ENOUGH_PICTURES = 6
MAX_FRAMES = 2_000
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame, its time in the playlist in milliseconds, and when it arrived."""

    at_ms: int
    frame: VideoFrame | bytes
    now: datetime

    @property
    def track(self) -> str:
        return VIDEO if isinstance(self.frame, VideoFrame) else AUDIO

    @property
    def size_bytes(self) -> int:
        return len(self.frame.data if isinstance(self.frame, VideoFrame) else self.frame)


class Opening:
    """Waits until each expected track has sent a frame; an announcement alone does not count.

    Args:
        expected: the tracks to wait for.
        pictures: how many pictures to wait for.

    Attributes:
        needed: how many pictures to wait for.
    """

    def __init__(self, expected: set[str], *, pictures: int = ENOUGH_PICTURES) -> None:
        self.expected = expected
        self.needed = pictures
        self._frames: deque[Arrived] = deque()
        self._bytes = 0
        self._first: dict[str, Arrived] = {}
        self._waited_ms = 0
        self._pictures = 0
        self._pictures_come = False

    @property
    def tracks(self) -> set[str]:
        """The tracks that have sent a frame."""
        return {track for track in self._first if track == AUDIO or self._pictures}

    def add(self, arrived: Arrived) -> None:
        """Add a frame. Pictures before the first at which decoding can start are dropped."""
        first = self._first.setdefault(arrived.track, arrived)
        began = min(frame.now for frame in self._first.values())
        self._waited_ms = max(
            self._waited_ms, arrived.at_ms - first.at_ms, milliseconds(max(arrived.now - began, timedelta(0)))
        )
        if isinstance(arrived.frame, VideoFrame):
            self._pictures_come = True
            if not self._pictures and not arrived.frame.key:
                return
            self._pictures += 1
        self._frames.append(arrived)
        self._bytes += arrived.size_bytes
        if self._is_full and not self._pictures:
            self._bytes -= self._frames.popleft().size_bytes

    @property
    def _is_full(self) -> bool:
        return len(self._frames) > MAX_FRAMES or self._bytes > MAX_BYTES

    @property
    def is_complete(self) -> bool:
        """Whether each expected track has sent a frame."""
        return bool(self._frames) and self.tracks >= self.expected

    @property
    def is_over(self) -> bool:
        """Whether to stop waiting and start with the tracks that are there."""
        tracks = self.tracks
        if not tracks or (self._pictures_come and not self._pictures and self._waited_ms < KEY_WAIT_MS):
            return False
        if self._is_full or self._waited_ms >= START_WAIT_MS:
            return True
        return self.is_complete and (VIDEO not in tracks or self._pictures >= self.needed)

    def frames(self, lead_ms: int) -> list[Arrived]:
        """The frames to start with: from the first picture on, and the sound up to `lead_ms` before it."""
        pictures = [frame.at_ms for frame in self._frames if frame.track == VIDEO]
        if not pictures:
            return list(self._frames)
        return [frame for frame in self._frames if frame.at_ms > pictures[0] - lead_ms]
