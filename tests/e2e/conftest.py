"""The demos of this layer. All are started before anything is measured: they would otherwise be waited for one after the other."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing

import pytest

from tests.contract.proxy_of_sipmediagw import Proxy
from tests.demo.running import RunningDemo, make_tables, running
from tests.e2e.pairings import PROXY_TOKEN, with_nginx_rtmp, with_sipmediagw_proxy


class Demos:
    """Demos that start at the same time.

    Args:
        contexts: what starts and ends each.
        pool: the threads in which that is done; as many as there are demos.
    """

    def __init__(
        self, contexts: dict[str, AbstractContextManager[RunningDemo]], pool: ThreadPoolExecutor
    ) -> None:
        self._contexts = contexts
        self._pool = pool
        self._started = {name: pool.submit(context.__enter__) for name, context in contexts.items()}

    def wait(self) -> None:
        """Wait until all have started, or failed to."""
        for started in self._started.values():
            started.exception()

    def __getitem__(self, name: str) -> RunningDemo:
        return self._started[name].result()

    def end(self, name: str) -> "Future[bool | None]":
        """Begin to end one that is not needed any more."""
        return self._pool.submit(self._contexts.pop(name).__exit__, None, None, None)

    def end_all(self) -> None:
        """End those that are left."""
        left = [
            name
            for name, started in self._started.items()
            if name in self._contexts and not started.exception()
        ]
        for ended in [self.end(name) for name in left]:
            ended.result()


@pytest.fixture(scope="session")
def proxy() -> Iterator[Proxy]:
    with closing(Proxy(PROXY_TOKEN)) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def demos(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("own", "nginx-rtmp", "proxy")}
    for folder in folders.values():
        make_tables(folder / "var")
    contexts = {
        "own": running(folders["own"] / "var"),
        "nginx-rtmp": with_nginx_rtmp(folders["nginx-rtmp"]),
        "proxy": with_sipmediagw_proxy(proxy, folders["proxy"]),
    }
    with ThreadPoolExecutor(len(contexts)) as pool:
        demos = Demos(contexts, pool)
        demos.wait()
        yield demos
        demos.end_all()
