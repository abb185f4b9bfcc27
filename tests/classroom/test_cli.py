import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from amphi.classroom import cli
from tests.classroom.conftest import SECRET as API_SECRET
from tests.classroom.conftest import Served, wait_for

SECRET = "classroom-secret-in-a-test"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AMPHI_CLASSROOM_")]:
        monkeypatch.delenv(name)


def test_secret_is_required(capsys):
    assert cli.main([]) == 2
    assert "AMPHI_CLASSROOM_SECRET" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AMPHI_CLASSROOM_HTTP", "8001"),
        ("AMPHI_CLASSROOM_URL", "uni.example"),
        ("AMPHI_CLASSROOM_PROFILE", "2.2"),
        ("AMPHI_CLASSROOM_HOOKS_DIGEST", "md5"),
    ],
)
def test_wrong_setting_is_named(monkeypatch, capsys, name, value):
    monkeypatch.setenv("AMPHI_CLASSROOM_SECRET", SECRET)
    monkeypatch.setenv(name, value)
    assert cli.main([]) == 2
    error = capsys.readouterr().err
    assert name in error
    assert SECRET not in error


def test_taken_port(monkeypatch, capsys):
    monkeypatch.setenv("AMPHI_CLASSROOM_SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert cli.main(["--http", address]) == 1
    assert address in capsys.readouterr().err


def test_digest_that_the_profile_does_not_know_is_named(monkeypatch, capsys):
    monkeypatch.setenv("AMPHI_CLASSROOM_SECRET", SECRET)
    assert cli.main(["--profile", "2.7", "--hooks-digest", "sha256"]) == 2
    assert "AMPHI_CLASSROOM_HOOKS_DIGEST: must be sha1 with profile 2.7" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_with_an_open_page(free_port, number, sit):
    environment = {**os.environ, "AMPHI_CLASSROOM_SECRET": API_SECRET}
    command = [
        sys.executable,
        "-m",
        "amphi",
        "classroom",
        "--http",
        f"127.0.0.1:{free_port}",
        "--profile",
        "2.7",
    ]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        url = f"http://127.0.0.1:{free_port}"

        def up():
            try:
                return httpx.get(f"{url}/healthz", trust_env=False).json()["ok"]
            except httpx.TransportError:
                return False

        wait_for(up, "the server")
        with httpx.Client(trust_env=False) as client:
            classroom = Served(url, None, client)
            classroom.create()
            sit(classroom, classroom.join()["session_token"]).receive("welcome")
        process.send_signal(number)
        out, error = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == b""
    assert b"Traceback" not in error, error.decode()
    assert API_SECRET.encode() not in error
