"""The files of one recording. Its methods block, so a thread of their own calls them."""

import json
import logging
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from amphi.system import recordings

logger = logging.getLogger(__name__)

CHUNK_TICKS = 2 * recordings.TICKS_PER_S
"""A chunk ends at the first segment after this duration: what presenters cut off, they cut off by chunks."""
SAME = timedelta(seconds=0.1)
"""A segment whose wall-clock time differs more from what came before begins a chunk: the index tells the time of chunks alone."""
NAME_BYTES = 8
PAUSE = timedelta(seconds=10)
"""After a failure nothing is written for so long."""


class NoRoomError(OSError):
    """The disk has less free space than is left to others."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a segment.

    Attributes:
        at: the wall-clock time of its first frame.
        is_gap: whether it does not continue the segment before it.
        init: its initialization segment.
    """

    at: datetime
    is_gap: bool
    init: bytes


def _write(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`: without a buffer, a call may write a part of it."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


class RecordingFiles:
    """Writes one recording.

    Args:
        root: the folder of all recordings.
        free_bytes: how much of the disk stays free.
        stream: the name of the stream.
        event_id: the event that holds it.
        session: the session's name.
        began_at: when it began.
    """

    def __init__(
        self, root: Path, free_bytes: int, *, stream: str, event_id: int, session: str, began_at: datetime
    ) -> None:
        self._free_bytes = free_bytes
        self.folder = root / str(event_id) / recordings.folder_name(began_at, session)
        self._head = {"stream": stream, "event": event_id, "began": began_at.isoformat()}
        self._stream = stream
        self._index: BinaryIO | None = None
        self._chunk: BinaryIO | None = None
        self._ticks = 0
        self._began_at = began_at
        self._inits: dict[bytes, str] = {}
        self._init = b""
        self._failed_at: float | None = None
        self._has_gap = False

    def add(self, beginning: Beginning | None, ticks: int, data: bytes) -> None:
        """Add a part; `beginning` when a segment begins with it. A failure is told in the log once, and tried anew a while later."""
        if self._failed_at is not None:
            if beginning is None or monotonic() - self._failed_at < PAUSE.total_seconds():
                return
            self._failed_at, self._has_gap = None, True
        try:
            self._add(beginning, ticks, data)
        except OSError as error:
            self._fail(error)

    def end(self) -> None:
        """Note that the stream ended by itself, and close the files."""
        try:
            if self._index is not None:
                self._write_line({"end": True})
                os.fsync(self._index.fileno())
        except OSError as error:
            self._fail(error)
        self.close()

    def close(self) -> None:
        """Close the files. What was written stays, and says nothing of an end."""
        for file in (self._chunk, self._index):
            if file is not None:
                file.close()
        self._chunk = self._index = None

    def _add(self, beginning: Beginning | None, ticks: int, data: bytes) -> None:
        if beginning is not None and self._begins_chunk(beginning):
            self._begin(beginning)
        if self._chunk is None:
            return
        _write(self._chunk, data)
        self._write_line({"ticks": ticks, "bytes": len(data)})
        self._ticks += ticks

    def _begins_chunk(self, beginning: Beginning) -> bool:
        is_new = self._chunk is None or beginning.is_gap or beginning.init != self._init or self._has_gap
        expected = self._began_at + timedelta(seconds=self._ticks / recordings.TICKS_PER_S)
        return is_new or self._ticks >= CHUNK_TICKS or abs(beginning.at - expected) > SAME

    def _begin(self, beginning: Beginning) -> None:
        if self._index is None:
            self._open()
        if self._chunk is not None:
            self._chunk.close()
            self._chunk = None
        if shutil.disk_usage(self.folder).free < self._free_bytes:
            raise NoRoomError("the disk has less free space than AMPHI_RECORDINGS_FREE_GIB")
        init = self._inits.get(beginning.init) or self._write_init(beginning.init)
        name = secrets.token_urlsafe(NAME_BYTES) + recordings.CHUNK_SUFFIX
        self._chunk = (self.folder / name).open("xb", buffering=0)
        self._write_line(
            {
                "chunk": name,
                "init": init,
                "at": round(beginning.at.timestamp() * 1000),
                "gap": beginning.is_gap or self._has_gap,
            }
        )
        self._init, self._ticks, self._has_gap = beginning.init, 0, False
        self._began_at = beginning.at

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        is_new = not (self.folder / recordings.INDEX).exists()
        self._index = (self.folder / recordings.INDEX).open("ab", buffering=0)
        if is_new:
            self._write_line(self._head)
        else:
            # After a failure: what was begun of a line stands alone.
            _write(self._index, b"\n")

    def _write_init(self, data: bytes) -> str:
        name = secrets.token_urlsafe(NAME_BYTES) + recordings.INIT_SUFFIX
        (self.folder / name).write_bytes(data)
        self._inits[data] = name
        return name

    def _write_line(self, content: dict[str, object]) -> None:
        assert self._index is not None  # noqa: S101 -- it is opened before the first chunk
        _write(self._index, json.dumps(content, separators=(",", ":")).encode() + b"\n")

    def _fail(self, error: OSError) -> None:
        logger.error("%s: the recording pauses: %s", self._stream, error)
        self._failed_at = monotonic()
        self.close()
