"""What a service says of its health: that it can work, not only that it runs."""

import socket
import threading
from contextlib import ExitStack
from unittest.mock import MagicMock

import httpx
import pytest

from amphi.system.health import database_answers_within
from amphi.system.notify import notify
from tests import services


@pytest.fixture
def database():
    """An address of a database that takes connections and says nothing, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def health(tmp_path, port: int, database_url: str) -> httpx.Response:
    """What a web server with this database says."""
    env = services.environment(tmp_path, AMPHI_DATABASE_URL=database_url)
    url = f"http://127.0.0.1:{port}/healthz"
    with ExitStack() as stack:
        services.serve(stack, env, tmp_path, "web", "--http", f"127.0.0.1:{port}", answers=url)
        return httpx.get(url, timeout=60)


def test_web_server_with_its_database(tmp_path, free_port, postgresql_url):
    assert health(tmp_path, free_port, postgresql_url).status_code == 200


@pytest.mark.parametrize("kind", ["silent", "gone"])
def test_web_server_without_its_database(tmp_path, free_port, database, kind):
    address = f"postgresql://amphi@127.0.0.1:{database.getsockname()[1]}/amphi"
    if kind == "gone":
        database.close()
    answer = health(tmp_path, free_port, address)
    assert (answer.status_code, answer.text) == (503, "the database does not answer, or takes no writes\n")


@pytest.mark.parametrize(
    ("vendor", "found", "good"),
    [("postgresql", "off", True), ("postgresql", "on", False), ("sqlite", 1, True)],
)
def test_database_that_takes_no_writes_is_none(monkeypatch, vendor, found, good):
    database = MagicMock(vendor=vendor)
    database.cursor.return_value.__enter__.return_value.fetchone.return_value = (found,)
    monkeypatch.setattr("amphi.system.health.connection", database)
    assert database_answers_within(60) is good


def test_database_that_hangs_is_known_in_time(monkeypatch):
    goes_on = threading.Event()
    monkeypatch.setattr("amphi.system.health._database_answers", lambda: goes_on.wait(60))
    assert not database_answers_within(0.05)
    goes_on.set()
    assert database_answers_within(60)


@pytest.mark.parametrize("abstract", [False, True])
def test_notify(tmp_path, monkeypatch, abstract):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")  # nobody asked
    address = f"@{tmp_path}/notify"[:100] if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind("\0" + address[1:] if abstract else address)
        system.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
        assert system.recv(100) == b"READY=1"


def test_worker_says_that_it_is_ready_and_goes_on_while_the_database_is_away(tmp_path, free_port):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system, ExitStack() as stack:
        system.bind(str(tmp_path / "notify"))
        system.settimeout(services.PATIENCE_S)
        env = services.environment(
            tmp_path,
            AMPHI_DATABASE_URL=f"postgresql://amphi@127.0.0.1:{free_port}/amphi",
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="400000",
        )
        services.start(stack, env, tmp_path, "worker")
        assert [system.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
