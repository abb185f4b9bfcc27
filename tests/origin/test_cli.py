"""The command: its settings, a taken port, a clean stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from amphi.origin.cli import _configure
from amphi.origin.config import Config, from_environment
from amphi.system.environment import InvalidSettingError
from tests.contract.origin_ffmpeg import publish_command
from tests.origin.running import PATIENCE_S

COMMAND = [sys.executable, "-m", "amphi", "origin"]


def test_without_settings_the_defaults_hold():
    assert from_environment() == Config()


def test_the_environment_and_the_flags_that_win_over_it(monkeypatch):
    monkeypatch.setenv("AMPHI_ORIGIN_RTMP", "0.0.0.0:1936")
    monkeypatch.setenv("AMPHI_ORIGIN_KEYS", "a=1, b=2")
    monkeypatch.setenv("AMPHI_ORIGIN_PART_MS", "500")
    monkeypatch.setenv("AMPHI_TICKET_KEY", "shared")
    config = _configure(["--rtmp", "127.0.0.1:1", "--window", "12"])
    assert config.rtmp == ("127.0.0.1", 1)
    assert config.keys == {"a": "1", "b": "2"}
    assert (config.part, config.window) == (timedelta(milliseconds=500), timedelta(seconds=12))
    assert config.ticket_key == b"shared"
    assert "shared" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AMPHI_ORIGIN_KEYS", "a"), ("AMPHI_ORIGIN_ON_PUBLISH", "localhost"), ("AMPHI_ORIGIN_PART_MS", "10")],
)
def test_what_can_not_be_understood_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingError, match=name):
        from_environment()


def test_a_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [*COMMAND, "--rtmp", address, "--http", "127.0.0.1:0"],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"{address} (RTMP) is in use already; see --rtmp or AMPHI_ORIGIN_RTMP" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(free_port, number):
    process = subprocess.Popen(
        [*COMMAND, "--open", "--rtmp", "127.0.0.1:0", "--http", f"127.0.0.1:{free_port}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{free_port}/healthz", timeout=1)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                break
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert (process.returncode, output) == (0, b"")


def test_a_signal_while_somebody_publishes_leaves_no_traceback(tmp_path, free_port):
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*COMMAND, "--open", "--rtmp", "127.0.0.1:0", "--http", f"127.0.0.1:{free_port}"],
            stderr=errors, env={**os.environ, "PYTHONWARNINGS": "error"},
        )  # fmt: skip
    try:
        _until(lambda: re.search(r"rtmp://127.0.0.1:\d+/live", log.read_text()))
        target = re.search(r"rtmp://127.0.0.1:\d+/live", log.read_text())[0]
        publisher = subprocess.Popen(publish_command(f"{target}/x", seconds=60), stderr=subprocess.DEVNULL)
        try:
            _until(lambda: httpx.get(f"http://127.0.0.1:{free_port}/hls/x.m3u8").is_success)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE_S) == 0
        finally:
            publisher.kill()
            publisher.wait()
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()
    assert "ERROR" not in log.read_text()


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
