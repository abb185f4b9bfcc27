"""Kills what a live depends on while somebody watches it in Chromium; tells what the screen showed, and whether the replay has all that came.

    python -m tests.reliability.screen [--write] [--rounds 1] [--kill chromium,ffmpeg,gateway,origin,standby] [--var FOLDER]

A robot presents with a camera that shows a clock, so each picture on the listener's screen says when it was taken. Nobody acts: the demo starts
its dead parts again as a service manager does. Prints what was measured as JSON; ``--write`` puts it into ``docs/reliability.md``.
"""

import argparse
import asyncio
import contextlib
import importlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django
import psutil
from django.conf import settings
from django.db import connection
from django.utils import timezone

from amphi.rehearsal.robots import Listener, Presenter, chromium
from tests import ports
from tests.demo.running import RunningDemo, start
from tests.reliability import page
from tests.reliability.arrivals import Arrivals, Kept

VICTIMS = ("chromium", "ffmpeg", "gateway", "origin", "standby")
NAMED = {
    "chromium": "the gateway’s Chromium",
    "ffmpeg": "the gateway’s ffmpeg",
    "gateway": "gateway",
    "origin": "origin",
    "standby": "gateway, with a second one hot",
}
STEADY_S = 6.0
FRESH_S = 6.0
APART_S = 3.0
PATIENCE_S = 240.0
MOMENT_S = 0.3
"""A picture that was taken so soon after the kill was on its way already."""
SECONDS = 1800.0

WATCH = """() => {
  const seen = globalThis.screenSeen = { frames: [], looks: [] };
  const video = document.getElementById("video");
  const onFrame = () => {
    seen.frames.push(Date.now());
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  setInterval(() => {
    const panel = document.getElementById("stage-panel");
    seen.looks.push([Date.now(), !panel.hidden && panel.checkVisibility(), rehearsalWatch.unread]);
  }, 50);
}"""
SEEN = """since => ({
  frames: screenSeen.frames.filter(at => at >= since),
  looks: screenSeen.looks.filter(([at]) => at >= since),
  pictures: rehearsalWatch.frames.filter(({ at }) => at >= since),
  opened: performance.timeOrigin,
})"""


@dataclass(frozen=True)
class Shown:
    """What the listener's screen showed after a kill.

    Attributes:
        killed: what was killed.
        still_s: the longest time in which no picture came, be it the live's or the slate, and no words stood in its place.
        picture_s: from the kill until the first picture that the camera took after it.
        meanwhile: what stood on the screen until then, besides pictures of before.
        reloads: how often the page was loaded again.
    """

    killed: str
    still_s: float
    picture_s: float
    meanwhile: str
    reloads: int


def judge(killed: str, killed_ms: float, opened: float, seen: dict[str, Any]) -> Shown | None:
    """What was shown since the kill; None while no picture of after it has come."""
    taken = [one["at"] for one in seen["pictures"] if one["at"] - one["age"] > killed_ms + 1000 * MOMENT_S]
    if not taken:
        return None
    back_ms = taken[0]
    looks = [one for one in seen["looks"] if one[0] <= back_ms]
    words = [at for at, is_panel, _ in looks if is_panel]
    something = sorted([killed_ms, *words, *(at for at in seen["frames"] if at <= back_ms), back_ms])
    still_ms = max(after - before for before, after in itertools.pairwise(something))
    unread = looks[-1][2] - looks[0][2] if looks else 0
    meanwhile = ["slate"] * (unread > 1) + ["words"] * bool(words)
    return Shown(
        killed,
        round(still_ms / 1000, 1),
        round((back_ms - killed_ms) / 1000, 1),
        " and ".join(meanwhile),
        int(seen["opened"] != opened),
    )


@contextlib.contextmanager
def second_gateway() -> Iterator[None]:
    """Another gateway, as a process of its own, that joins the meeting of the live that runs."""
    from amphi.webinars import transitions  # noqa: PLC0415 -- it needs Django to be set up
    from amphi.webinars.models import LiveGateway, Livestream, StandbyJob  # noqa: PLC0415

    port, token = ports.reserve(), secrets.token_hex(8)
    own = {"HTTP": f"127.0.0.1:{port}", "TOKEN": token, "MAX_JOBS": "1", "CLASSROOM": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "gateway"],
        env={**os.environ, **{f"AMPHI_GATEWAY_{name}": value for name, value in own.items()}},
    )
    try:
        LiveGateway.objects.update(standby_url=f"http://127.0.0.1:{port}", standby_token=token)
        livestream = Livestream.objects.select_related("gateway").get(state="live")
        transitions.have_standby(livestream, timezone.now())
        deadline = time.monotonic() + PATIENCE_S
        while not StandbyJob.objects.filter(state="on_air").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the second gateway is not on air: {StandbyJob.objects.values()}")
            time.sleep(0.2)
        connection.close()
        yield
    finally:
        process.terminate()
        process.wait(60)
        LiveGateway.objects.update(standby_url="")
        connection.close()


def _victim(demo: RunningDemo, name: str) -> psutil.Process | None:
    """The process to kill; None while it is not there."""
    name = "gateway" if name == "standby" else name
    for process in demo.descendants():
        try:
            command = process.cmdline()
            if name in {"gateway", "origin"}:
                found = command[1:] == ["-m", "amphi", name]
            else:
                above = [one.cmdline()[1:] for one in process.parents()]
                is_gateways = ["-m", "amphi", "gateway"] in above
                found = is_gateways and _is(name, process.name(), command)
        except psutil.Error:
            continue
        if found:
            return process
    return None


def _is(name: str, program: str, command: list[str]) -> bool:
    if name == "ffmpeg":
        return program == "ffmpeg"
    return program.startswith("chrom") and not any(one.startswith("--type=") for one in command)


def _browsers(demo: RunningDemo) -> int:
    """How many browsers the gateway has: the live's, and one that is ready."""
    found = 0
    for process in demo.descendants():
        try:
            found += _is("chromium", process.name(), process.cmdline()) and any(
                one.startswith("--user-data-dir=/tmp/amphi-browser-") for one in process.cmdline()
            )
        except psutil.Error:
            continue
    return found


async def _until(condition: Any, what: str, timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.2)


async def _is_steady(listener: Listener) -> bool:
    """Whether pictures have been fresh for some seconds."""
    now = time.time() * 1000
    seen = await listener.page.evaluate(SEEN, now - 1000 * STEADY_S)
    fresh = [one["at"] for one in seen["pictures"] if one["age"] < 1000 * FRESH_S]
    marks = [now - 1000 * STEADY_S, *fresh, now]
    return max(after - before for before, after in itertools.pairwise(marks)) < 1000 * APART_S


async def _kill(demo: RunningDemo, listener: Listener, name: str) -> Shown:
    async def is_ready() -> bool:
        # The one that is ready counts where the other dies.
        return (name != "chromium" or _browsers(demo) > 1) and await _is_steady(listener)

    await _until(is_ready, f"a steady live before {name} is killed")
    victim = _victim(demo, name)
    assert victim is not None, f"{name} does not run"
    opened = await listener.page.evaluate("performance.timeOrigin")
    victim.kill()
    killed_ms = time.time() * 1000
    shown: list[Shown] = []

    async def is_back() -> bool:
        found = judge(name, killed_ms, opened, await listener.page.evaluate(SEEN, killed_ms - 1000))
        shown[:] = [found] if found else []
        return found is not None and await _is_steady(listener)

    try:
        await _until(is_back, f"a picture after {name} was killed")
    except TimeoutError:
        seen = await listener.page.evaluate(SEEN, time.time() * 1000 - 5000)
        sys.stderr.write(f"{shown} {killed_ms} {json.dumps(seen)}\n")
        raise
    return shown[0]


async def _kill_beside_a_second(demo: RunningDemo, listener: Listener, name: str) -> Shown:
    if name != "standby":
        return await _kill(demo, listener, name)
    await _until(lambda: _is_steady(listener), "a steady live before a second gateway joins")
    second = second_gateway()
    await asyncio.to_thread(second.__enter__)
    try:
        return await _kill(demo, listener, name)
    finally:
        await asyncio.to_thread(second.__exit__, None, None, None)


async def _watch(
    demo: RunningDemo, names: list[str], staging: Any, arrivals: Arrivals
) -> tuple[list[Shown], Kept]:
    stage = await asyncio.to_thread(staging.set_up, SECONDS)
    shown = []
    cookie = settings.SESSION_COOKIE_NAME
    async with chromium() as browser:
        listener = await Listener.open(
            browser, stage.event_url, (cookie, stage.listener_session), rehearsal=stage.rehearsal
        )
        await listener.page.evaluate(WATCH)
        presenter = await Presenter.open(
            browser,
            stage.meeting_url,
            (cookie, stage.presenter_session),
            rehearsal=stage.rehearsal,
            title=stage.title,
        )
        await presenter.start()
        await presenter.enter()
        with arrivals.noted(stage.hls_url):
            for name in names:
                shown.append(await _kill_beside_a_second(demo, listener, name))
                sys.stderr.write(f"{shown[-1]}\n")
            at = await presenter.end_meeting()
            await listener.over(at, "the page does not say that the live is over", 30)
    return shown, await asyncio.to_thread(arrivals.compare, stage)


def measure(names: list[str], var: str) -> dict[str, Any]:
    """Kill `names` one after the other on a demo of their own, with its data in `var`."""
    with tempfile.TemporaryDirectory(prefix="amphi-reliability-") as folder:
        demo = start(Path(var or f"{folder}/var"), AMPHI_GATEWAY_WARM="1")
        try:
            demo.wait_until_ready()
            os.environ.update(demo.environment())
            os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
            django.setup()
            staging = importlib.import_module("amphi.rehearsal.stage")  # it needs Django to be set up
            shown, kept = asyncio.run(_watch(demo, names, staging, Arrivals()))
        except BaseException:
            sys.stderr.write(f"{demo.said}{demo.logs()}")
            raise
        finally:
            demo.stop()
    return {
        "shown": [asdict(one) for one in shown],
        "kept": asdict(kept),
        "load": round(os.getloadavg()[0], 1),
    }


def table(measured: dict[str, Any]) -> str:
    """The page's table: of each victim the worst that was seen."""
    lines = [
        "| Killed | neither picture nor words for at most | the camera’s picture again after | meanwhile | page loaded again |",
        "|---|---:|---:|---|---:|",
    ]
    for name in dict.fromkeys(one["killed"] for one in measured["shown"]):
        rows = [one for one in measured["shown"] if one["killed"] == name]
        still, picture = (max(one[key] for one in rows) for key in ("still_s", "picture_s"))
        lines.append(
            f"| {NAMED[name]} | {still} s | {picture} s | {rows[-1]['meanwhile'] or '–'} | {sum(one['reloads'] for one in rows)} |"
        )
    kept = measured["kept"]
    came = f"{kept['arrived_s']:.0f} s of the publisher’s media came to listeners, in {kept['parts']} parts"
    told = (
        f"{came}: {kept['lost']} of them are not in the recording. The replay lasts {kept['replay_s']:.0f} s."
    )
    return "\n".join([*lines, "", f"{told} Load {measured['load']} on two cores."])


def main(argv: list[str]) -> int:
    """Measure, and say or write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.screen", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is killed (default: 1)")
    parser.add_argument("--kill", default=",".join(VICTIMS), help="whom, separated by commas")
    parser.add_argument("--var", default="", help="the demo's data (default: a folder that is removed)")
    options = parser.parse_args(argv)
    measured = measure(options.kill.split(",") * options.rounds, options.var)
    if options.write:
        page.write("screen", table(measured))
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
