"""Measures the offset between sound and picture in the delivered stream.

A few seconds of HLS are recorded and decoded afterwards. So the result is what every player gets, without a browser's audio latency or
a busy machine's delays. The picture shows a clock (`clock.py`), and tones begin at full seconds of the same clock. The picture's clock
at the beginning of a tone is therefore a full second plus the offset, and more precise than one frame.
"""

import asyncio
import re
import statistics
from array import array
from dataclasses import dataclass
from pathlib import Path

from amphi.rehearsal import clock
from amphi.rehearsal.exceptions import UnreadableError

_LOCATE_WIDTH, _LOCATE_HEIGHT = 640, 360
_CELL = 8
_VIDEO_PTS = re.compile(r"showinfo.*\bpts_time:(-?[\d.]+)")
_AUDIO_PTS = re.compile(r"ashowinfo.*\bpts_time:(-?[\d.]+).*\brate:(\d+).*\bnb_samples:(\d+)")
_LOUD = 0.3
"""A tone begins at this share of the loudest sample. A codec's pre-echo stays below."""
_SILENCE_S = 0.3
_MIN_TONES = 3
_NEAR_S = 1.0
_DECODE_TIMEOUT_S = 120


@dataclass(frozen=True)
class Offset:
    """The offset of the sound from the picture.

    Attributes:
        ms: positive when the sound is late.
        tones: the number of tones; `ms` is their median.
    """

    ms: float
    tones: int


@dataclass(frozen=True)
class Tone:
    """One tone of the robot.

    Attributes:
        shown_ms: what the clock showed when it began, in ms, modulo `clock.PERIOD`.
        late_ms: how much later than the clock's full second that is; negative when it is early.
    """

    shown_ms: float
    late_ms: float


async def _ffmpeg(arguments: list[str], timeout_s: float) -> tuple[bytes, str]:
    process = await asyncio.create_subprocess_exec(
        "ffmpeg",
        *["-hide_banner", "-nostdin", "-nostats", *arguments],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, log = await asyncio.wait_for(process.communicate(), timeout_s)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out, log.decode(errors="replace")


async def record(hls_url: str, file: Path, *, length_s: float) -> None:
    """Record `length_s` seconds of the stream at `hls_url`, without decoding.

    Raises:
        UnreadableError: nothing could be read.
    """
    arguments = ["-loglevel", "error", "-rw_timeout", "5000000", "-i", hls_url]
    arguments += ["-t", str(length_s), "-c", "copy", "-f", "nut", "-y", str(file)]
    try:
        _, log = await _ffmpeg(arguments, timeout_s=length_s + 30)
    except TimeoutError:
        raise UnreadableError("the origin gave no stream that ffmpeg can read") from None
    if await asyncio.to_thread(_is_empty, file):
        last = log.strip().splitlines()[-1:] or ["no reason given"]
        raise UnreadableError(f"ffmpeg could not read the stream of the origin: {last[0]}")


def _is_empty(file: Path) -> bool:
    return not file.exists() or file.stat().st_size == 0


async def _locate(file: Path) -> clock.Box:
    """Find the clock in the picture; its last position, if that has changed."""
    pixels = f"fps=1,scale={_LOCATE_WIDTH}:{_LOCATE_HEIGHT},format=rgb24"
    raw, _ = await _ffmpeg(["-i", str(file), "-an", "-vf", pixels, "-f", "rawvideo", "-"], _DECODE_TIMEOUT_S)
    size = _LOCATE_WIDTH * _LOCATE_HEIGHT * 3
    for at in range(len(raw) - size, -1, -size):
        box = clock.locate(raw[at : at + size], _LOCATE_WIDTH, _LOCATE_HEIGHT)
        if box is not None:
            return box
    raise UnreadableError("the robot's clock is not in the picture of the stream")


def _levels(cells: bytes) -> list[float]:
    width = clock.COLUMNS * _CELL
    first = _CELL // 2 - 1
    levels = []
    for row in range(clock.ROWS):
        for column in range(clock.COLUMNS):
            at = (row * _CELL + first) * width + column * _CELL + first
            square = cells[at : at + 2] + cells[at + width : at + width + 2]
            levels.append(sum(square) / 4)
    return levels


async def read_clocks(file: Path, rehearsal: int) -> list[tuple[float, int]]:
    """Each picture's (time in the stream in s, time on the clock in ms); pictures that can't be read are left out."""
    box = await _locate(file)
    width, height = clock.COLUMNS * _CELL, clock.ROWS * _CELL
    crop = f"crop=iw*{box.width:.5f}:ih*{box.height:.5f}:iw*{box.x:.5f}:ih*{box.y:.5f}"
    filters = f"{crop},scale={width}:{height}:flags=area,format=gray,showinfo=checksum=0"
    arguments = ["-copyts", "-i", str(file), "-an", "-vf", filters, "-fps_mode", "passthrough"]
    raw, log = await _ffmpeg([*arguments, "-f", "rawvideo", "-"], _DECODE_TIMEOUT_S)
    size = width * height
    clocks = []
    for at, pts in enumerate(_VIDEO_PTS.findall(log)):
        reading = clock.read_levels(_levels(raw[at * size : (at + 1) * size])) if raw[at * size :] else None
        if reading is not None and reading.rehearsal == rehearsal:
            clocks.append((float(pts), reading.time * clock.UNIT_MS))
    return clocks


def _peak(samples: "array[int]") -> int:
    highest, lowest = max(samples), min(samples)
    return max(highest, -lowest)


async def read_tones(file: Path) -> list[float]:
    """When each tone begins, in seconds of stream time."""
    filters = "aformat=sample_fmts=s16:channel_layouts=mono,ashowinfo"
    arguments = ["-copyts", "-i", str(file), "-vn", "-af", filters, "-f", "s16le", "-"]
    raw, log = await _ffmpeg(arguments, _DECODE_TIMEOUT_S)
    samples = array("h")
    samples.frombytes(raw[: len(raw) // 2 * 2])
    if not samples:
        raise UnreadableError("the stream has no sound")
    loud = _peak(samples) * _LOUD
    tones = []
    silent_since: float | None = None
    at = 0
    for pts, rate, count in _AUDIO_PTS.findall(log):
        for start in range(at, at + int(count), 48):
            block = samples[start : min(start + 48, at + int(count))]
            time_s = float(pts) + (start - at) / int(rate)
            if not block or _peak(block) <= loud:
                silent_since = time_s if silent_since is None else silent_since
                continue
            if silent_since is not None and time_s - silent_since >= _SILENCE_S:
                first = next(i for i, sample in enumerate(block) if abs(sample) > loud)
                tones.append(time_s + first / int(rate))
            silent_since = None
        at += int(count)
    return tones


def distances(clocks: list[tuple[float, int]], tones: list[float]) -> list[Tone]:
    """How far each tone is from the full second of the clock; tones without a readable picture near them are left out."""
    found = []
    for tone in tones:
        # The clock is cut to its unit, so on the average it shows half a unit less.
        near = [shown + clock.UNIT_MS / 2 - pts * 1000 for pts, shown in clocks if abs(pts - tone) < _NEAR_S]
        if near:
            shown_ms = tone * 1000 + statistics.median(near)
            found.append(Tone(shown_ms, (shown_ms + 500) % 1000 - 500))
    return found


def offset(clocks: list[tuple[float, int]], tones: list[float]) -> Offset:
    """The median distance of the tones from the full seconds of the clock.

    Raises:
        UnreadableError: too few tones with a readable picture near them.
    """
    found = distances(clocks, tones)
    if len(found) < _MIN_TONES:
        raise UnreadableError(
            f"only {len(found)} tones of the robot's microphone could be read in the stream "
            f"({len(clocks)} pictures, {len(tones)} tones)"
        )
    return Offset(ms=statistics.median(tone.late_ms for tone in found), tones=len(found))


async def measure(file: Path, rehearsal: int) -> Offset:
    """The offset of sound against picture in a recorded sample.

    Raises:
        UnreadableError: it holds too little of the robot's clock or tone.
    """
    return offset(await read_clocks(file, rehearsal), await read_tones(file))
