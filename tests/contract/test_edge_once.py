"""Each part is fetched from the live server once, however long that takes: the site's nginx before a live server whose answers a test holds back."""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests import nginx
from tests.contract.edge import PATIENCE_S, site

CROWD = 8
PART = "room/1/p7.m4s"
LOOK = "proxy_cache_lock_timeout 100ms;"
SLOW_LOOK = "proxy_cache_lock_timeout 700ms;"
"""Nine times this is more than any machine is busy for, and shorter than a test waits."""
NO_LOOK = "proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;"
FULL_HALL, STAY = 1100, 200
"""More than nginx can count: it keeps how often it was asked for something in ten bits (`uses` in src/http/ngx_http_cache.h)."""


@dataclass
class LiveServer:
    """Stands for the live server: what it is asked, and how it answers the first request and the later ones."""

    asked: list[str] = field(default_factory=list)
    first: Callable[[], bool] = lambda: True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, path: str) -> bool:
        """Whether this request is answered, once it is time."""
        with self.lock:
            self.asked.append(path)
            is_first = len(self.asked) == 1
        return self.first() if is_first else True


class Server(ThreadingHTTPServer):
    """A small web server."""

    daemon_threads = True
    request_queue_size = 100


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """Serve in threads until the block is left; the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def reply(handler: BaseHTTPRequestHandler, headers: dict[str, str], body: bytes = b"") -> None:
    """Answer with 200."""
    handler.send_response(200)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@dataclass(frozen=True)
class Edge:
    """The site, and the live server behind it."""

    url: str
    client: httpx.Client
    live: LiveServer

    def crowd(self, path: str = PART) -> list[httpx.Response]:
        """All of a crowd ask for the same."""
        with ThreadPoolExecutor(CROWD) as pool:
            return list(
                pool.map(lambda number: self.client.get(f"{self.url}/t/a{number}/hls/{path}"), range(CROWD))
            )


@contextlib.contextmanager
def running(folder: Path, *, origin_port: int = 0, look: str = SLOW_LOOK, tls: bool = True) -> Iterator[Edge]:
    """All of it; with a port where nobody listens, without a live server. `look` says when who waits looks again."""
    (folder / "cache").mkdir()
    live = LiveServer()

    def verify(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, {"X-Amphi-Event": "1", "Cache-Control": "max-age=60"})

    def serve(handler: BaseHTTPRequestHandler) -> None:
        if live.answers(handler.path):
            reply(handler, {"Cache-Control": "public, max-age=60"}, b"a part")
        else:
            handler.close_connection = True

    with contextlib.ExitStack() as stack:
        web = stack.enter_context(serving(verify))
        origin = origin_port or stack.enter_context(serving(serve))
        certificate = nginx.make_certificate(folder)
        http, https = nginx.free_ports(2)
        ports = {"http": http, "https": https, "web": web, "origin": origin}
        text = site(folder, certificate, ports)
        assert LOOK in text
        text = text.replace(LOOK, look)
        if not tls:
            text = text.replace(" ssl http2", "")
        modules = ("ngx_http_brotli_static_module.so",)
        configuration = nginx.frame(folder, http=text, modules=modules)
        configuration = configuration.replace("worker_connections 512;", "worker_connections 4096;")
        stack.enter_context(nginx.running_nginx(folder, configuration, port=https))
        client = stack.enter_context(
            httpx.Client(verify=certificate.trust, trust_env=False, timeout=PATIENCE_S)
        )
        yield Edge(f"http{'s' if tls else ''}://localhost:{https}", client, live)


@pytest.fixture
def edge(tmp_path) -> Iterator[Edge]:
    with running(tmp_path) as one:
        yield one


def wait(seconds: float) -> bool:
    """Take so long."""
    threading.Event().wait(seconds)
    return True


def test_a_part_that_takes_longer_than_others_wait_is_fetched_once(edge):
    edge.live.first = lambda: wait(2)
    answers = edge.crowd()
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"a part")] * CROWD
    assert len(edge.live.asked) == 1
    assert sorted(answer.headers["x-cache"] for answer in answers) == ["HIT"] * (CROWD - 1) + ["MISS"]


def test_a_part_for_which_more_ask_than_nginx_can_count_is_fetched_once(tmp_path):
    come = threading.Event()
    with (
        running(tmp_path, look=NO_LOOK, tls=False) as edge,
        ThreadPoolExecutor(1) as pool,
        contextlib.ExitStack() as stack,
    ):
        edge.live.first = lambda: come.wait(PATIENCE_S)
        first = pool.submit(edge.client.get, f"{edge.url}/t/a/hls/{PART}")
        while not edge.live.asked:
            come.wait(0.01)
        port = httpx.URL(edge.url).port
        request = f"GET /t/a/hls/{PART} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        there: deque[socket.socket] = deque()
        for _ in range(FULL_HALL):
            there.append(
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S))
            )
            there[-1].sendall(request)
            # A process may not have as many files open. Nginx has counted those who leave, and fetches nothing for them.
            if len(there) > STAY:
                there.popleft().close()
        # It answers those who came before first.
        assert edge.client.get(f"{edge.url}/hls/").status_code == 403
        come.set()
        assert first.result().content == b"a part"
    assert len(edge.live.asked) == 1


def test_when_a_fetch_fails_one_of_those_who_waited_fetches(edge):
    edge.live.first = lambda: not wait(1)
    answers = edge.crowd()
    assert sorted(answer.status_code for answer in answers) == [200] * (CROWD - 1) + [502]
    assert len(edge.live.asked) == 2


def test_who_looked_often_enough_asks_the_live_server(edge):
    done = threading.Event()
    edge.live.first = lambda: done.wait(PATIENCE_S)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(edge.client.get, f"{edge.url}/t/first/hls/{PART}")
        while not edge.live.asked:
            done.wait(0.01)
        second = edge.client.get(f"{edge.url}/t/second/hls/{PART}")
        done.set()
        assert (first.result().status_code, second.status_code) == (200, 200)
    assert len(edge.live.asked) == 2


def test_requests_that_block_wait_for_nobody(edge):
    all_there = threading.Barrier(CROWD)
    edge.live.answers = lambda _path: all_there.wait(PATIENCE_S) >= 0
    answers = edge.crowd("room/main.m3u8?_HLS_msn=5&_HLS_part=1")
    assert [answer.status_code for answer in answers] == [200] * CROWD
    assert {answer.headers["x-cache"] for answer in answers} == {"BYPASS"}


@pytest.mark.parametrize("path", [PART, "room/main.m3u8", "room/main.m3u8?_HLS_msn=5&_HLS_part=1"])
def test_without_a_live_server_each_is_told_at_once(tmp_path, path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with running(tmp_path, origin_port=port) as edge:
            answers = edge.crowd(path)
        # Nginx has ended, so all is written.
        log = (tmp_path / "access.log").read_text()
    assert [answer.status_code for answer in answers] == [502] * CROWD
    lines = [line for line in log.splitlines() if "/t/.../hls/room/" in line]
    assert len(lines) == CROWD
    # Nobody tried again and again.
    assert max(line.count(f":{port}") for line in lines) == 1
