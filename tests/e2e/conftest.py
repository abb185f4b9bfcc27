"""One demo for all that need no other."""

from collections.abc import Iterator

import pytest

from tests.demo.running import RunningDemo, running


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running(tmp_path_factory.mktemp("demo") / "var") as demo:
        yield demo
