"""Recordings of what ffmpeg published, one publisher after the other, as the origin makes them."""

import subprocess
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from amphi.origin.fmp4.flv_file import AUDIO_TAG, VIDEO_TAG, TagReader
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.recording.recorder import Recorder
from tests.contract.origin_ffmpeg import publish_command

SMALL = ("-s", "320x180", "-profile:v", "high", "-bf", "2")
LARGE = ("-s", "640x480", "-profile:v", "main", "-preset", "ultrafast")
LOWER = ("-ar", "44100")
"""Another sample rate of the sound."""


def flv(folder: Path, seconds: float, *extra: str) -> Path:
    """What ffmpeg publishes, in a file."""
    path = next(path for number in count() if not (path := folder / f"published{number}.flv").exists())
    subprocess.run(
        publish_command(str(path), seconds=seconds, live=False, extra=extra), check=True, timeout=60
    )
    return path


def record(root: Path, event_id: int, began_at: datetime, publishers: list[Path]) -> Path:
    """Record publishers that follow one another in one session; returns the recording's folder."""
    playlist = MediaPlaylist("0a1b2c3d4e", first_number=0, window=timedelta(hours=1))
    recorder = Recorder(root, 0)
    take = recorder.record(playlist, stream="room", event_id=event_id, began_at=began_at)
    segmenter = Segmenter(playlist, Cutting())
    now = began_at
    for number, path in enumerate(publishers):
        if number:
            segmenter.begin()
        for tag in TagReader().feed(path.read_bytes()):
            at = now + timedelta(milliseconds=tag.at_ms)
            if tag.kind == VIDEO_TAG:
                segmenter.receive_video(tag.at_ms, tag.body, at)
            elif tag.kind == AUDIO_TAG:
                segmenter.receive_audio(tag.at_ms, tag.body, at)
        now = at
    segmenter.flush()
    take.end()
    recorder.close()
    (folder,) = (root / str(event_id)).glob("*-0a1b2c3d4e")
    return folder
