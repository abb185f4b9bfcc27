"""A stream's second publisher: what it sent of late, so that the stream can go on with it at once when the first is gone."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from amphi.origin.fmp4.codecs import AVCConfiguration
from amphi.origin.fmp4.flv import LENGTH_BYTES, VideoFrame, parse_audio, parse_video
from amphi.origin.hls.opening import AUDIO, VIDEO

if TYPE_CHECKING:
    from amphi.origin.stream import Publisher

PAUSE = timedelta(seconds=0.25)
"""A publisher that says nothing for so long does not come steadily. Many frames of sound and pictures come in that time."""
SILENT = timedelta(seconds=0.5)
"""The stream goes on with the standby when nothing came from the other one for so long, while the standby came steadily."""
BLIND = timedelta(seconds=1)
"""The same for pictures alone. Some publishers send one only when something moves, so both must have had reason to."""
ENOUGH_PICTURES = 10
"""So many must have come from the standby meanwhile."""
KEPT = timedelta(seconds=1)
"""What is kept begins with the newest keyframe that is older than this: one from before the other publisher fell silent."""
LEAD = timedelta(seconds=0.5)
"""So much sound is kept of before that keyframe: it fills the time until the part is whole that the other publisher had begun."""
MAX_TAGS = 2_000
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Tag:
    """An FLV tag, and when it came."""

    track: str
    timestamp: int
    body: bytes
    now: datetime
    key: bool = False
    composition_ms: int = 0


@dataclass(frozen=True, slots=True)
class Resumption:
    """With what a stream goes on.

    Attributes:
        metadata: the publisher's description of its stream.
        headers: the configurations of its tracks: the bodies of their tags.
        lead: sound of before the keyframe.
        tags: what came since then, the keyframe first.
    """

    metadata: Mapping[str, object]
    headers: Mapping[str, bytes]
    lead: list[Tag]
    tags: list[Tag]


class Standby:
    """Keeps what a publisher sent since one of its last keyframes, and watches how steadily it comes.

    Args:
        publisher: the publisher.
    """

    def __init__(self, publisher: "Publisher") -> None:
        self.publisher = publisher
        self._metadata: Mapping[str, object] = {}
        self._headers: dict[str, bytes] = {}
        self._length_bytes = LENGTH_BYTES
        self._tags: deque[Tag] = deque()
        self._bytes = 0
        self._last_at: datetime | None = None
        self._steady_since: datetime | None = None
        self._pictures: deque[datetime] = deque(maxlen=ENOUGH_PICTURES)

    def begin(self, headers: Mapping[str, bytes], now: datetime) -> None:
        """Know the configurations of one that published until now: they don't come again."""
        for track, body in headers.items():
            (self.receive_video if track == VIDEO else self.receive_audio)(0, body, now)

    def receive_metadata(self, values: Mapping[str, object]) -> None:
        self._metadata = values

    def receive_video(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take a video tag.

        Raises:
            MediaError: the tag can't be packaged.
        """
        found = parse_video(body, self._length_bytes)
        if isinstance(found, AVCConfiguration):
            self._length_bytes = found.length_bytes
            self._take_header(VIDEO, body)
        elif isinstance(found, VideoFrame) and VIDEO in self._headers:
            self._take(Tag(VIDEO, timestamp, body, now, found.key, found.composition_ms))
            self._pictures.append(now)

    def receive_audio(self, timestamp: int, body: bytes, now: datetime) -> None:
        """Take an audio tag; as for `receive_video`."""
        found = parse_audio(body)
        if isinstance(found, bytes):
            if AUDIO in self._headers:
                self._take(Tag(AUDIO, timestamp, body, now))
        elif found is not None:
            self._take_header(AUDIO, body)

    def _take_header(self, track: str, body: bytes) -> None:
        before = self._headers.get(track)
        self._headers[track] = body
        if before is not None and before != body:
            # What is kept can't be decoded by the new configuration.
            self._forget()

    def _forget(self) -> None:
        self._tags.clear()
        self._bytes = 0

    def _take(self, tag: Tag) -> None:
        if self._last_at is None or not timedelta() <= tag.now - self._last_at <= PAUSE:
            self._steady_since = tag.now
        self._last_at = tag.now
        self._tags.append(tag)
        self._bytes += len(tag.body)
        if self._is_start(tag):
            self._drop_before(self._start(tag.now - KEPT))
        if len(self._tags) > MAX_TAGS or self._bytes > MAX_BYTES:
            self._forget()

    def _is_start(self, tag: Tag) -> bool:
        """Whether a stream can go on at a tag: at keyframes, or anywhere in sound alone."""
        return tag.key or VIDEO not in self._headers

    def _start(self, before: datetime) -> int:
        """Where to go on: the newest start that came before that time, or else the oldest one. Behind the last tag, if there is none."""
        starts = [at for at, tag in enumerate(self._tags) if self._is_start(tag)]
        early = [at for at in starts if self._tags[at].now <= before]
        return early[-1] if early else starts[0] if starts else len(self._tags)

    def _drop_before(self, start: int) -> None:
        """Forget what came before a start, except some sound."""
        since = self._tags[start].now - LEAD
        lead = [self._tags[at] for at in range(start) if self._tags[at].track == AUDIO]
        for _ in range(start):
            self._tags.popleft()
        self._tags.extendleft(reversed([tag for tag in lead if tag.now >= since]))
        self._bytes = sum(len(tag.body) for tag in self._tags)

    def is_wanted(self, media_at: datetime, picture_at: datetime | None, now: datetime) -> bool:
        """Whether the stream is to go on with this publisher, though the other one is connected.

        Args:
            media_at: when something came last from the other one.
            picture_at: when a picture came last from it; None where none ever came.
            now: the time.
        """
        if self._steady_since is None:
            return False
        # Where this process itself stood still, neither of them came.
        if now - max(media_at, self._steady_since) > SILENT:
            return True
        if picture_at is None or len(self._pictures) < ENOUGH_PICTURES:
            return False
        return now - max(picture_at, self._steady_since) > BLIND and self._pictures[0] > picture_at

    def resume(self, media_at: datetime) -> Resumption:
        """What to go on with.

        Args:
            media_at: when something came last from the other publisher. What came before may be heard again, up to the distance of
                two keyframes; so nothing is left out and players have no gap.
        """
        tags, start = list(self._tags), self._start(media_at)
        lead = [tag for tag in tags[:start] if tag.track == AUDIO]
        return Resumption(self._metadata, self._headers, lead, tags[start:])
