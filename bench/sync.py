"""Sound against picture over an hour: the robot's flash and tone, from a classroom through the gateway and the origin to the delivered stream.

The robot presents in `amphi classroom` with a camera that shows a clock and a microphone with a tone at each full second; `amphi gateway` films the meeting and sends it to
`amphi origin`, whose stream is recorded as every player gets it, and decoded when the time is over, so that decoding takes nothing from what is measured. Run it as
``python -m bench.sync [MINUTES]``: 60 unless it is told otherwise, and a tenth of that to decode.
"""

import asyncio
import contextlib
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from amphi.bigbluebutton import Server, bot_parameters
from amphi.rehearsal import clock, robots, stream_sample
from amphi.rehearsal.exceptions import UnreadableError
from amphi.rehearsal.measures import percentile
from bench.gateway import spent_s
from bench.origin import _fetch, _free_port, _running

MINUTES = 60.0
SETTLED_S = 20.0
"""Until cameras wait for voices, and the layout stands."""
FILE_S = 60
LOOK_EVERY_S = 15.0
PATIENCE_S = 60.0
SECRET = "bench-of-sync"  # noqa: S105 -- of servers on loopback, for the time of a measurement
ROBOT = 7
MEETING = "bench-sync"


@dataclass(frozen=True)
class Figures:
    """What the tones say together.

    Attributes:
        tones: how many could be read.
        middle_ms: how late the sound was, in the middle of the cases.
        p95_ms: 95 % of the tones were at most so far from their picture.
        worst_ms: the farthest.
        slope_ms_per_hour: how fast the sound moves away from the picture, by least squares.
        slope_error: the standard error of that.
    """

    tones: int
    middle_ms: float
    p95_ms: float
    worst_ms: float
    slope_ms_per_hour: float
    slope_error: float


def figures(times_s: list[float], late_ms: list[float]) -> Figures:
    """The figures of at least three tones, at different times."""
    apart = [abs(late) for late in late_ms]
    slope, intercept = statistics.linear_regression(times_s, late_ms)
    rest = sum((late - slope * at - intercept) ** 2 for at, late in zip(times_s, late_ms, strict=True))
    mean_s = statistics.fmean(times_s)
    spread = sum((at - mean_s) ** 2 for at in times_s)
    error = math.sqrt(rest / max(1, len(times_s) - 2) / spread)
    return Figures(
        tones=len(late_ms),
        middle_ms=statistics.median(late_ms),
        p95_ms=percentile(apart, 0.95) or 0.0,
        worst_ms=max(late_ms, key=abs),
        slope_ms_per_hour=slope * 3600,
        slope_error=error * 3600,
    )


@dataclass(frozen=True)
class Look:
    """The gateway at one moment: the processor time of all its processes, their memory (PSS), and its job."""

    at_s: float
    cpu_s: float
    mib: float
    job: dict[str, object]


class Chain:
    """Classroom, gateway and origin as processes of their own."""

    def __init__(self, running: contextlib.ExitStack) -> None:
        for variable in [name for name in os.environ if name.startswith("AMPHI_")]:
            del os.environ[variable]
        classroom, gateway, http, self._rtmp = (_free_port() for _ in range(4))
        self.classroom = f"http://127.0.0.1:{classroom}"
        self.origin = f"http://127.0.0.1:{http}"
        os.environ |= {
            "AMPHI_CLASSROOM_HTTP": f"127.0.0.1:{classroom}",
            "AMPHI_CLASSROOM_URL": self.classroom,
            "AMPHI_CLASSROOM_SECRET": SECRET,
            "AMPHI_GATEWAY_HTTP": f"127.0.0.1:{gateway}",
            "AMPHI_GATEWAY_TOKEN": SECRET,
            "AMPHI_GATEWAY_CLASSROOM": "1",
            "AMPHI_ORIGIN_RTMP": f"127.0.0.1:{self._rtmp}",
            "AMPHI_ORIGIN_HTTP": f"127.0.0.1:{http}",
        }
        amphi = (sys.executable, "-m", "amphi")
        running.enter_context(_running(*amphi, "classroom"))
        running.enter_context(_running(*amphi, "origin", "--open"))
        self.gateway_pid = running.enter_context(_running(*amphi, "gateway"))
        self._gateway = running.enter_context(
            httpx.Client(
                base_url=f"http://127.0.0.1:{gateway}",
                headers={"Authorization": f"Bearer {SECRET}"},
                timeout=30,
            )
        )
        for port in (classroom, gateway, http):
            _fetch(f"http://127.0.0.1:{port}/healthz")
        self.server = Server(f"{self.classroom}/bigbluebutton", SECRET)

    def film(self) -> None:
        """Have the gateway send the meeting to the origin, and wait until it is there."""
        version = self.server.capabilities().version
        parameters = bot_parameters(version, show_chat=False)
        address = self.server.join_url(MEETING, "streaming", role="VIEWER", parameters=parameters)
        job = {
            "join_url": address,
            "rtmp_url": f"rtmp://127.0.0.1:{self._rtmp}/live/sync",
            "room": MEETING,
            "show_chat": False,
        }
        self._gateway.put("/jobs/sync", json=job).raise_for_status()
        _fetch(f"{self.origin}/hls/sync.m3u8")

    def look(self) -> Look:
        job = self._gateway.get("/jobs/sync").json()
        return Look(time.monotonic(), spent_s([self.gateway_pid]), _memory_mib(self.gateway_pid), job)


def _memory_mib(root: int) -> float:
    total = 0
    for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


@contextlib.asynccontextmanager
async def presenting(address: str) -> AsyncIterator[None]:
    """The robot, in the classroom with camera and microphone."""
    async with robots.chromium() as browser:
        context = await browser.new_context(locale="fr-FR", viewport={"width": 900, "height": 640})
        await context.grant_permissions(["camera", "microphone"])
        await context.add_init_script(robots.script("clock.js"))
        robot = json.dumps({"id": ROBOT, "title": "Sync"})
        await context.add_init_script(f"globalThis.rehearsalRobot = {robot};")
        await context.add_init_script(robots.script("camera.js"))
        presenter = robots.Presenter(await context.new_page(), "presenter")
        await presenter.go(address, "The classroom")
        await presenter.take_devices("The classroom did not let the presenter in.")
        yield


@contextlib.contextmanager
def recording(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Record a stream as it is, in files of a minute."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-rw_timeout", "10000000", "-i", url, "-c", "copy"]
    command += ["-f", "segment", "-segment_time", str(FILE_S), "-segment_format", "nut"]
    process = subprocess.Popen([*command, str(folder / "%05d.nut")], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


async def record(folder: Path, seconds: float) -> list[Look]:
    """Run the chain and record what it delivers. Returns what was seen of the gateway."""
    with contextlib.ExitStack() as running:
        chain = await asyncio.to_thread(Chain, running)
        running.callback(chain.server.close)
        await asyncio.to_thread(chain.server.create, MEETING, "Sync")
        address = chain.server.join_url(MEETING, "Robot", role="MODERATOR")
        async with presenting(address):
            await asyncio.to_thread(chain.film)
            await asyncio.sleep(SETTLED_S)
            recorder = running.enter_context(recording(f"{chain.origin}/hls/sync/main.m3u8", folder))
            looks, ends = [await asyncio.to_thread(chain.look)], time.monotonic() + seconds
            while time.monotonic() < ends and recorder.poll() is None:
                await asyncio.sleep(min(LOOK_EVERY_S, max(0.0, ends - time.monotonic())))
                looks.append(await asyncio.to_thread(chain.look))
    return looks


async def read(files: list[Path]) -> list[stream_sample.Tone]:
    """Every tone that was recorded; prints a line for each file."""
    found = []
    for number, file in enumerate(files):
        try:
            clocks = await stream_sample.read_clocks(file, ROBOT)
            tones = stream_sample.distances(clocks, await stream_sample.read_tones(file))
        except UnreadableError as error:
            print(f"minute {number}: {error}", flush=True)
            continue
        late = [tone.late_ms for tone in tones]
        if late:
            print(
                f"minute {number}: {len(late)} tones, {min(late):+.0f} to {max(late):+.0f} ms, middle {statistics.median(late):+.0f} ms",
                flush=True,
            )
        found += tones
    return found


def _tell(tones: list[stream_sample.Tone], looks: list[Look], seconds: float) -> bool:
    if len(tones) < 3:  # noqa: PLR2004 -- a line through two says nothing
        print("no tones could be read")
        return False
    day_ms = clock.PERIOD * clock.UNIT_MS
    times_s = [(tone.shown_ms - tones[0].shown_ms) % day_ms / 1000 for tone in tones]
    found = figures(times_s, [tone.late_ms for tone in tones])
    spans = list(itertools.pairwise(looks))
    cores = [(after.cpu_s - before.cpu_s) / (after.at_s - before.at_s) for before, after in spans]
    fifth = max(1, len(looks) // 5)
    first, last = (statistics.median(one.mib for one in part) for part in (looks[:fifth], looks[-fifth:]))
    away = sum(one.job["state"] != "on_air" for one in looks)
    print(
        f"sound after picture, {seconds / 60:.0f} min, {found.tones} tones of {seconds:.0f}: middle {found.middle_ms:+.0f} ms, "
        f"95 % within {found.p95_ms:.0f} ms, worst {found.worst_ms:+.0f} ms, "
        f"drift {found.slope_ms_per_hour:+.1f} ± {found.slope_error:.1f} ms an hour"
    )
    print(
        f"gateway: {statistics.median(cores):.2f} cores in the middle, {max(cores):.2f} at most; memory {first:.0f} MiB in the first fifth, {last:.0f} MiB in the last; "
        f"{away} of {len(looks)} looks not on air; {looks[-1].job.get('stats')}; load {os.getloadavg()[0]:.1f}"
    )
    return True


def main(minutes: float = MINUTES) -> int:
    """Measure, and print the result; 1 when it could not be measured."""
    if missing := [
        tool for tool in ("ffmpeg", "chromium", "Xvfb", "pulseaudio") if shutil.which(tool) is None
    ]:
        print(f"needs {', '.join(missing)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        looks = asyncio.run(record(folder, minutes * 60))
        tones = asyncio.run(read(sorted(folder.glob("*.nut"))))
    return 0 if _tell(tones, looks, looks[-1].at_s - looks[0].at_s) else 1


if __name__ == "__main__":
    sys.exit(main(*(float(argument) for argument in sys.argv[1:2])))
