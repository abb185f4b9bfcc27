"""Hands what streams make to a thread that writes it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from amphi.origin.hls.playlist import MediaPlaylist, Part, Segment
from amphi.origin.recording.files import Beginning, RecordingFiles

logger = logging.getLogger(__name__)

MAX_BACKLOG_BYTES = 128 * 2**20
"""Of all streams: a disk that stands still for longer loses what comes meanwhile, and the live goes on."""


class Recorder:
    """Writes the recordings of all streams in one thread.

    Args:
        root: the folder of all recordings.
        free_bytes: how much of the disk stays free.
    """

    def __init__(self, root: Path, free_bytes: int) -> None:
        self._root = root
        self._free_bytes = free_bytes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._lock = threading.Lock()
        self._backlog_bytes = 0

    def record(self, playlist: MediaPlaylist, *, stream: str, event_id: int, began_at: datetime) -> "Take":
        """Write all that comes into `playlist` from now on.

        Args:
            playlist: a session's playlist, still empty.
            stream: the name of the stream.
            event_id: the event that holds it.
            began_at: when the session began.
        """
        files = RecordingFiles(
            self._root,
            self._free_bytes,
            stream=stream,
            event_id=event_id,
            session=playlist.session,
            began_at=began_at,
        )
        logger.info("%s: recorded in %s", stream, files.folder)
        take = Take(self, playlist, files)
        playlist.on_part = take.add
        return take

    def has_room(self, size_bytes: int) -> bool:
        """Whether so much more may wait for the disk."""
        with self._lock:
            return self._backlog_bytes + size_bytes <= MAX_BACKLOG_BYTES

    def submit(self, write: Callable[[], None], size_bytes: int) -> None:
        """Have the thread call `write`, which holds so many bytes."""
        with self._lock:
            self._backlog_bytes += size_bytes

        def call() -> None:
            try:
                write()
            finally:
                with self._lock:
                    self._backlog_bytes -= size_bytes

        self._thread.submit(call)

    def close(self) -> None:
        """Wait until all is written."""
        self._thread.shutdown(wait=True)


class Take:
    """The recording of one session, as the event loop sees it.

    Args:
        recorder: its recorder.
        playlist: the session's playlist.
        files: where it is written.
    """

    def __init__(self, recorder: Recorder, playlist: MediaPlaylist, files: RecordingFiles) -> None:
        self._recorder = recorder
        self._playlist = playlist
        self._files = files
        self._has_lost = False
        self._has_ended = False

    def add(self, segment: Segment, part: Part) -> None:
        """Have a part written that was just added to `segment`, if it is the publisher's."""
        if segment.is_slate:
            return
        beginning = None
        if segment.parts[0] is part:
            init = self._playlist.inits[segment.init]
            beginning = Beginning(segment.started_at, segment.discontinuity or self._has_lost, init)
        has_room = self._recorder.has_room(len(part.data))
        if (self._has_lost and beginning is None) or not has_room:
            if not self._has_lost:
                logger.error("%s: the disk is too slow: the recording has a gap", self._files.folder)
            self._has_lost = True
            return
        self._has_lost = False
        self._recorder.submit(lambda: self._files.add(beginning, part.ticks, part.data), len(part.data))

    def end(self) -> None:
        """The session is over."""
        if not self._has_ended:
            self._has_ended = True
            self._recorder.submit(self._files.end, 0)
