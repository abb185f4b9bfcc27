"""Makes a slate: one second of a still picture with words, and a frame of silence, encoded once by ffmpeg."""

import asyncio
import contextlib
import logging
import tempfile
import unicodedata
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

from amphi.origin.fmp4.codecs import AAC_LC, SAMPLE_RATES, AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.flv import SEQUENCE_HEADER
from amphi.origin.fmp4.flv_file import AUDIO_TAG, VIDEO_TAG, TagReader

logger = logging.getLogger(__name__)

FPS = 25
SENTENCES = ("Le webinaire reprend dans un instant", "The webinar resumes in a moment")
BACKGROUND, LETTERS, FAINT = "0x0d2440", "white", "0xb9c6da"
MAX_TITLE_CHARACTERS, TITLE_LINES = 120, 2
LARGEST = 3840
DEFAULT_RATE = 48_000
ENCODE_TIMEOUT_S = 30
MAX_BYTES = 8 * 2**20
# Encoders need some frames before their silence is that of a steady stream.
SILENT_FRAME = 10


@dataclass(frozen=True, slots=True)
class Form:
    """What a slate must fit: the picture's size, and the sound's rate and channels; no sound for a rate of 0."""

    width: int
    height: int
    rate: int
    channels: int

    @classmethod
    def of(cls, avc: AVCConfiguration, aac: AACConfiguration | None) -> "Form":
        """The form of a slate that follows such a stream: players then change as little as possible."""
        width, height = (max(64, min(side, LARGEST) // 2 * 2) for side in (avc.width, avc.height))
        if aac is None:
            return cls(width, height, 0, 0)
        rate = aac.sample_rate if aac.object_type == AAC_LC else 2 * aac.sample_rate
        return cls(
            width, height, rate if rate in SAMPLE_RATES else DEFAULT_RATE, 1 if aac.channels == 1 else 2
        )


@dataclass(frozen=True, slots=True)
class Slate:
    """Bodies of FLV tags: pictures of one second, the first of them a keyframe, and a frame of silence of `sound_ms`."""

    video_header: bytes
    pictures: list[bytes]
    audio_header: bytes
    silence: bytes
    sound_ms: float


def lines_of(title: str, width: int, size: int) -> list[str]:
    """A title as the lines that fit, at most two."""
    letters = "".join(
        one if unicodedata.category(one)[0] not in "CZ" else " " for one in title[:MAX_TITLE_CHARACTERS]
    )
    most, lines = max(8, int(width * 0.9 / (size * 0.56))), [""]
    for word in letters.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > TITLE_LINES:
        lines = [*lines[: TITLE_LINES - 1], f"{lines[TITLE_LINES - 1]} …"]
    return [line[: most + 2] for line in lines if line]


def _texts(title: str, form: Form) -> list[tuple[str, int, int, str]]:
    """Each line's words, size, distance from the top, and colour."""
    large, small = max(12, form.height // 15), max(10, form.height // 22)
    titles = lines_of(title, form.width, large)
    top = form.height * 46 // 100 - len(titles) * large * 3 // 2
    rows = [(line, large, top + number * large * 3 // 2, LETTERS) for number, line in enumerate(titles)]
    middle = form.height * 54 // 100
    return [
        *rows,
        (SENTENCES[0], small, middle, LETTERS),
        (SENTENCES[1], small, middle + small * 2, FAINT),
    ]


def _command(ffmpeg: Path, form: Form, folder: Path, title: str) -> list[str]:
    draws = []
    for number, (words, size, top, colour) in enumerate(_texts(title, form)):
        # The words come from a file, so that nothing in them is a command.
        file = folder / f"{number}.txt"
        file.write_text(words, "utf-8")
        draws.append(
            f"drawtext=textfile={file}:expansion=none:fontcolor={colour}:fontsize={size}:x=(w-text_w)/2:y={top}"
        )
    source = f"color=c={BACKGROUND}:s={form.width}x{form.height}:r={FPS}:d=1"
    sound = f"anullsrc=r={form.rate}:cl={'mono' if form.channels == 1 else 'stereo'}"
    return [
        *(str(ffmpeg), "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", source, *(("-f", "lavfi", "-i", sound) if form.rate else ())),
        *("-vf", ",".join(draws), "-t", "1", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast"),
        *("-profile:v", "main", "-bf", "0", "-g", str(FPS), "-sc_threshold", "0", "-threads", "1"),
        *(("-c:a", "aac", "-b:a", "64k") if form.rate else ()),
        *("-f", "flv", "pipe:1"),
    ]


async def make_slate(ffmpeg: Path, title: str, form: Form) -> Slate | None:
    """A slate; None, and a line in the log, when ffmpeg can't make one."""
    with tempfile.TemporaryDirectory(prefix="amphi-slate-") as folder:
        command = _command(ffmpeg, form, Path(folder), title)
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        except OSError as error:
            logger.warning("no slate: ffmpeg can't be started: %s", error)
            return None
        try:
            async with asyncio.timeout(ENCODE_TIMEOUT_S):
                data, said = await process.communicate()
        except TimeoutError:
            logger.warning("no slate: ffmpeg takes too long")
            return None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
    slate = parse_slate(data, form) if process.returncode == 0 and len(data) <= MAX_BYTES else None
    if slate is None:
        logger.warning(
            "no slate: %s", said.decode("utf-8", "replace").strip()[-300:] or "ffmpeg made nothing"
        )
    return slate


def parse_slate(data: bytes, form: Form) -> Slate | None:
    """Take a slate out of an FLV file; None when it has not all of it."""
    headers, frames = {AUDIO_TAG: b"", VIDEO_TAG: b""}, {AUDIO_TAG: list[bytes](), VIDEO_TAG: list[bytes]()}
    for kind, _, body in TagReader().feed(data):
        if kind not in headers or len(body) < 2:  # noqa: PLR2004 -- codec and packet type
            continue
        if body[1] == SEQUENCE_HEADER:
            headers[kind] = body
        elif kind == AUDIO_TAG or body[1] == 1:
            frames[kind].append(body)
    pictures, sounds = frames[VIDEO_TAG], frames[AUDIO_TAG]
    has_sound = len(sounds) > SILENT_FRAME and headers[AUDIO_TAG]
    if not (headers[VIDEO_TAG] and pictures) or (form.rate and not has_sound):
        return None
    if not form.rate:
        return Slate(headers[VIDEO_TAG], pictures, b"", b"", 0)
    sound_ms = 1024 * 1000 / form.rate
    return Slate(headers[VIDEO_TAG], pictures, headers[AUDIO_TAG], sounds[SILENT_FRAME], sound_ms)
