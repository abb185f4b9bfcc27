"""Recordings of streams: the files that the origin writes and that the platform reads.

A recording is one session of a stream that an event holds, in ``<folder>/<event id>/<when it began>-<session>/``:

- chunks, ``<name>.m4s``: a few seconds of fragmented MP4 each. Their names are random and stand in the index alone, so whoever is not told
  of a chunk (cut off by the presenters, or from before the live was shown) can't fetch it.
- initialization segments, ``<name>.mp4``.
- ``index``: one JSON object a line, appended after the bytes that it tells of. A line that was begun and not finished when the origin
  died, or the disk was full, does not count, nor do its bytes.

The lines: ``{"stream", "event", "began"}`` first; ``{"chunk", "init", "at", "gap"}`` begins a chunk (``at`` is in milliseconds since the Unix
epoch, ``gap`` whether it does not continue what came before); ``{"ticks", "bytes"}`` are 90,000ths of a second and bytes that were added to it;
``{"end": true}`` says that the stream ended by itself.
"""

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

INDEX = "index"
FILES = "files"
"""The folder, beside an event's recordings, of what the platform makes of them."""
TICKS_PER_S = 90_000
CHUNK_SUFFIX, INIT_SUFFIX = ".m4s", ".mp4"
NAME = re.compile(r"[A-Za-z0-9_-]{8,32}\.(?:m4s|mp4|jpg)")
"""Names of chunks, of initialization segments, and of what is made of them."""
RECORDING = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4,32}")
"""Names of recordings' folders."""


@dataclass(slots=True)
class Chunk:
    """A few seconds of a recording.

    Attributes:
        recording: the folder's name of the recording.
        name: its file's name.
        init: the file's name of its initialization segment.
        at_ms: the wall-clock time of its first frame, in milliseconds since the Unix epoch.
        is_gap: whether it does not continue the chunk before it.
        ticks: its duration in 90 kHz.
        size_bytes: how much of the file is whole.
    """

    recording: str
    name: str
    init: str
    at_ms: int
    is_gap: bool
    ticks: int = 0
    size_bytes: int = 0

    @property
    def duration_ms(self) -> float:
        return self.ticks * 1000 / TICKS_PER_S

    @property
    def end_ms(self) -> float:
        """The wall-clock time at which it ends."""
        return self.at_ms + self.duration_ms


@dataclass(slots=True)
class Recording:
    """What a recording's index says.

    Attributes:
        folder: where its files are.
        stream: the name under which the stream was published.
        event_id: the event that held it.
        chunks: in their order; nothing may be whole of the last one.
        is_ended: whether the stream ended by itself; one whose origin died never says so.
        read_bytes: how much of the index was read.
    """

    folder: Path
    stream: str
    event_id: int
    chunks: list[Chunk] = field(default_factory=list)
    is_ended: bool = False
    read_bytes: int = 0

    @property
    def whole(self) -> list[Chunk]:
        """The chunks of which something was written."""
        return [one for one in self.chunks if one.ticks]


def folder_name(began_at: datetime, session: str) -> str:
    """The name of a recording's folder; names sort by the time when recordings began."""
    return f"{began_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{session}"


def began_at(folder: Path) -> datetime:
    """When the recording in a folder began, by the folder's name."""
    return datetime.strptime(folder.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def events(root: Path) -> list[int]:
    """The events of which there are recordings."""
    if not root.is_dir():
        return []
    return sorted(int(one.name) for one in root.iterdir() if one.name.isdecimal() and one.is_dir())


def of_event(root: Path, event_id: int) -> list[Path]:
    """The folders of an event's recordings, the oldest first."""
    folder = root / str(event_id)
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if RECORDING.fullmatch(one.name))


def read(folder: Path) -> Recording | None:
    """The recording in a folder; None when it holds none that can be read."""
    try:
        with (folder / INDEX).open("rb") as index:
            head = next(_objects(index.readline()), None)
            if head is None or not isinstance(head.get("event"), int):
                return None
            found = Recording(folder, str(head.get("stream", "")), head["event"], read_bytes=index.tell())
    except FileNotFoundError:
        return None
    read_on(found)
    return found


def read_on(found: Recording) -> None:
    """Read what was added to a recording's index since it was read."""
    with (found.folder / INDEX).open("rb") as index:
        index.seek(found.read_bytes)
        text = index.read()
    whole = text[: text.rfind(b"\n") + 1]
    found.read_bytes += len(whole)
    for line in _objects(whole):
        _take(found, line)


def _objects(text: bytes) -> Iterator[dict[str, Any]]:
    """The objects of the lines that were finished."""
    for line in text.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _take(found: Recording, line: dict[str, Any]) -> None:
    match line:
        case {"chunk": str(name), "init": str(init), "at": int(at_ms), "gap": bool(is_gap)}:
            if found.chunks and not found.chunks[-1].ticks:
                # Nothing of it was written.
                found.chunks.pop()
            found.chunks.append(Chunk(found.folder.name, name, init, at_ms, is_gap))
        case {"ticks": int(ticks), "bytes": int(size)} if found.chunks:
            found.chunks[-1].ticks += ticks
            found.chunks[-1].size_bytes += size
        case {"end": True}:
            found.is_ended = True


def size_bytes(folder: Path) -> int:
    """How much of the disk the files of a folder and of the folders in it take."""
    total = 0
    for one in folder.rglob("*"):
        try:
            found = one.stat()
        except FileNotFoundError:
            continue
        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total
