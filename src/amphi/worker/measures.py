"""What a worker does, in numbers, and where Prometheus reads them: a small HTTP server in a thread of its own."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import Counter, Gauge, Histogram

from amphi.system import calls, metrics
from amphi.system.http_heads import BoundedHTTPProtocol

log = logging.getLogger("amphi.worker")

STOP_S = 1.0

WORK = Counter(
    "amphi_work",
    "Pieces of work by their kind; failed: by what nobody expected.",
    ["kind", "result"],
    registry=None,
)
SECONDS = Histogram(
    "amphi_work_seconds",
    "How long pieces of work took.",
    ["kind"],
    registry=None,
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
PROCESSOR = Counter(
    "amphi_work_cpu_seconds", "Processor time of the threads that did the work.", ["kind"], registry=None
)
IN_HAND = Gauge("amphi_work_in_hand", "Pieces of work under way.", ["kind"], registry=None)
THREADS = Gauge(
    "amphi_work_threads", "Pieces of work that may be under way at once.", ["kind"], registry=None
)


def announce(kind: str, threads: int) -> None:
    """Tell of a kind of work before any was done, so that its series begin at zero."""
    THREADS.labels(kind).set(threads)
    IN_HAND.labels(kind).set(0)
    PROCESSOR.labels(kind)
    for result in ("done", "failed"):
        WORK.labels(kind, result)


@contextmanager
def measured(kind: str) -> Iterator[None]:
    """Count and time a piece of work, in the thread that does it."""
    began, spent = time.monotonic(), time.thread_time()
    result = "failed"
    IN_HAND.labels(kind).inc()
    try:
        yield
        result = "done"
    finally:
        IN_HAND.labels(kind).dec()
        SECONDS.labels(kind).observe(time.monotonic() - began)
        PROCESSOR.labels(kind).inc(time.thread_time() - spent)
        WORK.labels(kind, result).inc()


def text() -> bytes:
    """The figures of this moment."""
    families = (WORK, SECONDS, PROCESSOR, IN_HAND, THREADS, calls.CALLS, calls.SECONDS, metrics.PROCESS)
    return metrics.text(*families)


class Figures:
    """The ASGI application: `/metrics`, and nothing else.

    Args:
        token: who knows it may read.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    async def __call__(self, scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        is_asked = scope["path"] == metrics.PATH and scope["method"] in {"GET", "HEAD"}
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        status = metrics.status_for(given, self._token) if is_asked else 404
        body = text() if status == 200 else b""  # noqa: PLR2004 -- HTTP's OK
        headers = [(b"content-type", metrics.CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        if status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized
            headers.append((b"www-authenticate", metrics.CHALLENGE.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def serve(address: tuple[str, int], token: str) -> Callable[[], None]:
    """Have a thread answer Prometheus until the process ends; without a token there is nothing to read, and nothing listens.

    A worker whose address is taken works all the same: webinars matter more than their figures.

    Returns:
        What ends the thread.
    """
    if not token:
        return _nothing
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=16)
    except OSError as error:
        log.warning("nobody can read this worker's figures at %s:%s: %s", host, port, error.strerror)
        return _nothing
    config = uvicorn.Config(
        Figures(token),
        http=BoundedHTTPProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=16,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="figures", daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(STOP_S)

    return stop


def _nothing() -> None:
    pass
