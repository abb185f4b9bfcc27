"""One ffmpeg that makes a stream's pictures smaller, in all sizes at once: it decodes each picture once."""

import asyncio
import contextlib
import logging
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amphi.origin.exceptions import MediaError
from amphi.origin.fmp4.codecs import AVCConfiguration
from amphi.origin.fmp4.flv import AVC, CODED, KEYFRAME, SEQUENCE_HEADER, VideoFrame, parse_video
from amphi.origin.fmp4.flv_file import PICTURES_ONLY, VIDEO_TAG, Tag, TagReader, write_tag

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 4 * 2**20
"""So much may wait for an encoder; then it is too slow."""
INTER_FRAME = 2
PROBED_BYTES = 4096
# The decoder learns the pictures' form from their header; looking further would only delay the first of them.
READING = ("-probesize", str(PROBED_BYTES), "-analyzeduration", "0", "-threads", "1", "-copyts", "-f", "flv")
# One thread each: whatever a publisher sends, an encoder that needs more does not keep up.
SCALING = ("-filter_complex_threads", "1", "-filter_complex")
# Pictures keep their times and their keyframes; none waits for a later one.
ENCODING = (
    *("-fps_mode", "passthrough", "-enc_time_base", "-1", "-c:v", "libx264", "-preset", "veryfast"),
    *("-tune", "zerolatency", "-threads", "1", "-bf", "0", "-profile:v", "main", "-level", "3.1"),
    *("-g", "100000", "-sc_threshold", "0", "-force_key_frames", "source", "-forced-idr", "1"),
    *("-pix_fmt", "yuv420p", "-flush_packets", "1", "-flvflags", "no_duration_filesize"),
)
CODEC = "avc1.4d401f"
"""What these options make, until the first header says it."""


@dataclass(frozen=True, slots=True)
class Form:
    """A smaller picture: its height in lines, and the most bits per second that it takes."""

    height: int
    most_bits_per_s: int
    quality: int

    @property
    def name(self) -> str:
        return f"{self.height}p"

    def size(self, avc: AVCConfiguration) -> tuple[int, int]:
        """Its size in pixels, of such a picture; encoders need even numbers."""
        height = min(self.height, avc.height // 2 * 2)
        return max(2, round(avc.width * height / avc.height / 2) * 2), height


def command(ffmpeg: Path, forms: dict[int, Form], avc: AVCConfiguration) -> list[str]:
    """The command line; `forms` by the file descriptor of their output."""
    names = [f"v{number}" for number in range(len(forms))]
    graph = [f"[0:v]split={len(forms)}" + "".join(f"[s{name}]" for name in names)]
    outputs: list[str] = []
    for name, (descriptor, form) in zip(names, forms.items(), strict=True):
        width, height = form.size(avc)
        graph.append(f"[s{name}]scale={width}:{height}:flags=bilinear[{name}]")
        most = str(form.most_bits_per_s)
        outputs += ["-map", f"[{name}]", *ENCODING, "-crf", str(form.quality), "-maxrate", most]
        outputs += ["-bufsize", most, "-f", "flv", f"pipe:{descriptor}"]
    # The publisher's stream, and everybody else, come first.
    begin = ("nice", "-n", "5", str(ffmpeg), "-nostdin", "-hide_banner", "-loglevel", "error")
    return [*begin, *READING, "-i", "pipe:0", *SCALING, ";".join(graph), *outputs]


class Output:
    """What has come of one size.

    Attributes:
        avc: its configuration, once it has come.
        newest_ms: the time of its newest picture; -1 before the first.
    """

    def __init__(self, take: Callable[[int, VideoFrame], None]) -> None:
        self._take = take
        self._reader = TagReader()
        self.avc: AVCConfiguration | None = None
        self.newest_ms = -1

    def feed(self, data: bytes) -> None:
        """Take ffmpeg's bytes.

        Raises:
            MediaError: they are no H.264.
        """
        for kind, at_ms, body in self._reader.feed(data):
            tag = parse_video(body) if kind == VIDEO_TAG else None
            if isinstance(tag, AVCConfiguration):
                self.avc = tag
            elif tag is not None:
                self.newest_ms = at_ms + tag.composition_ms
                self._take(self.newest_ms, tag)


class _Pipe(asyncio.Protocol):
    """Passes an output's bytes on."""

    def __init__(self, output: Output, on_error: Callable[[str], None]) -> None:
        self._output = output
        self._on_error = on_error

    def data_received(self, data: bytes) -> None:
        try:
            self._output.feed(data)
        except MediaError as error:
            self._on_error(str(error))


class Encoder:
    """Runs ffmpeg until it is stopped, or ends by itself.

    Args:
        ffmpeg: the path of ffmpeg.
        avc: the configuration of the pictures that it will be given.
        outputs: the sizes to make, and where they go.
        on_end: called once when it ends by itself, with the reason.
    """

    def __init__(
        self,
        ffmpeg: Path,
        avc: AVCConfiguration,
        outputs: dict[Form, Output],
        on_end: Callable[["Encoder", str], None],
    ) -> None:
        self.avc = avc
        self.outputs = outputs
        self._ffmpeg = ffmpeg
        self._on_end = on_end
        self._input: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._has_begun = False
        self._reason = ""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def feed(self, frame: VideoFrame, dts_ms: int) -> None:
        """Pass a picture on; it begins with a keyframe."""
        if self._input is None or self._reason or not (self._has_begun or frame.key):
            return
        if not self._has_begun:
            self._has_begun = True
            self._write(0, KEYFRAME, SEQUENCE_HEADER, 0, self.avc.record)
        kind = KEYFRAME if frame.key else INTER_FRAME
        self._write(dts_ms, kind, CODED, frame.composition_ms, frame.data)
        if self._input.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            self.fail("it is too slow for this stream")

    def _write(self, at_ms: int, kind: int, packet: int, composition_ms: int, data: bytes) -> None:
        head = bytes([kind << 4 | AVC, packet]) + composition_ms.to_bytes(3, signed=True)
        assert self._input is not None  # noqa: S101 -- checked by `feed`
        self._input.write(write_tag(Tag(VIDEO_TAG, at_ms, head + data)))

    def fail(self, reason: str) -> None:
        """End it because of what is wrong with it."""
        self._reason = self._reason or reason
        self._kill()

    def stop(self) -> None:
        """End it, since it is no longer needed."""
        self._on_end = lambda _encoder, _reason: None
        self._kill()

    def _kill(self) -> None:
        if self._process is None:
            self._task.cancel()
        else:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _run(self) -> None:
        said = b""
        reading: list[int] = []
        writing: list[int] = []
        transports: list[asyncio.ReadTransport] = []
        try:
            pipes = [os.pipe() for _ in self.outputs]
            reading += [pipe[0] for pipe in pipes]
            writing += [pipe[1] for pipe in pipes]
            forms = dict(zip(writing, self.outputs, strict=True))
            transports += [await self._connect(reading.pop(0), output) for output in self.outputs.values()]
            self._process = await asyncio.create_subprocess_exec(
                *command(self._ffmpeg, forms, self.avc),
                stdin=PIPE, stdout=DEVNULL, stderr=PIPE, pass_fds=writing,
            )  # fmt: skip
            _close(writing)
            self._input = self._process.stdin
            assert self._input is not None  # noqa: S101 -- it is a pipe
            assert self._process.stderr is not None  # noqa: S101 -- it is a pipe
            self._input.write(PICTURES_ONLY)
            while line := await self._process.stderr.read(4096):
                said = line[-300:]
            await self._process.wait()
        except OSError as error:
            said = str(error).encode()
        finally:
            self._kill_if_running()
            _close(reading + writing)
            for transport in transports:
                transport.close()
        self._on_end(self, self._reason or said.decode("utf-8", "replace").strip() or "it ended")

    async def _connect(self, reading: int, output: Output) -> asyncio.ReadTransport:
        loop = asyncio.get_running_loop()
        file = os.fdopen(reading, "rb", buffering=0)
        return (await loop.connect_read_pipe(lambda: _Pipe(output, self.fail), file))[0]

    def _kill_if_running(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


def _close(descriptors: list[int]) -> None:
    """Close what is not closed yet."""
    while descriptors:
        os.close(descriptors.pop())
