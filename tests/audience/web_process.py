"""`amphi web` as a process of its own, on the tests' database."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx
from django.conf import settings
from django.db import connection

from tests import ports

PATIENCE_S = 60.0


@dataclass
class Web:
    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ask it to stop."""
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        assert status == 0, f"amphi web ended with {status}"


def environment(port: int, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a web process that shares this test's database and keys."""
    database = connection.settings_dict
    address = f"{database['HOST']}:{database['PORT']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    return {
        **kept,
        "AMPHI_VAR": str(folder),
        "AMPHI_SETTINGS": str(folder / "none.py"),
        "AMPHI_DATABASE_URL": f"postgresql://{database['USER']}@{address}/{database['NAME']}",
        "AMPHI_SECRET_KEY": settings.SECRET_KEY,
        "AMPHI_USE_MEETING_WEBINAR": "1",
        "AMPHI_URL": f"http://127.0.0.1:{port}",
        "AMPHI_HTTP": f"127.0.0.1:{port}",
        **more,
    }


@contextmanager
def running(port: int, folder: Path, *arguments: str, **more: str) -> Iterator[Web]:
    """A web process that answers, until the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-W", "default", "-m", "amphi", "web", *arguments],
        env=environment(port, folder, **more),
    )
    web = Web(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_it_answers(web)
        yield web
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_S)


class Shared:
    """A web process for many tests: started for the first that wants it, and for the next one after it was stopped."""

    current: ClassVar["Shared | None"] = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._web: Web | None = None
        Shared.current = self

    def running(self) -> Web:
        """The process, on the tests' database."""
        if self._web is None:
            self._web = self._stack.enter_context(running(ports.reserve(), self._folder))
        assert self._web.process.poll() is None, "amphi web ended during an earlier test"
        return self._web

    def stop(self) -> None:
        """Have it leave the database."""
        self._web = None
        self._stack.close()


def leave_the_database() -> None:
    """For tests of what is done with a database while nobody else uses it."""
    if Shared.current is not None:
        Shared.current.stop()


def _wait_until_it_answers(web: Web) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert web.process.poll() is None, "amphi web ended"
        try:
            assert httpx.get(f"{web.url}/healthz", timeout=PATIENCE_S, verify=False).text == "ok\n"  # noqa: S501 -- plain HTTP
        except httpx.TransportError:
            assert time.monotonic() < deadline, "amphi web does not answer"
            time.sleep(0.05)
        else:
            return
