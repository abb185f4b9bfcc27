"""Three layers of tests, told apart by what they use.

``unit``: no process and no socket; they are held to that. ``integration``: real parts, whose speed is not held against anything.
``e2e``: the whole platform; what it takes is measured, so they run alone, one after the other.

A test is in the layer of its mark, or of its folder. Else it is in ``integration`` when it, its module, or the module of a
fixture of its own folder uses what leaves the process, and in ``unit`` when nothing does. Each layer runs before the next.
"""

import inspect
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LAYERS = ("unit", "integration", "e2e")
TESTS = Path(__file__).parent
FOLDERS = {"contract": "integration", "reliability": "integration", "e2e": "e2e"}
LONGEST = [
    "contract/test_live_player.py",
    "reliability/test_kill.py",
    "test_pages.py",
    "reliability/test_workers.py",
    "demo/test_demo.py",
    "contract/test_edge_nginx.py",
    "gateway/test_jobs.py",
    "gateway/test_bigbluebutton_jobs.py",
    "live/test_barriers.py",
    "contract/test_origin_hlsjs.py",
    "origin/test_standby.py",
    "contract/test_switch_ffmpeg.py",
    "live/test_live_page.py",
    "live/test_moving.py",
    "live/test_voices.py",
    "live/test_desk.py",
    "contract/test_join_page_eras.py",
    "gateway/test_bigbluebutton_page.py",
    "gateway/test_hostile_pages.py",
    "live/test_discussion.py",
    "accounts/test_login_page.py",
    "abuse/test_flood.py",
    "live/test_tabs.py",
    "live/test_keyboard.py",
    "checkup/test_cli.py",
    "live/test_replay.py",
    "live/test_replay_changed.py",
    "live/test_embed_page.py",
    "gateway/test_bigbluebutton_situations.py",
    "abuse/test_withdrawn.py",
    "contract/test_origin_ffmpeg.py",
    "live/test_conversation.py",
    "api/test_document.py",
    "lti/test_course_page.py",
    "audience/test_hall_crowd.py",
    "classroom/test_browser.py",
    "test_access.py",
    "live/test_replay_away.py",
    "reliability/test_planning_cost.py",
    "contract/test_check_quotes.py",
    "gateway/test_dialect_b.py",
    "contract/test_recording_ffmpeg.py",
    "sipmediagw/test_transport.py",
    "contract/test_origin_srt.py",
    "webinars/test_race_locks.py",
    "origin/test_http.py",
    "contract/test_edge_once.py",
    "audience/test_stream.py",
    "test_http_heads.py",
    "test_health.py",
    "origin/test_conformance.py",
    "origin/test_slate.py",
    "origin/test_server.py",
    "bucket/test_store.py",
    "contract/test_nginx_rtmp.py",
    "contract/test_origin_nginx_rtmp.py",
]
"""A file runs in one process: one that takes long, or waits more than it works, keeps all waiting when it begins late."""
MARKS = ("browser", "django_db")
FIXTURES = {"db", "transactional_db", "live_server", "serve", "free_port", "postgresql_url"}
MODULES = {
    "http.server",
    "httpx",
    "multiprocessing",
    "playwright",
    "psutil",
    "psycopg",
    "socket",
    "subprocess",
    "urllib.request",
    "uvicorn",
    "websockets",
}
"""What tests leave their process with."""
OUTSIDE = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.sendto",
    "subprocess.Popen",
}
"""The events of Python's audit by which a test leaves its process."""


def _names(module: ModuleType) -> set[str]:
    """The modules that what stands in `module` comes from."""
    values = vars(module).values()
    return {
        value.__name__ if inspect.ismodule(value) else str(getattr(value, "__module__", ""))
        for value in values
    }


@cache
def _leaves(module: ModuleType) -> bool:
    """Whether `module`, or a module of the tests that it uses, imports one of `MODULES`."""
    names = _names(module) - {module.__name__}
    if any(name in MODULES or name.partition(".")[0] in MODULES for name in names):
        return True
    own = [sys.modules[name] for name in names if name.startswith("tests.") and name in sys.modules]
    return any(_leaves(one) for one in own if one.__name__ != "tests.conftest")


def _modules(item: pytest.Function) -> Iterator[ModuleType]:
    """The modules of the test and of its fixtures, but for those that every test may use."""
    yield item.module
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        module = inspect.getmodule(definitions[-1].func)
        if module and module.__name__.startswith("tests.") and module.__name__ != "tests.conftest":
            yield module


@cache
def _file(path: Path) -> str:
    """The test's file, by its place among the tests; nothing for one of elsewhere."""
    return path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""


# The fixture of a server that is a static program of Go, which `tests/clock` can't reach, and which refuses who has another time.
HAS_THE_MACHINES_CLOCK = "s3"


def layer_of(item: pytest.Item) -> str:
    """The layer that `item` is in."""
    for layer in LAYERS:
        if item.get_closest_marker(layer):
            return layer
    layer_of_folder = FOLDERS.get(_file(item.path).partition("/")[0])
    if layer_of_folder:
        return layer_of_folder
    assert isinstance(item, pytest.Function)
    if any(item.get_closest_marker(mark) for mark in MARKS) or FIXTURES & set(item.fixturenames):
        return "integration"
    return "integration" if any(_leaves(module) for module in _modules(item)) else "unit"


class Watch:
    """Refuses what a unit test may not do."""

    def __init__(self) -> None:
        self._on = False
        self._seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._on and event in OUTSIDE:
            self._seen.append(f"{event}{arguments!r:.200}")
            raise PermissionError(f"a unit test may not do this: {self._seen[-1]}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._on, self._seen = layer_of(item) == "unit", []
        try:
            return (yield)
        finally:
            self._on = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """What was refused is told even where the code under test bore it."""
        yield
        assert not self._seen, f"no unit test: mark it `integration`; it did {self._seen}"
        return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the test with its layer, so that ``-m`` finds it."""
    item.add_marker(layer_of(item))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The layers run in their order, and in each what takes longest begins first."""

    def place(item: pytest.Item) -> tuple[int, int]:
        file = _file(item.path)
        return LAYERS.index(layer_of(item)), LONGEST.index(file) if file in LONGEST else len(LONGEST)

    items.sort(key=place)
    if "CLOCK_SHIFT" in os.environ:
        left_out = [item for item in items if HAS_THE_MACHINES_CLOCK in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch())
