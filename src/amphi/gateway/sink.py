"""The output of a job: ffmpeg, which encodes the sound and speaks RTMP."""

import asyncio
import contextlib
import logging
import math
import os
import random
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from amphi.gateway import matroska
from amphi.gateway.addresses import server_app_and_playpath
from amphi.gateway.audio_timeline import AudioTimeline
from amphi.gateway.job_state import Trigger
from amphi.gateway.packets import (
    CHANNELS,
    HEIGHT,
    WIDTH,
    AudioPacket,
    DecoderConfiguration,
    Packet,
    SoundConfiguration,
    VideoPacket,
)

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES = 1_500_000
"""About four seconds of picture and raw sound. When a slow server leaves more than this waiting, packets are dropped up to the next keyframe."""

CONNECT_PATIENCE_S = 10
STALL_PATIENCE_S = 6
CLEAN_END_S = 0.3
REFUSALS_BEFORE_SLOW = 3
SLOW_RETRY_S = 10
PROOF_S = 0.4
REFUSED_WITHIN_S = 3.0
"""Some servers accept a publish and then close the connection: within this time that counts as a refusal."""

MIN_RETRY_S, MAX_RETRY_S = 0.2, 3.0
SHORTEST_SECRET = 4
_UNTRUSTED = "the RTMP server's certificate is not trusted"
_CANT_START = "ffmpeg can't be started"
_UNREACHABLE = (
    "connection refused",
    "timed out",
    "no route",
    "unreachable",
    "failed to resolve",
    "name or service",
)


class Sink(Protocol):
    """Sends packets to a live server."""

    def start(self) -> None:
        """Connect, and connect again after each loss, until `close`."""

    def send(self, packet: Packet) -> None:
        """Send a packet; it is dropped while there is no connection."""

    async def close(self, *, clean: bool = True) -> None:
        """End the stream at once; `clean`: tell the server that it is over, else it waits for the next connection."""


class StreamWriter:
    """Turns packets into the bytes of one connection: it begins with the first keyframe, at time zero."""

    def __init__(self, configuration: bytes, *, rate: int) -> None:
        self._rate = rate
        self._configuration = configuration
        self._blocks = matroska.BlockWriter()
        self._timeline: AudioTimeline | None = None
        self._start_us = 0

    def video(self, packet: VideoPacket) -> bytes:
        begun = b""
        if self._timeline is None:
            if not packet.is_key:
                return b""
            self._start_us = packet.pts_us
            self._timeline = AudioTimeline(packet.pts_us, rate=self._rate)
            begun = matroska.header(self._configuration, width=WIDTH, height=HEIGHT, rate=self._rate)
        before_us = self._timeline.end_us
        silence = self._timeline.fill_until(packet.pts_us)
        picture = self._blocks.block(
            matroska.VIDEO_TRACK, self._ms(packet.pts_us), packet.data, is_key=packet.is_key
        )
        return begun + self._sound(before_us, silence) + picture

    def audio(self, packet: AudioPacket) -> bytes:
        if self._timeline is None:
            return b""
        before_us = self._timeline.end_us
        return self._sound(before_us, self._timeline.add(packet.pts_us, packet.data))

    def _sound(self, at_us: int, data: bytes) -> bytes:
        return self._blocks.block(matroska.AUDIO_TRACK, self._ms(at_us), data, is_key=True) if data else b""

    def _ms(self, pts_us: int) -> int:
        return max(0, round((pts_us - self._start_us) / 1000))


class RtmpSink:
    """Sends to one RTMP address. See `Sink`.

    Args:
        url: the address with its key; never logged.
        ffmpeg: the path of ffmpeg.
        ca_file: certificate authorities for ``rtmps`` servers.
        on_trigger: called with a trigger of the job and a sentence.
        want_key: asks the source for a keyframe, so that a new connection starts at once.
    """

    def __init__(
        self,
        url: str,
        *,
        ffmpeg: Path,
        ca_file: Path,
        on_trigger: Callable[[Trigger, str], None],
        want_key: Callable[[], None],
    ) -> None:
        self.is_up = False
        self.pid: int | None = None
        self.frames = 0
        self.frames_dropped = 0
        self.bytes_sent = 0
        self._url = url
        self._ffmpeg = ffmpeg
        self._ca_file = ca_file
        self._on_trigger = on_trigger
        self._want_key = want_key
        self._configuration: bytes | None = None
        self._rate: int | None = None
        self._writer: StreamWriter | None = None
        self._process: Process | None = None
        self._is_dropping = False
        self._has_begun = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._note_mistake)

    def _note_mistake(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("a mistake of the gateway in sending", exc_info=error)
            self._on_trigger(Trigger.GAVE_UP, f"the gateway made a mistake: {type(error).__name__}")

    def send(self, packet: Packet) -> None:
        if isinstance(packet, DecoderConfiguration):
            self._configuration = packet.data
            return
        if isinstance(packet, SoundConfiguration):
            self._rate = packet.rate
            return
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if self._writer is None:
            if self._configuration is None or self._rate is None:
                return
            self._has_begun.set()
            self._writer = StreamWriter(self._configuration, rate=self._rate)
        if self._must_drop(packet, process.stdin):
            self.frames_dropped += isinstance(packet, VideoPacket)
            return
        data = self._writer.video(packet) if isinstance(packet, VideoPacket) else self._writer.audio(packet)
        if data:
            self.frames += isinstance(packet, VideoPacket)
            self.bytes_sent += len(packet.data) if isinstance(packet, VideoPacket) else 0
            process.stdin.write(data)

    def _must_drop(self, packet: VideoPacket | AudioPacket, stdin: asyncio.StreamWriter) -> bool:
        waiting_bytes = stdin.transport.get_write_buffer_size()
        if self._is_dropping:
            may_resume = (
                isinstance(packet, VideoPacket) and packet.is_key and waiting_bytes < MAX_WAITING_BYTES // 2
            )
            self._is_dropping = not may_resume
        else:
            self._is_dropping = waiting_bytes > MAX_WAITING_BYTES
        return self._is_dropping

    async def _run(self) -> None:
        failures = refusals = 0
        while True:
            try:
                up_s, complaint = await self._connect_once()
            except OSError as error:
                self._on_trigger(Trigger.CAPTURE_FAILED, f"ffmpeg can't be started: {error.strerror}")
                return
            if complaint == _CANT_START:
                self._on_trigger(Trigger.CAPTURE_FAILED, complaint)
                return
            if up_s > REFUSED_WITHIN_S:
                failures = refusals = 0
            failures += 1
            if up_s > REFUSED_WITHIN_S or any(word in complaint.lower() for word in _UNREACHABLE):
                self._on_trigger(Trigger.RTMP_LOST, complaint or "the RTMP connection broke")
            else:
                refusals += 1
                self._on_trigger(Trigger.RTMP_REFUSED, complaint or "the RTMP server closed the connection")
            delay_s = min(MAX_RETRY_S, MIN_RETRY_S * 2 ** (failures - 1)) * random.uniform(0.8, 1.2)  # noqa: S311 -- no secret
            await asyncio.sleep(SLOW_RETRY_S if refusals >= REFUSALS_BEFORE_SLOW else delay_s)

    async def _connect_once(self) -> tuple[float, str]:
        """Run one connection to its end. Returns for how many seconds the server accepted it, and ffmpeg's last error."""
        # ffmpeg connects only once it has a picture, so it may start early.
        process = await self._spawn()
        self._process, self.pid = process, process.pid
        self._writer, self._is_dropping, self._has_begun = None, False, asyncio.Event()
        watch = asyncio.create_task(self._watch_progress(process))
        if self._configuration is not None:
            self._want_key()
        complaint, up_at = "", math.inf
        proof = None
        try:
            assert process.stderr is not None  # noqa: S101 -- asked for above
            async for line in process.stderr:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith("Output #0"):
                    up_at = time.monotonic()
                    proof = asyncio.get_running_loop().call_later(PROOF_S, self._declare_up)
                elif text.startswith("setpriv: failed to execute"):
                    complaint = _CANT_START
                elif "certificate" in text.lower():
                    complaint = self._untrusted(text)
                elif complaint.startswith(_UNTRUSTED):
                    continue  # this line is not the reason
                elif "error" in text.lower() or any(word in text.lower() for word in _UNREACHABLE):
                    complaint = self._without_secrets(text)
            await process.wait()
        finally:
            watch.cancel()
            if proof is not None:
                proof.cancel()
            self.is_up = False
            self._process, self.pid = None, None
        return time.monotonic() - up_at, complaint

    def _declare_up(self) -> None:
        self.is_up = True
        self._on_trigger(Trigger.PUBLISHED, "")

    async def _spawn(self) -> Process:
        reader, writer = os.pipe()
        try:
            os.write(writer, self._secrets())
            os.close(writer)
            return await asyncio.create_subprocess_exec(
                *self._command(reader), stdin=PIPE, stderr=PIPE, pass_fds=[reader]
            )
        finally:
            os.close(reader)

    def _secrets(self) -> bytes:
        """The stream's name and key, as a preset file of ffmpeg: every user of the machine can read command lines."""
        _, app, playpath = server_app_and_playpath(self._url)
        options = {"rtmp_app": app, "rtmp_playpath": playpath}
        if self._url.startswith("rtmps:"):
            options |= {"tls_verify": "1", "ca_file": str(self._ca_file)}
        return "".join(f"{name}={value}\n" for name, value in options.items() if value).encode()

    def _untrusted(self, text: str) -> str:
        reason = self._without_secrets(text).rpartition("] ")[2]
        return f"{_UNTRUSTED}: {reason}"

    def _command(self, secrets: int) -> list[str]:
        server, _, _ = server_app_and_playpath(self._url)
        # setpriv makes the kernel end ffmpeg when the gateway ends, even after a crash.
        return [
            *("/usr/bin/setpriv", "--pdeathsig", "KILL", "--"),
            *(str(self._ffmpeg), "-hide_banner", "-nostats", "-loglevel", "info"),
            *("-probesize", "32", "-analyzeduration", "0"),
            *("-f", "matroska", "-i", "pipe:0", "-map", "0", "-c:v", "copy"),
            *("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", str(CHANNELS)),
            *("-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1"),
            *("-fpre", f"/dev/fd/{secrets}", server),
        ]

    async def _watch_progress(self, process: Process) -> None:
        """End a connection that does not come about, or whose server no longer accepts data."""
        await self._has_begun.wait()
        await asyncio.sleep(CONNECT_PATIENCE_S)
        stalled_s = 0
        while self.is_up and stalled_s < STALL_PATIENCE_S:
            await asyncio.sleep(1)
            stalled_s = stalled_s + 1 if self._is_dropping else 0
        _signal(process, signal.SIGKILL)

    def _without_secrets(self, text: str) -> str:
        parts = urlsplit(self._url)
        _, app, playpath = server_app_and_playpath(self._url)
        secrets = {self._url, parts.query, playpath, parts.path.rpartition("/")[2], parts.netloc, app}
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "…")
        return text[:200]

    async def close(self, *, clean: bool = True) -> None:
        """End the stream: ffmpeg sees the end of its input and closes the connection properly, or is killed."""
        process = self._process
        running, self._running = self._running, None
        if process is not None and process.stdin is not None:
            if not clean:
                _signal(process, signal.SIGKILL)
            elif process.stdin.transport.get_write_buffer_size():
                _signal(process, signal.SIGTERM)  # otherwise it would first send all that waits
            process.stdin.close()
            for last_word in (signal.SIGTERM, signal.SIGKILL):
                try:
                    async with asyncio.timeout(CLEAN_END_S):
                        await process.wait()
                        break
                except TimeoutError:
                    _signal(process, last_word)
        if running is not None:
            running.cancel()
            await asyncio.wait([running])


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
