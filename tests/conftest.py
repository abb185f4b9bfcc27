"""What every test may use."""

import contextlib
import gc
import os
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker

from amphi.audience import crowding
from amphi.system import name_lookup
from amphi.system.database import parse_database_url
from tests import layers, ports, postgresql, services
from tests.resolver import Resolver
from tests.wire import Script, WireServer

if TYPE_CHECKING:
    from tests.browser import Chromium

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Chromium without its own windows: the same pages at half of the processor time. The gateway's tests have the whole of it."""
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Whatever is started, by whomever, finds the libraries that an operator has.
if str(services.WITHOUT) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(services.WITHOUT), os.environ.get("PYTHONPATH")))
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole-matrix",
        action="store_true",
        help="every kill and a race of forty, in place of a few of each",
    )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Tell of a failure without the source around it, where Python can’t read that: CPython 3.11 fails so for some async tests.

    Innermost: what wraps it makes an error of its own of this one.
    """
    try:
        return (yield)
    except SystemError:
        item.config.option.tbstyle = "native"
        return pytest.TestReport.from_item_and_call(item, call)


@pytest.fixture(scope="session")
def whole_matrix(request: pytest.FixtureRequest) -> bool:
    """Whether everything that can happen is tried, and not some of it."""
    return bool(request.config.getoption("--whole-matrix"))


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """The system's resolver, as a test has it."""
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.closed.set()
    deadline = time.monotonic() + 10
    while name_lookup._under_way and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not name_lookup._under_way


@pytest.fixture(autouse=True)
def first_language() -> None:
    """Each test begins in the language of the settings: a thread keeps the language of the last page that it answered."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def nobody_has_written() -> None:
    """What tests write within seconds of each other is of webinars with the same number: none is held for the others'."""
    crowding.forget()


SHARED_FOLDER = pytest.StashKey[Path]()
"""The folder of what is made once for all tests of a run."""


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    return ports.reserve()


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
def chromium() -> "Iterator[Chromium]":
    """A browser, which each visitor has as if it were new."""
    from tests import browser  # noqa: PLC0415 -- most processes of the tests need none, and it needs this module

    with browser.running() as one:
        yield one


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> str:
    """The address of a PostgreSQL server that the tests started; tests that run at once share it."""
    return postgresql.shared(request.config.stash[SHARED_FOLDER])


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Tests use PostgreSQL, as production does; ``AMPHI_TEST_DATABASE=sqlite`` uses what the demo does.

    Tests that run at once have a database each.
    """
    if os.environ.get("AMPHI_TEST_DATABASE") == "sqlite":
        return
    url = request.getfixturevalue("postgresql_url")
    database = parse_database_url(url, default=Path("unused")) | {"TEST": {"TEMPLATE": postgresql.MIGRATED}}
    settings.DATABASES["default"] = connections.settings["default"] = connections.configure_settings(
        {"default": database}
    )["default"]
    with contextlib.suppress(AttributeError):
        del connections["default"]
    request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests whose writes are committed leave PostgreSQL as they found it."""
    with pytest.MonkeyPatch.context() as patch:
        with django_db_blocker.unblock():
            # Django makes no database when no test of the run says that it uses one.
            is_made = (
                connection.vendor == "postgresql" and "django_site" in connection.introspection.table_names()
            )
            sites = postgresql.sites(connection) if is_made else []
        if is_made:
            patch.setattr(
                TransactionTestCase, "_fixture_teardown", lambda _: postgresql.empty(connection, sites)
            )
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each of pytest-xdist's processes is told the folder that all of them share."""
    node.workerinput["shared_folder"] = str(node.config.stash[SHARED_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """What the processes shared ends with the last of them."""
    if not hasattr(config, "workerinput"):
        postgresql.stop_shared(config.stash[SHARED_FOLDER])
        shutil.rmtree(config.stash[SHARED_FOLDER])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is collected stays: looking through it for garbage, again and again, took two fifths of the time of collecting."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(layers)
    workerinput = getattr(config, "workerinput", None)
    services.shared_folder = config.stash[SHARED_FOLDER] = Path(
        workerinput["shared_folder"] if workerinput else tempfile.mkdtemp(prefix="amphi-tests-")
    )
    # How long an example takes tells of the machine, not of the code. The same examples each time: none fails by chance.
    hypothesis.settings.register_profile(
        "amphi",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("amphi")
    # Passwords of tests guard nothing, and hashing them well is slow by design.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
