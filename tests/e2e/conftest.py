"""One demo for all that need no other."""

from collections.abc import Iterator

import pytest

from tests.demo.running import RunningDemo, make_tables, running


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running(make_tables(tmp_path_factory.mktemp("demo") / "var")) as demo:
        yield demo
