"""Shows a slate in a stream whose publisher is gone or silent, in place of a gap."""

import asyncio
import logging
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from amphi.origin.exceptions import MediaError
from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.slate_picture import FPS, Form, Slate, make_slate

if TYPE_CHECKING:
    from amphi.origin.stream import Stream

logger = logging.getLogger(__name__)

KEPT = 32
AT_ONCE_MS = 500
"""So much comes at once: the publisher was silent for as long before that was noticed, and players wait for parts."""
FEED_EVERY_S = 0.1

Tracks = tuple[AVCConfiguration | None, AACConfiguration | None]
Making = asyncio.Task[Slate | None]
"""A slate that is made, or being made."""


class Slates:
    """Makes slates ahead of need, one for each title and form.

    Args:
        ffmpeg: the path of ffmpeg.
    """

    def __init__(self, ffmpeg: Path) -> None:
        self._ffmpeg = ffmpeg
        self._made: OrderedDict[tuple[str, Form], Making] = OrderedDict()

    def prepare(self, title: str, tracks: Tracks) -> Making | None:
        """The slate that fits these tracks, made or being made; None for a stream without pictures. One that failed is tried again."""
        avc, aac = tracks
        if avc is None:
            return None
        key = (title, Form.of(avc, aac))
        task = self._made.get(key)
        if task is None or (task.done() and (task.cancelled() or task.result() is None)):
            task = self._made[key] = asyncio.get_running_loop().create_task(make_slate(self._ffmpeg, *key))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)[1].cancel()
        self._made.move_to_end(key)
        return task

    def close(self) -> None:
        for task in self._made.values():
            task.cancel()


class SlateFeed:
    """Adds a slate to a stream's playlist, at the pace of the clock, until it is stopped.

    Args:
        stream: the stream.
        slate: what to show; it may still be in the making.
        cutting: where to cut.
    """

    def __init__(self, stream: "Stream", slate: Making, cutting: Cutting) -> None:
        self._stream = stream
        self._slate = slate
        self._cutting = cutting
        self._segmenter: Segmenter | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        slate = await asyncio.shield(self._slate)
        if slate is None:
            return
        logger.info("%s: a slate is shown", self._stream.name)
        self._stream.playlist.shows_slate = True
        self._segmenter = Segmenter(
            self._stream.playlist, self._cutting, start_ticks=self._stream.segmenter.end_ticks
        )
        if (renditions := self._stream.renditions) is not None:
            self._segmenter.on_part = renditions.take_slate
            self._segmenter.on_segment = renditions.end_segment
        try:
            await self._feed(slate, self._segmenter)
        except MediaError as error:
            logger.warning("%s: the slate can't be shown: %s", self._stream.name, error)

    async def _feed(self, slate: Slate, segmenter: Segmenter) -> None:
        playlist, now = self._stream.playlist, datetime.now(UTC)
        segmenter.receive_video(0, slate.video_header, now)
        if slate.silence:
            segmenter.receive_audio(0, slate.audio_header, now)
        loop = asyncio.get_running_loop()
        started, pictures, sounds = loop.time() - AT_ONCE_MS / 1000, 0, 0
        while True:
            until_ms, revision, now = (loop.time() - started) * 1000, playlist.revision, datetime.now(UTC)
            while (at_ms := pictures * 1000 / FPS) < until_ms:
                while slate.silence and sounds * slate.sound_ms <= at_ms:
                    segmenter.receive_audio(round(sounds * slate.sound_ms), slate.silence, now)
                    sounds += 1
                segmenter.receive_video(round(at_ms), slate.pictures[pictures % len(slate.pictures)], now)
                pictures += 1
            if playlist.revision != revision:
                self._stream.wake()
            await asyncio.sleep(FEED_EVERY_S)

    def stop(self) -> int:
        """Take the slate away. Returns where it ends, in 90 kHz."""
        self._task.cancel()
        segmenter, self._segmenter = self._segmenter, None
        if segmenter is None:
            return 0
        segmenter.flush()
        self._stream.playlist.shows_slate = False
        return segmenter.end_ticks
