"""Sound against picture, calibrated with streams whose offset is known, encoded as a gateway does."""

import math
import struct
import subprocess
import wave
from pathlib import Path

import pytest

from amphi.rehearsal import clock, stream_sample
from amphi.rehearsal.exceptions import UnreadableError

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 25, 5
STARTED_MS = 1_790_000_123_440
"""Not a full second, so that nothing is right by accident."""


def picture(rehearsal: int, now_ms: int, *, scale: float) -> bytes:
    """A dark picture with a clock off its centre, `scale` of the picture's width."""
    width, height = int(WIDTH * scale), int(WIDTH * scale * 360 / 800)
    frame, left, top = width * 30 // 800, WIDTH // 9, HEIGHT // 7
    bits = clock.encode(rehearsal, now_ms)
    rows = [bytearray(b"\x10\x24\x3e" * WIDTH) for _ in range(HEIGHT)]
    magenta = b"\xff\x00\xff" * width
    for y in range(height):
        rows[top + y][left * 3 : (left + width) * 3] = magenta
    for row in range(clock.ROWS):
        cells = b"".join(
            (b"\xff" if bits[row * clock.COLUMNS + (x * clock.COLUMNS // (width - 2 * frame))] else b"\x00")
            * 3
            for x in range(width - 2 * frame)
        )
        inner = height - 2 * frame
        for y in range(top + frame + row * inner // 4, top + frame + (row + 1) * inner // 4):
            rows[y][(left + frame) * 3 : (left + width - frame) * 3] = cells
    return b"".join(bytes(row) for row in rows)


def write_tones(file: Path, offset_ms: float) -> None:
    """Tones at the full seconds of the clock, late by `offset_ms`."""
    samples = [0.0] * (48000 * SECONDS)
    for second in range(-1, SECONDS + 2):
        start_s = second - STARTED_MS % 1000 / 1000 + offset_ms / 1000
        for i in range(4800):
            at = round(start_s * 48000) + i
            if 0 <= at < len(samples):
                samples[at] = 0.5 * math.sin(2 * math.pi * 880 * i / 48000)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes(b"".join(struct.pack("<h", int(sample * 32767)) for sample in samples))


def encode(tmp_path: Path, *, offset_ms: float, rehearsal: int = 42, scale: float = 0.4) -> Path:
    write_tones(tmp_path / "tones.wav", offset_ms)
    frames = b"".join(
        picture(rehearsal, STARTED_MS + number * 1000 // FPS, scale=scale) for number in range(FPS * SECONDS)
    )
    file = tmp_path / "sample.nut"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"]
    video = [
        "-vf",
        "scale=1280:720",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-b:v",
        "900k",
    ]
    audio = ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        *raw,
        "-i",
        str(tmp_path / "tones.wav"),
        *video,
        *audio,
        "-y",
        str(file),
    ]
    subprocess.run(command, input=frames, check=True, timeout=120)
    return file


@pytest.mark.parametrize("offset_ms", [0, 75, -130])
async def test_known_offset_is_measured(tmp_path: Path, offset_ms: float) -> None:
    measured = await stream_sample.measure(encode(tmp_path, offset_ms=offset_ms), 42)
    # The encoder's own delay, one AAC frame, is in the file: 1024 samples are 21 ms.
    assert abs(measured.ms - offset_ms) < 30
    assert measured.tones >= 3


async def test_a_clock_of_a_third_of_the_picture_is_read_in_every_frame(tmp_path: Path) -> None:
    file = encode(tmp_path, offset_ms=0, scale=1 / 3 * 800 / 1280)
    clocks = await stream_sample.read_clocks(file, 42)
    assert len(clocks) == FPS * SECONDS
    start = clocks[0]
    for pts, shown in clocks:
        expected = (pts - start[0]) * 1000
        assert abs(shown - start[1] - expected) <= 20


async def test_another_rehearsals_clock_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="only 0 tones"):
        await stream_sample.measure(encode(tmp_path, offset_ms=0, rehearsal=41), 42)


def encode_other(tmp_path: Path) -> Path:
    file = tmp_path / "other.nut"
    sources = ["-f", "lavfi", "-i", "testsrc2=s=320x180:d=2", "-f", "lavfi", "-i", "sine=d=2"]
    command = ["ffmpeg", "-loglevel", "error", *sources, "-c:v", "libx264", "-c:a", "aac", "-y", str(file)]
    subprocess.run(command, check=True, timeout=60)
    return file


async def test_a_stream_without_the_robot_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"clock is not in the picture|tones"):
        await stream_sample.measure(encode_other(tmp_path), 42)


async def test_an_address_that_gives_nothing_is_told(tmp_path: Path, free_port: int) -> None:
    with pytest.raises(UnreadableError, match="could not read the stream"):
        await stream_sample.record(
            f"http://127.0.0.1:{free_port}/hls/x.m3u8", tmp_path / "sample.nut", length_s=1
        )
