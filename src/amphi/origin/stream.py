"""One session of a stream: what players are offered, and who sends it."""

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from amphi.origin.config import Config
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.opening import VIDEO
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import Others, Variant, media_playlist, multivariant_playlist
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.renditions.renditions import Encoders, Renditions
from amphi.origin.slates import SlateFeed, Slates, Tracks
from amphi.origin.standby import Standby, Tag
from amphi.origin.waiting import Waiting

if TYPE_CHECKING:
    from amphi.origin.recording.recorder import Take
    from amphi.origin.renditions.rendition import Rendition

logger = logging.getLogger(__name__)

SESSION_BYTES = 5
SILENCE = timedelta(seconds=1.5)
"""A connected publisher with sound from whom nothing comes for so long has lost its network, or hangs."""


class Publisher(Protocol):
    """Who sends a stream."""

    def drop(self, reason: str) -> None:
        """Cut its connection."""


class Stream(Waiting):
    """One session of a stream: from its first publisher to its end. Short absences of the publisher don't end it.

    Args:
        name: the name under which it is published.
        config: the origin's settings.
        first_number: its first media sequence number.
        now: the wall-clock time.
        event_id: the event that holds it, `access.NOBODY`, or None when unknown.
        slates: makes slates; None for none.
        encoders: make smaller pictures; None for none.
    """

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        first_number: int,
        now: datetime,
        event_id: int | None = None,
        slates: Slates | None = None,
        encoders: Encoders | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.title = ""
        self.event_id = event_id
        self.since = now
        self.last_media_at = now
        self.received_bytes = 0
        self.playlist = MediaPlaylist(
            secrets.token_hex(SESSION_BYTES), first_number=first_number, window=config.window
        )
        self._cutting = Cutting(part=config.part, segment=config.segment)
        self.segmenter = Segmenter(self.playlist, self._cutting)
        self.segmenter.on_start = self.end_slate
        self.renditions = (
            Renditions(name, self.playlist, self.segmenter, encoders, self.others)
            if encoders is not None
            else None
        )
        self._slates = slates
        self._slate_for: Tracks | None = None
        self._feed: SlateFeed | None = None
        self.publisher: Publisher | None = None
        self.standby: Standby | None = None
        self.on_switch: Callable[[], None] = lambda: None
        self.take: Take | None = None
        self._rendered: dict[tuple[bool, bool], bytes] = {}
        self._revision = -1

    def media_playlist(self, *, skip: bool = False, sound: bool = False) -> bytes:
        """The current media playlist, or that of the sound alone, rendered once for all requests."""
        if self._revision != self.playlist.revision:
            self._rendered.clear()
            self._revision = self.playlist.revision
        rendered = self._rendered.get((skip, sound))
        if rendered is None:
            others = self.others("sound" if sound else "main")
            rendered = media_playlist(self.playlist, skip=skip, sound=sound, others=others)
            self._rendered[skip, sound] = rendered
        return rendered

    def others(self, name: str) -> Others:
        """The stream's playlists, without that one."""
        own = [("main", self.playlist)]
        if self.playlist.sound_inits:
            own.append(("sound", self.playlist))
        if self.renditions is not None:
            own.extend(self.renditions.playlists())
        return [found for found in own if found[0] != name]

    def source_of(self, session: str) -> "Stream | Rendition | None":
        """What has the files of that session."""
        if self.playlist.session == session:
            return self
        return self.renditions.of_session(session) if self.renditions is not None else None

    def multivariant_playlist(self) -> bytes:
        """The current multivariant playlist."""
        avc, aac = self.segmenter.avc, self.segmenter.aac
        rate, sound = self.playlist.rate, self.playlist.sound_rate
        variants = [
            Variant(
                "main",
                rate.peak_bits_per_s,
                tuple(found.codec for found in (avc, aac) if found is not None),
                rate.average_bits_per_s,
                (avc.width, avc.height) if avc is not None else None,
                self.segmenter.frame_rate if avc is not None else None,
            )
        ]
        if self.renditions is not None:
            variants.extend(self.renditions.variants())
        has_sound = avc is not None and bool(self.playlist.sound_inits) and sound.peak_bits_per_s > 0
        if aac is not None and has_sound:
            variants.append(Variant("sound", sound.peak_bits_per_s, (aac.codec,), sound.average_bits_per_s))
        return multivariant_playlist(self.name, variants)

    def receive(self, take: Callable[[int, bytes, datetime], None], timestamp: int, body: bytes) -> None:
        """Pass a tag to the segmenter, and wake waiting requests if it completed a part.

        Raises:
            MediaError: the tag can't be packaged.
        """
        now = datetime.now(UTC)
        self.last_media_at = now
        self.received_bytes += len(body)
        revision = self.playlist.revision
        take(timestamp, body, now)
        if self.playlist.revision != revision:
            self.wake()

    def stand_by(self, take: Callable[[int, bytes, datetime], None], timestamp: int, body: bytes) -> None:
        """Keep a tag of the standby, and go on with it if the publisher has fallen silent.

        Raises:
            MediaError: the tag can't be packaged.
        """
        now = datetime.now(UTC)
        take(timestamp, body, now)
        if self.standby and self.standby.is_wanted(self.last_media_at, self.segmenter.picture_at, now):
            logger.warning("%s: its publisher is silent; goes on with the standby", self.name)
            self.switch(stands_by=self.publisher)

    def switch(self, *, stands_by: Publisher | None) -> None:
        """Go on with the standby, from a keyframe on. Players notice at most that some of it comes twice.

        Args:
            stands_by: the publisher until now, if it is still there: it becomes the standby.

        Raises:
            MediaError: what it sent can't be packaged.
        """
        before, self.standby = self.standby, None
        if before is None:
            raise RuntimeError(f"{self.name} has no standby")
        if stands_by is not None:
            self.standby = Standby(stands_by)
            self.standby.begin(self.segmenter.headers, datetime.now(UTC))
        self.publisher = before.publisher
        self.on_switch()
        resumed, segmenter = before.resume(self.last_media_at), self.segmenter
        first = resumed.tags[0] if resumed.tags else Tag(VIDEO, 0, b"", datetime.now(UTC))
        if not resumed.tags:
            segmenter.flush()
        goes_on = segmenter.splice(resumed.headers, first.timestamp, first.composition_ms, first.now)
        segmenter.receive_metadata(resumed.metadata)
        for tag in (resumed.lead if goes_on else []) + resumed.tags:
            take = segmenter.receive_video if tag.track == VIDEO else segmenter.receive_audio
            take(tag.timestamp, tag.body, tag.now)
        self.wake()

    def prepare_slate(self) -> None:
        """Have the slate made that fits the present tracks, so that it is there when it is needed."""
        tracks = (self.segmenter.avc, self.segmenter.aac)
        if self._slates is not None and tracks != self._slate_for:
            self._slate_for = tracks
            self._slates.prepare(self.title, tracks)

    def show_slate(self) -> None:
        """Show a slate until media comes again."""
        if self._slates is None or self._feed is not None or not self.playlist.ready:
            return
        slate = self._slates.prepare(self.title, (self.segmenter.avc, self.segmenter.aac))
        if slate is not None:
            self._feed = SlateFeed(self, slate, self._cutting)

    def end_slate(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            self.segmenter.overtake(feed.stop())

    @property
    def shows_slate(self) -> bool:
        return self._feed is not None

    @property
    def is_silent(self) -> bool:
        """Whether nothing comes though the publisher is connected. Without sound that may be its way."""
        has_sound = self.segmenter.aac is not None
        age = datetime.now(UTC) - self.last_media_at
        return self.publisher is not None and has_sound and age > SILENCE and self.playlist.ready

    def end(self) -> None:
        """Close the playlist for good."""
        self.end_slate()
        self.segmenter.flush()
        self.playlist.end()
        if self.renditions is not None:
            self.renditions.end()
        if self.take is not None:
            self.take.end()
        self.wake()

    def statistics(self) -> dict[str, object]:
        """The stream's object in ``GET /streams``."""
        now = datetime.now(UTC)
        segments = list(self.playlist.segments)[-5:]
        seconds = sum(segment.duration_s for segment in segments)
        size = sum(segment.size_bytes for segment in segments)
        return {
            "name": self.name,
            "since": self.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "publishing": self.publisher is not None,
            "standby": self.standby is not None,
            "ended": self.playlist.ended,
            "kbps": round(size * 8 / seconds / 1000) if seconds else 0,
            "fps": self.segmenter.frame_rate if self.segmenter.avc is not None else None,
            "picture": self.segmenter.avc is not None,
            "sound": self.segmenter.aac is not None,
            "slate": self.shows_slate,
            "encoder": self.renditions is not None and self.renditions.is_encoded,
            "last_media_age_s": round((now - self.last_media_at).total_seconds(), 3),
            "blocked_requests": self.blocked,
        }
