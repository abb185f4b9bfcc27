"""The sound of one browser: a PulseAudio of its own, whose only output is a pipe to the gateway."""

import asyncio
import fcntl
import os
import time
from asyncio.subprocess import Process
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from amphi.gateway import children
from amphi.gateway.exceptions import CaptureFailedError
from amphi.gateway.packets import CHANNELS, FRAME_BYTES, RATE, AudioPacket

if TYPE_CHECKING:
    from collections.abc import Callable

_PIPE_BYTES = 1_000_000  # five seconds: what no longer fits is lost
_START_PATIENCE_S = 10
_LOOK_EVERY_S = 0.02
_CLOCK_WINDOW_S = 5
_STORE_MS = 60  # of sound that a program keeps ready, so that none is missing on a busy machine


class SampleClock:
    """Ties counted samples to our clock: by those that came soonest, since the others waited on the way."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._samples = 0
        self._leads: deque[tuple[int, float]] = (
            deque()
        )  # by second of arrival: the least (arrival - own time)

    def stamp(self, samples: int, *, now_s: float) -> float:
        """When the first of the samples, which have just arrived, was played, in seconds of our clock."""
        begun_s = self._samples / self._rate
        self._samples += samples
        lead = now_s - self._samples / self._rate
        second = int(now_s)
        if not self._leads or self._leads[-1][0] != second:
            self._leads.append((second, lead))
        elif lead < self._leads[-1][1]:
            self._leads[-1] = (second, lead)
        while self._leads[0][0] < second - _CLOCK_WINDOW_S:
            self._leads.popleft()
        return begun_s + min(least for _, least in self._leads)


class Sound:
    """See the module.

    Attributes:
        process: the sound server.
        on_lost: called with a sentence when the sound server is gone.
        environment: the variables by which a program finds the sound server.
    """

    def __init__(self, process: Process, descriptor: int, socket: Path) -> None:
        self.process = process
        self.on_lost: Callable[[str], None] = lambda _: None
        self.environment = {"PULSE_SERVER": f"unix:{socket}", "PULSE_LATENCY_MSEC": str(_STORE_MS)}
        self._descriptor = descriptor
        self._clock = SampleClock(RATE)
        self._rest = b""
        self._watching = asyncio.create_task(self._watch())
        # Times as the pictures have them: of the day, but going on evenly when that is set.
        self._day_s = time.time() - time.monotonic()

    @classmethod
    async def open(cls, folder: Path) -> "Sound":
        """Start a sound server. Its pipe and its socket are in `folder`, which only we may read.

        Raises:
            CaptureFailedError: it does not start.
        """
        pipe, socket = folder / "sound", folder / "pulse.socket"
        sink = f"module-pipe-sink file={pipe} format=s16le rate={RATE} channels={CHANNELS} use_system_clock_for_timing=yes"
        process = await children.spawn(
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            *("--disable-shm=yes", "--high-priority=no", "--realtime=no"),
            *("-L", sink, "-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
            environment=os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        )
        async with children.ended_on_error(process):
            end = time.monotonic() + _START_PATIENCE_S
            while not (socket.exists() and pipe.exists()):
                await asyncio.sleep(_LOOK_EVERY_S)
                if process.returncode is not None or time.monotonic() > end:
                    raise CaptureFailedError("no sound for the browser: PulseAudio does not start")
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return cls(process, descriptor, socket)

    async def _watch(self) -> None:
        await self.process.wait()
        self.on_lost("the browser's sound is gone")

    def read(self) -> AudioPacket | None:
        """The sound since the last call, if there is any."""
        try:
            data = self._rest + os.read(self._descriptor, _PIPE_BYTES)
        except BlockingIOError:
            return None
        whole = len(data) // FRAME_BYTES * FRAME_BYTES
        data, self._rest = data[:whole], data[whole:]
        if not data:
            return None
        played_s = self._clock.stamp(whole // FRAME_BYTES, now_s=time.monotonic())
        return AudioPacket(round((played_s + self._day_s) * 1_000_000), data)

    async def close(self) -> None:
        self._watching.cancel()
        os.close(self._descriptor)
        await children.end(self.process)
