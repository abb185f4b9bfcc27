"""A second gateway for the lives of a demo, and what is killed of the two. Needs Django set up."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil

from amphi.webinars.models import LiveGateway, StandbyJob, State
from tests import ports
from tests.reliability.demo_webinar import DemoWebinar, Parts, wait_until

KILLED = {
    "first": ("gateway",),
    "second": ("second",),
    "both": ("gateway", "second"),
    "first and worker": ("gateway", "worker"),
}
"""What is killed at once, by the name of the cell's part."""


class SecondGateway:
    """A gateway as a process of its own, that the live gateways of the demo name as their second one."""

    def __init__(self, **settings: str) -> None:
        self._port, self._token = ports.reserve(), secrets.token_hex(8)
        own = {"HTTP": f"127.0.0.1:{self._port}", "TOKEN": self._token, "MAX_JOBS": "1", "CLASSROOM": "1"}
        self._environment = {
            **os.environ,
            **{f"AMPHI_GATEWAY_{name}": value for name, value in (own | settings).items()},
        }
        self.start()

    def start(self) -> None:
        """Start it, as a service manager does after it died."""
        self.process = subprocess.Popen([sys.executable, "-m", "amphi", "gateway"], env=self._environment)

    @contextmanager
    def named(self) -> Iterator["SecondGateway"]:
        """Have the live gateways name it; it ends afterwards."""
        try:
            url = f"http://127.0.0.1:{self._port}"
            LiveGateway.objects.update(standby_url=url, standby_token=self._token)
            yield self
        finally:
            self.process.terminate()
            self.process.wait(60)
            LiveGateway.objects.update(standby_url="")

    def jobs(self) -> dict[str, str]:
        """The state of each job that is not over, by its id; none while it does not answer."""
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            answer = httpx.get(f"http://127.0.0.1:{self._port}/jobs", headers=headers, timeout=60)
        except httpx.TransportError:
            return {}
        return {one["job_id"]: one["state"] for one in answer.json()["jobs"] if one["state"] != "idle"}

    def is_on_air(self, webinar: DemoWebinar) -> bool:
        """Whether it sends that webinar, and the platform knows."""
        row = StandbyJob.objects.filter(livestream=webinar.pk).first()
        return row is not None and row.state == "on_air" and self.jobs() == {str(row.job_id): "on_air"}


def jobs_of(webinar: DemoWebinar) -> tuple[str, str]:
    """The ids of the webinar's jobs at both gateways."""
    return str(webinar.row().job_id), str(StandbyJob.objects.get(livestream=webinar.pk).job_id)


def kill(
    webinar: DemoWebinar,
    parts: Parts,
    second: SecondGateway,
    killed: str,
    state: State,
    *,
    on_kill: Callable[[], None],
) -> float:
    """Kill what a cell names, in that state, and have it run again; returns when.

    Args:
        webinar: the one that both gateways send.
        parts: the demo's processes.
        second: the second gateway.
        killed: a name of `KILLED`.
        state: in which state.
        on_kill: called right before.
    """
    with webinar.in_state(state, parts):
        if state == State.STARTING:
            wait_until(second.jobs, "a job of the second gateway that starts")
        else:
            wait_until(lambda: second.is_on_air(webinar), "the second gateway on air")
        before = jobs_of(webinar)
        names = KILLED[killed]
        old = {name: _process(parts, second, name) for name in names}
        children = [child for one in old.values() for child in one.children(recursive=True)]
        on_kill()
        killed_at = time.time()
        for one in old.values():
            one.kill()
    if "second" in names:
        second.process.wait(60)
        second.start()
    for name in names:
        if name != "second":
            wait_until(lambda n=name: parts.is_back(n, old[n]), f"{name} runs again")
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive, f"{killed} left processes behind: {alive}"
    wait_until(lambda: second.is_on_air(webinar), "the second gateway on air again")
    wait_until(lambda: webinar.publishing() == [before[0]], "the same job at the first gateway again")
    assert jobs_of(webinar) == before, "another job was started"
    return killed_at


def _process(parts: Parts, second: SecondGateway, name: str) -> psutil.Process:
    return psutil.Process(second.process.pid) if name == "second" else parts.get(name)


def stop(webinar: DemoWebinar, parts: Parts, second: SecondGateway) -> None:
    """Stop the live: both gateways leave the meeting, and nothing of them films on."""
    webinar.bring_to_stopped()
    wait_until(webinar.is_stopped, "stopped")
    wait_until(lambda: not StandbyJob.objects.filter(livestream=webinar.pk).exists(), "the second one let go")
    assert second.jobs() == {}
    gateways = [parts.get("gateway"), psutil.Process(second.process.pid)]
    wait_until(lambda: not list(_filming(gateways)), "no browser and no ffmpeg left")


def _filming(gateways: Iterable[psutil.Process]) -> Iterator[str]:
    for gateway in gateways:
        for process in gateway.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name().startswith(("chrom", "ffmpeg")):
                    yield process.name()
