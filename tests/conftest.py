"""What every test may use."""

import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from amphi.database import parse_database_url
from tests import postgresql
from tests.wire import Script, WireServer

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Callable[..., WireServer]]:
    """Start a server on a real socket that answers as a script says."""
    servers: list[WireServer] = []

    def start(script: Script, context: ssl.SSLContext | None = None) -> WireServer:
        servers.append(WireServer(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL server that the tests started."""
    with postgresql.running() as url:
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Tests use PostgreSQL, as production does; ``AMPHI_TEST_DATABASE=sqlite`` uses what the demo does."""
    if os.environ.get("AMPHI_TEST_DATABASE") == "sqlite":
        return
    url = request.getfixturevalue("postgresql_url")
    database = parse_database_url(url, default=Path("unused"))
    settings.DATABASES["default"] = connections.settings["default"] = connections.configure_settings(
        {"default": database}
    )["default"]
    with contextlib.suppress(AttributeError):
        del connections["default"]


def pytest_configure() -> None:
    """Passwords of tests guard nothing, and hashing them well is slow by design."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
