"""A demo of its own, on free ports, with data in a temporary folder."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import ports, services

START_S = 90
STOP_S = 60


def free_base_port() -> int:
    """A port after which four more are free."""
    return ports.reserve_in_a_row(5)


@dataclass
class RunningDemo:
    """A demo as a process, with the settings of its environment, and what it says."""

    port: int
    var: Path
    process: subprocess.Popen[str]
    settings: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            self.lines.extend(said)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def password(self, username: str) -> str:
        """The password of `username`, as the demo printed it."""
        found = re.search(rf"\b{username}\s+(\S+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def secrets(self) -> dict[str, object]:
        return dict(json.loads((self.var / "secrets.json").read_text()))

    def environment(self) -> dict[str, str]:
        """What a command that is meant for this demo needs in its environment."""
        lines = (self.var / "demo.env").read_text().splitlines()
        own = dict(shlex.split(line)[0].split("=", 1) for line in lines)
        return {**os.environ, **own}

    def logs(self) -> str:
        """The end of each part's log, for the message of a test that fails."""
        files = sorted((self.var / "log").glob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text()[-2000:]}" for file in files)

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_until_said(self, words: str, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        while words not in self.said:
            assert self.process.poll() is None, f"the demo ended:\n{self.said}\n{self.logs()}"
            assert time.monotonic() < deadline, f"the demo did not say “{words}”:\n{self.said}\n{self.logs()}"
            time.sleep(0.05)

    def wait_until_ready(self) -> None:
        self.wait_until_said("Ctrl-C stops everything")

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and all that it said was read."""
        status = self.process.wait(STOP_S)
        self.reader.join(STOP_S)
        return status


def start(var: Path, *arguments: str, port: int | None = None, **settings: str) -> RunningDemo:
    """Start a demo, with more options and settings of its environment if wanted; nothing is waited for."""
    port = port or free_base_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "demo", "--port", str(port), "--var", str(var), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **environment,
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(services.WITHOUT), environment.get("PYTHONPATH")))
            ),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **settings,
        },
    )
    demo = RunningDemo(port=port, var=var, process=process, settings=settings)
    demo.reader.start()
    return demo


def make_tables(var: Path) -> Path:
    """Make a folder for a demo's data, whose database has its tables already: making them takes the demo seconds."""
    var.mkdir(mode=0o700)
    services.migrate(services.environment(var))
    return var


@contextlib.contextmanager
def running(var: Path, *, port: int | None = None, **settings: str) -> Iterator[RunningDemo]:
    """A demo whose parts are all ready, stopped at the end whatever happens."""
    demo = start(var, port=port, **settings)
    try:
        demo.wait_until_ready()
        yield demo
        assert demo.stop(signal.SIGTERM) == 0, f"{demo.said}\n{demo.logs()}"
    finally:
        demo.stop()
