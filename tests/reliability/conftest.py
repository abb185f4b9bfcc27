"""Webinars on a database that real workers share with the test, and servers that answer well or ill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from amphi.webinars.models import Livestream
from tests.factories import make_gateway, make_webinar
from tests.webinars.stage import Stage, open_stage

PATIENCE_S = 120


def wait_until(seen: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Workers:
    """``amphi worker`` processes on the test's own database."""

    def __init__(self, stage: Stage, log: Path) -> None:
        self._log = log
        database = connection.settings_dict
        address = f"{database['HOST']}:{database['PORT']}"
        url = f"postgresql://{database['USER']}@{address}/{database['NAME']}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
        self._environment = inherited | {
            "AMPHI_DATABASE_URL": url,
            "AMPHI_SECRET_KEY": django_settings.SECRET_KEY,
            "AMPHI_USE_MEETING_WEBINAR": "1",
            "AMPHI_BBB_API_URL": f"{stage.url}/bigbluebutton",
            "AMPHI_BBB_SECRET_KEY": "secret",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "amphi", "worker", *options], env=self._environment, stderr=log
            )
        self.processes.append(process)
        return process

    def holder(self, livestream: Livestream) -> subprocess.Popen[bytes] | None:
        """Who looks at `livestream` now."""
        claimed_by = Livestream.objects.values_list("claimed_by", flat=True).get(pk=livestream.pk)
        for process in self.processes:
            if f"-{process.pid}/" in claimed_by:
                return process
        return None

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(20)


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True


@pytest.fixture
def make_stage() -> Iterator[Callable[[], Stage]]:
    """Makes servers, each with its own meeting server, gateway and live server."""
    servers = []

    def make() -> Stage:
        stage, server = open_stage()
        servers.append(server)
        return stage

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stage(make_stage) -> Stage:
    return make_stage()


@pytest.fixture
def workers(transactional_db, stage, tmp_path) -> Iterator[Workers]:
    """Workers on the test's database; what they logged is shown when the test fails."""
    log = tmp_path / "worker.log"
    workers = Workers(stage, log)
    yield workers
    workers.stop()
    if log.exists():
        sys.stderr.write(log.read_text(encoding="utf-8")[-20_000:])


def webinar_on(stage: Stage) -> Livestream:
    """A planned webinar whose gateway and live server are the stage's."""
    stage.sequence, stage.advancing = 1, True
    gateway = make_gateway(sipmediagw_url=stage.url, hls_url=f"{stage.url}/hls/room.m3u8")
    webinar = make_webinar(
        gateway=gateway
    )  # at one hour with the others: each has the gateway that was just made
    assert webinar.gateway == gateway
    return webinar
