"""Recordings as the origin writes them, with pictures of ffmpeg or without."""

import subprocess
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from amphi.origin.recording.files import Beginning, RecordingFiles
from amphi.system import recordings

SECONDS = 2
"""Of each chunk."""


def record(
    root: Path,
    event_id: int,
    began_at: datetime,
    chunks: list[bytes],
    *,
    init: bytes = b"init",
    gap: bool = False,
) -> Path:
    """Write a recording of chunks of two seconds; returns its folder."""
    files = RecordingFiles(root, 0, stream="room", event_id=event_id, session="0a1b2c3d4e", began_at=began_at)
    for number, data in enumerate(chunks):
        at = began_at + timedelta(seconds=SECONDS * number)
        files.add(Beginning(at, gap and number == 0, init), SECONDS * recordings.TICKS_PER_S, data)
    files.end()
    return files.folder


@cache
def pictures(folder: Path, seconds: int) -> tuple[bytes, list[bytes]]:
    """An initialization segment and chunks of two seconds that browsers play: colours and a tone."""
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
            "-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac",
            "-f", "hls", "-hls_time", str(SECONDS), "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod", str(folder / "made.m3u8"),
        ],
        check=True,
        timeout=60,
    )  # fmt: skip
    files = sorted(folder.glob("made*.m4s"), key=lambda one: int(one.stem.removeprefix("made")))
    return (folder / "init.mp4").read_bytes(), [one.read_bytes() for one in files]
