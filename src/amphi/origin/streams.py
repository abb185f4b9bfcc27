"""The streams that are live or ended recently, in memory."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from amphi.origin.config import Config
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import Others, Variant, media_playlist, multivariant_playlist
from amphi.origin.hls.segmenter import Cutting, Segmenter
from amphi.origin.recording.recorder import Recorder, Take
from amphi.origin.renditions.renditions import Encoders, Renditions
from amphi.origin.slates import SlateFeed, Slates, Tracks
from amphi.origin.waiting import Waiting

if TYPE_CHECKING:
    from amphi.origin.renditions.rendition import Rendition

logger = logging.getLogger(__name__)

# A session's first media sequence number is the number of seconds since then. So later sessions have greater numbers, even after a
# restart: a player that missed the end goes on, and caches can't take an old answer for a new one.
NUMBERS_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
SESSION_BYTES = 5
SILENCE = timedelta(seconds=1.5)
"""A connected publisher with sound from whom nothing comes for so long has lost its network, or hangs."""
LOOK_EVERY_S = 0.5
SETTLED_AFTER = timedelta(seconds=5)
"""A stream that has lasted for so long gets its slate made, in case it is needed."""


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
        self.publisher: object | None = None
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


class Streams:
    """All streams by name.

    Args:
        config: the origin's settings.
        recorder: keeps what is to be seen again; None to keep nothing.
    """

    def __init__(self, config: Config, recorder: Recorder | None = None) -> None:
        self._config = config
        self._recorder = recorder
        self._streams: dict[str, Stream] = {}
        self._before: dict[str, Stream] = {}
        self._slates = Slates(config.ffmpeg) if config.slate else None
        self._encoders = Encoders(config.ffmpeg, config.encoders) if config.encoders else None
        self._looking: asyncio.TimerHandle | None = None
        self.closed = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return sum(not stream.playlist.ended for stream in self._streams.values())

    def get(self, name: str) -> Stream | None:
        """The stream with that name, live or ended."""
        return self._streams.get(name)

    def session(self, name: str, session: str) -> Stream | None:
        """The session of a file: the current one of that name, or the one before, which players may still be playing."""
        for stream in (self._streams.get(name), self._before.get(name)):
            if stream is not None and stream.source_of(session) is not None:
                return stream
        return None

    def all(self) -> list[Stream]:
        return list(self._streams.values())

    def begin(
        self,
        name: str,
        publisher: object,
        *,
        event_id: int | None = None,
        is_kept: bool = False,
        title: str = "",
    ) -> Stream:
        """Begin a publication. Continues a session that waits for its publisher, else starts a new one.

        Args:
            name: the stream's name.
            publisher: the publisher.
            event_id: the event that holds the stream. A session of another event ends, even if it waits for its publisher.
            is_kept: whether the session is recorded; one that goes on stays as it began.
            title: the words on its slate.
        """
        self._cancel_timer(name)
        stream = self._streams.get(name)
        if stream is not None and stream.event_id != event_id and not stream.playlist.ended:
            stream.end()
        if stream is None or stream.playlist.ended:
            stream = self._streams[name] = self._new(name, stream, event_id)
            if is_kept and self._recorder is not None and event_id:
                stream.take = self._recorder.record(
                    stream.playlist, stream=name, event_id=event_id, began_at=stream.since
                )
        else:
            stream.segmenter.begin()
            stream.wake()
        stream.publisher = publisher
        stream.title = title
        if self._slates is not None and self._looking is None:
            self._look()
        return stream

    def _look(self) -> None:
        """Show a slate where a publisher has fallen silent; look again while there are publishers."""
        settled = datetime.now(UTC) - SETTLED_AFTER
        for stream in self._streams.values():
            if stream.publisher is not None and stream.playlist.ready and stream.since < settled:
                stream.prepare_slate()
            if stream.is_silent and not stream.shows_slate:
                logger.warning("%s: nothing comes from its publisher", stream.name)
                stream.segmenter.interrupt()
                stream.show_slate()
        is_needed = any(stream.publisher is not None for stream in self._streams.values())
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(LOOK_EVERY_S, self._look) if is_needed else None

    def _new(self, name: str, before: Stream | None, event_id: int | None) -> Stream:
        now = datetime.now(UTC)
        number = int((now - NUMBERS_SINCE).total_seconds())
        if before is not None:
            self._before[name] = before
            number = max(number, before.playlist.last_number + 10)
        return Stream(
            name,
            self._config,
            first_number=number,
            now=now,
            event_id=event_id,
            slates=self._slates,
            encoders=self._encoders,
        )

    def leave(self, stream: Stream, *, clean: bool) -> None:
        """Note that a publisher has left.

        Args:
            stream: its stream.
            clean: the publisher ended the stream itself, so it is not waited for.
        """
        stream.publisher = None
        stream.segmenter.flush()
        stream.wake()
        if not stream.playlist.ready:
            stream.end()
            self._drop(stream)
        elif clean:
            self._end(stream)
        else:
            stream.show_slate()
            self._schedule(stream, self._config.grace.total_seconds(), self._end)

    def stop_waiting(self, stream: Stream) -> None:
        """End a stream whose publisher was lost: nobody wants it any more."""
        if stream.publisher is None and not stream.playlist.ended:
            self._end(stream)

    def _end(self, stream: Stream) -> None:
        logger.info("%s: the stream has ended", stream.name)
        stream.end()
        self._schedule(stream, self._config.remember.total_seconds(), self._drop)

    def _drop(self, stream: Stream) -> None:
        if self._streams.get(stream.name) is stream:
            del self._streams[stream.name]
            self._before.pop(stream.name, None)
            self._timers.pop(stream.name, None)

    def _schedule(self, stream: Stream, delay_s: float, action: Callable[[Stream], None]) -> None:
        self._cancel_timer(stream.name)
        self._timers[stream.name] = asyncio.get_running_loop().call_later(delay_s, action, stream)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """End everything, when the origin stops."""
        self.closed = True
        if self._looking is not None:
            self._looking.cancel()
        if self._slates is not None:
            self._slates.close()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for stream in self._streams.values():
            stream.end_slate()
            if stream.renditions is not None:
                stream.renditions.end()
            if stream.take is not None:
                stream.take.end()
            stream.wake()
