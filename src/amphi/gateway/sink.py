"""The output of a job: ffmpeg, which encodes picture and sound and speaks RTMP."""

import asyncio
import contextlib
import fcntl
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
    RATE,
    WIDTH,
    AudioPacket,
    Packet,
    VideoPacket,
)

logger = logging.getLogger(__name__)

PIPE_BYTES = 1_048_576  # the most that Linux allows without privileges
MAX_WAITING_BYTES = 5_600_000
"""Four pictures. While a slow server or a busy machine leaves more than this waiting, pictures are dropped."""
MAX_WAITING_SOUND_BYTES = MAX_WAITING_BYTES + 400_000
QUALITY = 28
"""x264's constant rate factor, as far as the bit rate allows."""
KEYFRAME_FACTOR = 3.2
"""How much finer keyframes are coded than what moves between them: text stands still, and keeps their sharpness."""
_X264 = (
    # By the pictures' own times: otherwise five still ones count as a fifth of a second, and starve the next keyframe.
    "force-cfr=0",
    f"ipratio={KEYFRAME_FACTOR}",
    # What of the preset costs time and makes no text sharper: the deblocking filter and larger transforms blur it.
    *("subme=0", "weightp=0", "8x8dct=0", "no-deblock=1"),
)
STORE_S = 1.6
"""How many seconds' worth of bits may go in a burst: a keyframe of much text is large."""

CONNECT_PATIENCE_S = 10
STALL_PATIENCE_S = 6
CLEAN_END_S = 0.3
REFUSALS_BEFORE_SLOW = 3
SLOW_RETRY_S = 10
PROOF_S = 0.4
REFUSED_WITHIN_S = 3.0
"""Some servers accept a publish and then close the connection: within this time that counts as a refusal."""

MIN_RETRY_S, MAX_RETRY_S = 0.2, 3.0
RESTART_TAKES_S, PROBE_EVERY_S, PROBE_TIMEOUT_S = 15.0, 0.15, 2.0
"""For so long a server that is not there is expected to be started again: it is looked for at its port, and ffmpeg stands ready meanwhile."""
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}
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
    """Turns packets into the bytes of one connection: it begins with the first picture, at time zero."""

    def __init__(self, *, fps: int) -> None:
        self._fps = fps
        self._blocks = matroska.BlockWriter()
        self._timeline: AudioTimeline | None = None
        self._start_us = 0

    def video(self, packet: VideoPacket) -> list[bytes]:
        begun = []
        if self._timeline is None:
            self._start_us = packet.pts_us
            self._timeline = AudioTimeline(packet.pts_us, rate=RATE)
            begun = [matroska.header(width=WIDTH, height=HEIGHT, fps=self._fps, rate=RATE)]
        before_us = self._timeline.end_us
        silence = self._timeline.fill_until(packet.pts_us)
        picture = self._block(matroska.VIDEO_TRACK, packet.pts_us, packet.data)
        return [*begun, *self._block(matroska.AUDIO_TRACK, before_us, silence), *picture]

    def audio(self, packet: AudioPacket) -> list[bytes]:
        if self._timeline is None:
            return []
        before_us = self._timeline.end_us
        return self._block(matroska.AUDIO_TRACK, before_us, self._timeline.add(packet.pts_us, packet.data))

    def _block(self, track: int, pts_us: int, data: bytes) -> list[bytes]:
        time_ms = max(0, round((pts_us - self._start_us) / 1000))
        return [self._blocks.head(track, time_ms, len(data)), data] if data else []


class RtmpSink:
    """Sends to one RTMP address. See `Sink`.

    Args:
        url: the address with its key; never logged.
        ffmpeg: the path of ffmpeg.
        ca_file: certificate authorities for ``rtmps`` servers.
        fps: of the pictures' clock.
        bitrate_kbps: the most of the picture.
        on_trigger: called with a trigger of the job and a sentence.
    """

    def __init__(
        self,
        url: str,
        *,
        ffmpeg: Path,
        ca_file: Path,
        fps: int,
        bitrate_kbps: int,
        on_trigger: Callable[[Trigger, str], None],
    ) -> None:
        self.is_up = False
        self.pid: int | None = None
        self.frames = 0
        self.frames_dropped = 0
        self.bytes_sent = 0
        self._url = url
        self._ffmpeg = ffmpeg
        self._ca_file = ca_file
        self._fps = fps
        self._bitrate_kbps = bitrate_kbps
        self._on_trigger = on_trigger
        self._writer: StreamWriter | None = None
        self._process: Process | None = None
        self._input: asyncio.WriteTransport | None = None
        self._is_dropping = False
        self._is_held = False
        self._counted_bytes = 0
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
        if self._input is None or self._is_held or self._input.is_closing():
            return
        if self._writer is None:
            self._has_begun.set()
            self._writer = StreamWriter(fps=self._fps)
        if self._must_drop(packet, self._input.get_write_buffer_size()):
            self.frames_dropped += isinstance(packet, VideoPacket)
            return
        parts = self._writer.video(packet) if isinstance(packet, VideoPacket) else self._writer.audio(packet)
        self.frames += isinstance(packet, VideoPacket)
        for part in parts:
            self._input.write(part)

    def _must_drop(self, packet: Packet, waiting_bytes: int) -> bool:
        if isinstance(packet, AudioPacket):
            return waiting_bytes > MAX_WAITING_SOUND_BYTES
        self._is_dropping = waiting_bytes > MAX_WAITING_BYTES
        return self._is_dropping

    async def _run(self) -> None:
        failures = refusals = 0
        while True:
            try:
                up_s, complaint = await self._connect_once(awaits=failures > 0 == refusals)
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

    async def _connect_once(self, *, awaits: bool) -> tuple[float, str]:
        """Run one connection to its end. Returns for how many seconds the server accepted it, and ffmpeg's last error.

        Args:
            awaits: begin once something listens at the server's port.
        """
        # ffmpeg connects only once it has a picture, so it may start early.
        process = await self._spawn()
        self._is_held = awaits
        holding = asyncio.create_task(self._hold_until_reachable())
        self._process, self.pid = process, process.pid
        self._writer, self._is_dropping, self._has_begun = None, False, asyncio.Event()
        self._counted_bytes = 0
        watch = asyncio.create_task(self._watch_progress(process))
        complaint, up_at = "", math.inf
        proof = None
        try:
            assert process.stderr is not None  # noqa: S101 -- asked for above
            async for line in process.stderr:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith("total_size="):
                    self._count(text.partition("=")[2])
                elif text.startswith("Output #0"):
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
            holding.cancel()
            if proof is not None:
                proof.cancel()
            self.is_up = False
            if self._input is not None:
                self._input.abort()
            self._process, self._input, self.pid = None, None, None
        return time.monotonic() - up_at, complaint

    async def _hold_until_reachable(self) -> None:
        """Hold pictures back until something listens at the server's port, or it has taken too long."""
        parts = urlsplit(self._url)
        address = (parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])
        until = time.monotonic() + RESTART_TAKES_S
        while self._is_held and time.monotonic() < until:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    _, probe = await asyncio.open_connection(*address)
                probe.close()
                break
            except (OSError, UnicodeError):  # time is up; a host that can have no name
                await asyncio.sleep(PROBE_EVERY_S)
        self._is_held = False

    def _count(self, size: str) -> None:
        """Take over how much ffmpeg says that it has sent on this connection."""
        if size.isdecimal():
            self.bytes_sent += int(size) - self._counted_bytes
            self._counted_bytes = int(size)

    def _declare_up(self) -> None:
        self.is_up = True
        self._on_trigger(Trigger.PUBLISHED, "")

    async def _spawn(self) -> Process:
        secrets, secrets_end = os.pipe()
        packets, packets_end = os.pipe()
        try:
            os.write(secrets_end, self._secrets())
            os.close(secrets_end)
            fcntl.fcntl(packets_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            process = await asyncio.create_subprocess_exec(
                *self._command(secrets), stdin=packets, stderr=PIPE, pass_fds=[secrets]
            )
            self._input, _ = await asyncio.get_running_loop().connect_write_pipe(
                asyncio.Protocol, os.fdopen(packets_end, "wb", 0)
            )
            return process
        finally:
            os.close(secrets)
            os.close(packets)

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
            *(str(self._ffmpeg), "-hide_banner", "-nostats", "-loglevel", "info", "-progress", "pipe:2"),
            *("-probesize", "32", "-analyzeduration", "0"),
            *("-f", "matroska", "-i", "pipe:0", "-map", "0", *self._picture_options()),
            *("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", str(CHANNELS)),
            *("-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1"),
            *("-fpre", f"/dev/fd/{secrets}", server),
        ]

    def _picture_options(self) -> list[str]:
        return [
            *("-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads", "1"),
            *("-crf", str(QUALITY), "-x264-params", ":".join(_X264)),
            *("-maxrate", f"{self._bitrate_kbps}k", "-bufsize", f"{round(self._bitrate_kbps * STORE_S)}k"),
            # A keyframe at the first picture of each second, and nowhere else.
            *("-force_key_frames", "expr:gte(t,n_forced)", "-forced-idr", "1", "-g", "9999"),
            *("-sc_threshold", "0"),
            *("-fps_mode", "passthrough"),
            *(
                "-colorspace",
                "smpte170m",
                "-color_primaries",
                "bt709",
                "-color_trc",
                "bt709",
                "-color_range",
                "tv",
            ),
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
        if process is not None and self._input is not None:
            if not clean:
                _signal(process, signal.SIGKILL)
            elif self._input.get_write_buffer_size():
                _signal(process, signal.SIGTERM)  # otherwise it would first send all that waits
            self._input.close()
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
