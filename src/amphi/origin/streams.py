"""The streams that are live or ended recently, in memory."""

import asyncio
import gc
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from amphi.origin.config import Config
from amphi.origin.exceptions import MediaError
from amphi.origin.recording.recorder import Recorder
from amphi.origin.renditions.renditions import Encoders
from amphi.origin.slates import Slates
from amphi.origin.standby import Standby
from amphi.origin.stream import Publisher, Stream

logger = logging.getLogger(__name__)

# A session's first media sequence number is the number of seconds since then. So later sessions have greater numbers, even after a
# restart: a player that missed the end goes on, and caches can't take an old answer for a new one.
NUMBERS_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
LOOK_EVERY_S = 0.5
SETTLED_AFTER = timedelta(seconds=5)
"""A stream that has lasted for so long gets its slate made, in case it is needed."""


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
        self.switches = 0

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
        publisher: Publisher,
        *,
        event_id: int | None = None,
        is_kept: bool = False,
        title: str = "",
    ) -> Stream:
        """Begin a publication. Continues a session that waits for its publisher, else starts a new one.

        Where somebody publishes for the same event, the publisher becomes the standby; `RTMPServer.make_room` decides who may.

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
        if stream is not None and stream.publisher is not None and not stream.playlist.ended:
            stream.standby = Standby(publisher)
            return stream
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
            if name in self._before:
                _collect_soon()
            self._before[name] = before
            number = max(number, before.playlist.last_number + 10)
        stream = Stream(
            name,
            self._config,
            first_number=number,
            now=now,
            event_id=event_id,
            slates=self._slates,
            encoders=self._encoders,
        )
        stream.on_switch = self._note_switch
        return stream

    def _note_switch(self) -> None:
        self.switches += 1

    def leave(self, stream: Stream, publisher: Publisher, *, clean: bool) -> None:
        """Note that a publisher, or a standby, has left.

        Args:
            stream: its stream.
            publisher: who has left.
            clean: the publisher ended the stream itself, so it is not waited for.
        """
        if stream.standby is not None and stream.standby.publisher is publisher:
            stream.standby = None
            return
        if stream.publisher is not publisher:
            return
        if stream.standby is not None:
            logger.warning("%s: its publisher has left; goes on with the standby", stream.name)
            try:
                stream.switch(stands_by=None)
            except MediaError as error:
                stream.publisher.drop(str(error))
            return
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
            _collect_soon()

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


def _collect_soon() -> None:
    """Let the media of a session that is over go now: its parts hold each other, and garbage is looked for seldom (`amphi.system.garbage`)."""
    asyncio.get_running_loop().call_soon(gc.collect)
