"""A real origin, and pictures that are sent to it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import ports, waiting

PATIENCE_S = 60.0
CLIP = (
    "-f lavfi -i testsrc2=s={size}:r=10 -f lavfi -i sine=440:r=48000 -c:v libx264 -preset ultrafast -tune zerolatency"
    " -profile:v baseline -g 10 -pix_fmt yuv420p -c:a aac -ac 2 -f flv"
)
"""Ten pictures a second: a browser without a graphics card draws each of them, and the page around it."""


@contextmanager
def origin(folder: Path, *, encoders: int = 0) -> Iterator[tuple[str, str]]:
    """Our origin as a process; its RTMP and HTTP addresses."""
    rtmp, http = (f"127.0.0.1:{ports.reserve()}" for _ in range(2))
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "origin", "--rtmp", rtmp, "--http", http, "--open"],
        cwd=folder,
        env={**os.environ, "AMPHI_ORIGIN_ENCODERS": str(encoders)},
    )
    try:
        yield rtmp, http
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextmanager
def publishing(rtmp: str, stream: str = "hall", *, size: str = "320x180") -> Iterator[None]:
    """ffmpeg sends a moving picture and a tone."""
    clip = CLIP.format(size=size).split()
    process = subprocess.Popen(["ffmpeg", "-v", "error", "-re", *clip, f"rtmp://{rtmp}/live/{stream}"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def wait_for(url: str, status: int) -> None:
    waiting.wait_for(lambda: waiting.answers(url, status), f"{status} from {url}")
