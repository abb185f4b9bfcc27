"""Several processes behind one address, as `amphi web --workers` has them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from amphi.pages import processes
from tests import ports
from tests.audience import web_process

PATIENCE_S = 60.0
SERVER = """
import os, sys, time
from amphi.pages import processes
processes.AGAIN_S = 0.05

def serve(listener):
    listener.setblocking(True)
    while True:
        client, _ = listener.accept()
        client.sendall(str(os.getpid()).encode())
        client.close()

sockets = processes.listen("127.0.0.1", 0, 3)
print(sockets[0].getsockname()[1], flush=True)
sys.exit(processes.run(sockets, serve))
"""


@pytest.fixture
def family() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A parent with three processes, and its port."""
    parent = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        yield parent, int(parent.stdout.readline())
    finally:
        parent.terminate()
        parent.communicate(timeout=PATIENCE_S)


def ask(port: int) -> int:
    """Which process answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        return int(connection.recv(100))


def ask_until(port: int, count: int, *, without: int = 0) -> set[int]:
    """Ask until so many processes have answered."""
    deadline = time.monotonic() + PATIENCE_S
    found: set[int] = set()
    while len(found - {without}) < count:
        assert time.monotonic() < deadline, found
        found.add(ask(port))
    return found - {without}


def wait_until_gone(pid: int) -> None:
    """Wait until a process has ended, and its parent knows."""
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.01)
        raise AssertionError(pid)


def test_all_processes_answer_and_one_that_dies_is_replaced(family):
    _parent, port = family
    first = ask_until(port, 3)
    killed = min(first)
    os.kill(killed, signal.SIGKILL)
    # Until it is dead it may take a connection, and die before it answers.
    wait_until_gone(killed)
    assert len(ask_until(port, 3, without=killed) & first) == 2


def test_they_stop_together(family):
    parent, port = family
    pids = ask_until(port, 3)
    parent.terminate()
    assert parent.wait(PATIENCE_S) == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_second_platform_does_not_share_the_address(count):
    first = processes.listen("127.0.0.1", 0, 2)
    try:
        with pytest.raises(OSError, match="in use"):
            processes.listen("127.0.0.1", first[0].getsockname()[1], count)
    finally:
        for one in first:
            one.close()


def children_of(parent: int, *, without: int = 0) -> set[int]:
    """Wait until a parent has two processes, and tell which."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := {child.pid for child in psutil.Process(parent).children()} - {without}) != 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_the_web_server_has_several_processes(tmp_path, django_db_setup, django_db_blocker):
    with (
        django_db_blocker.unblock(),
        web_process.running(ports.reserve(), tmp_path, "--workers", "2") as web,
    ):
        killed = min(children_of(web.process.pid))
        os.kill(killed, signal.SIGKILL)
        children_of(web.process.pid, without=killed)
        for _ in range(8):
            # Each by a connection of its own, which either process may get; the new one takes what waits for it once it has begun.
            answer = httpx.get(f"{web.url}/healthz", timeout=PATIENCE_S, trust_env=False)
            assert answer.status_code == 200
        web.stop()
