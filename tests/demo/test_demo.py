"""The whole demo as a person starts it: real processes, real ports."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.demo.running import RunningDemo, free_base_port, start

ON_AIR_S = 180
ON_AIR = "Comprendre l’intelligence artificielle"
KEPT = "Conférence inaugurale"
# One robot, so no second browser is kept ready; and nobody judges its pictures.
FRUGAL = {"AMPHI_GATEWAY_FPS": "5", "AMPHI_GATEWAY_WARM": "0"}


def log_in(demo: RunningDemo, username: str) -> httpx.Response:
    with httpx.Client(base_url=demo.url, follow_redirects=True, timeout=20) as client:
        page = client.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        form = {"username": username, "password": demo.password(username), "csrfmiddlewaretoken": token[1]}
        return client.post("/accounts/login/", data=form, headers={"Referer": demo.url})


def wait_until_gone(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def hall(address: str) -> Any:
    """What a listener's page is told of the live."""
    return httpx.get(f"{address}state", timeout=60).json()


def check_hall(demo: RunningDemo) -> None:
    """A real robot, real pictures, a crowd that takes part."""
    demo.wait_until_said("On the air:", ON_AIR_S)
    found = re.search(r"On the air:\s+(\S+)", demo.said)
    assert found, demo.said
    assert hall(found[1])["state"] == "live"
    deadline = time.monotonic() + ON_AIR_S
    while len((seen := hall(found[1]))["messages"]) <= 6 or not (
        seen["voices"]["asked"] and seen["voices"]["polls"]
    ):
        log = (demo.var / "log" / "alive.log").read_text()
        assert time.monotonic() < deadline, f"they do not write, ask and vote: {seen}\n{demo.said}\n{log}"
        time.sleep(0.5)


@dataclass
class Ended:
    """A demo that was on the air, and how it ended once it was stopped."""

    demo: RunningDemo
    webinars: int
    status: int
    left: list[psutil.Process]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    demo = start(tmp_path_factory.mktemp("demo") / "var", "--alive", **FRUGAL)
    try:
        demo.wait_until_ready()
        check_hall(demo)
        webinars = log_in(demo, "camille").text.count(KEPT)
        everything = demo.descendants()
        return Ended(demo, webinars, demo.stop(signal.SIGINT), wait_until_gone(everything, 1))
    finally:
        demo.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def demo(ended: Ended) -> Iterator[RunningDemo]:
    """A demo on the data of the first, at its address."""
    again = start(ended.demo.var, port=ended.demo.port, **FRUGAL)
    try:
        again.wait_until_ready()
        yield again
    finally:
        again.stop(signal.SIGKILL)


def test_stopped_on_the_air_it_leaves_no_process(ended: Ended) -> None:
    assert ended.status == 0
    assert ended.left == []


def test_started_again_it_has_its_data_but_for_what_was_on_the_air(demo: RunningDemo, ended: Ended) -> None:
    assert demo.password("camille") == ended.demo.password("camille")
    assert log_in(demo, "camille").text.count(KEPT) == ended.webinars
    page = httpx.get(demo.url, timeout=60).text
    assert KEPT in page
    assert ON_AIR not in page


def test_every_part_answers_and_everybody_logs_in(demo: RunningDemo) -> None:
    for offset in range(4):
        assert httpx.get(f"http://127.0.0.1:{demo.port + offset}/healthz", timeout=60).status_code == 200
    with socket.create_connection(("127.0.0.1", demo.port + 4), timeout=60):
        pass
    for username in ("camille", "lea", "hugo", "admin"):
        page = log_in(demo, username)
        assert page.status_code == 200
        assert "/accounts/login/" not in str(page.url)
    assert KEPT in log_in(demo, "camille").text


def test_a_part_that_dies_is_started_again(demo: RunningDemo) -> None:
    commands = {process: process.cmdline() for process in demo.descendants()}
    origin = next(
        process
        for process, command in commands.items()
        if command[-1] == "origin" and "amphi.demo.child" not in command
    )
    origin.kill()
    demo.wait_until_said("origin stopped by itself")
    deadline = time.monotonic() + 60
    while demo.said.count("origin     ready") < 2:
        assert time.monotonic() < deadline, demo.said
        time.sleep(0.05)


def test_what_it_writes_is_for_its_owner_alone(demo: RunningDemo) -> None:
    assert demo.var.stat().st_mode & 0o077 == 0
    written = [file for file in demo.var.rglob("*") if file.is_file()]
    assert {"amphi.sqlite3", "demo.env", "web.log"} <= {file.name for file in written}
    assert [file for file in written if file.stat().st_mode & 0o077] == []


def test_second_demo_on_the_same_data_is_refused(demo: RunningDemo) -> None:
    second = start(demo.var)
    assert second.wait() == 1
    assert "A demo already runs with" in second.said


def test_taken_port_is_named_with_its_part_before_anything_starts(tmp_path: Path) -> None:
    base = free_base_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 3))
        other.listen()
        demo = start(tmp_path / "var", port=base)
        assert demo.wait() == 1
    assert f"{base + 3} (origin)" in demo.said
    assert not (tmp_path / "var" / "amphi.sqlite3").exists()


def test_killed_it_leaves_no_process(demo: RunningDemo) -> None:
    """The last of these tests: nothing runs after it."""
    everything = demo.descendants()
    assert len(everything) >= 10, "five parts and their keepers"
    demo.process.kill()
    demo.process.wait()
    assert wait_until_gone(everything, 60) == []
