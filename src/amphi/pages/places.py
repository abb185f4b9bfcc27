"""How many pages one web process makes at once.

A page takes a thread and a connection to the database. Without a bound, some hundred requests at once would take all that PostgreSQL
has, and everything that uses it would stop. So there is a fixed number of places, each with a thread and a connection of its own that
serve one page after another. Whoever finds none free waits in a short queue; beyond it the answer is 503.

There are lanes, so that one crowd does not keep out another: a flood of logins takes no place of those who read, and neither keeps
out the meeting server and the live server. What thousands hold open (`amphi.audience.stream`) takes no place at all.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop

from amphi.pages.bodies import BodyTooLargeError, bounded

log = logging.getLogger(__name__)

SMALLEST = 12
"""With fewer places a lane would have none."""
QUEUE_PER_PLACE = 40
PATIENCE_S = 10.0
"""How long a request waits for a place: a person tries again sooner than that."""
RETRY_AFTER_S = 5

_SERVICES = re.compile(r"/webinars/(?:meetings/[^/]+/(?:events|ended|recording)|on-publish(?:-done)?)")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class BusyError(Exception):
    """No place came free in time."""


class Lane:
    """Some places, and those who wait for one.

    Args:
        name: for the log.
        places: how many.
    """

    def __init__(self, name: str, places: int) -> None:
        self._name = name
        self._queue_length = places * QUEUE_PER_PLACE
        self._waiting = 0
        self._warned = False
        self._free: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()
        # A thread starts with the first page that is put into it.
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix=f"{name}-{number}") for number in range(places)
        ]
        for thread in self._threads:
            self._free.put_nowait(thread)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Run what is in this block in a place's thread.

        Raises:
            BusyError: none came free in time, or too many wait already.
        """
        thread = await self._take()
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            # A request that was given up leaves its view running: the place is free once its thread is.
            loop = asyncio.get_running_loop()
            done = thread.submit(close_old_connections)
            done.add_done_callback(lambda _: self._give_back(thread, loop))

    def _give_back(self, thread: ThreadPoolExecutor, loop: asyncio.AbstractEventLoop) -> None:
        # A server that has stopped needs no places any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free.put_nowait, thread)

    def close(self) -> None:
        """Give up the connections."""
        for thread in self._threads:
            thread.submit(connections.close_all)

    async def _take(self) -> ThreadPoolExecutor:
        if self._free.empty() and self._waiting >= self._queue_length:
            self._warn_once()
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._free.get()
        except TimeoutError:
            self._warn_once()
            raise BusyError from None
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._warned = False

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log.warning("too many requests at once (%s): some are answered 503", self._name)


class Places:
    """The lanes of one process.

    Args:
        total: how many places there are in all; each may take a connection to the database.
    """

    def __init__(self, total: int) -> None:
        # A login takes half a second of a processor, on purpose: two at once leave some for the pages.
        logins, services, writes = max(2, total // 12), max(2, total // 6), max(2, total // 4)
        self._logins = Lane("logins", logins)
        self._services = Lane("services", services)
        self._writes = Lane("writes", writes)
        self._reads = Lane("reads", total - logins - services - writes)

    def close(self) -> None:
        """Give up the connections, once all requests are answered."""
        for lane in (self._logins, self._services, self._writes, self._reads):
            lane.close()

    def lane_for(self, method: str, path: str) -> Lane:
        """Where a request of this kind waits."""
        if _SERVICES.fullmatch(path):
            return self._services
        if method in _SAFE:
            return self._reads
        return self._logins if path.endswith("/login/") else self._writes


class Pages(ASGIHandler):
    """Django, within its places.

    A place is taken once the request is there, and left before its answer is sent: neither who sends slowly nor who reads slowly
    holds one.
    """

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 -- Django's signature
        """Answer one request; Django's own would give each a thread at once, and read bodies without end."""
        try:
            await self.handle(scope, bounded(scope, receive), send)
        except BodyTooLargeError:
            # Closed afterwards: what is still to come of the body is not read.
            await self.send_response(_too_large(), send)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Make the answer, in a place."""
        try:
            async with self._places.lane_for(request.method or "", request.path_info).place():
                return await super().run_get_response(request)
        except BusyError:
            return _busy(request)


def _busy(request: HttpRequest) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": "busy"}, status=503, headers=headers)
    said = {
        "title": gettext_noop("Too many people at once"),
        "text": gettext_noop(
            "The platform has more to do than it can just now. A webinar that is running goes on. Try again in a moment."
        ),
    }
    return HttpResponse(render_to_string("refused.html", said), status=503, headers=headers)


def _too_large() -> HttpResponse:
    said = {
        "title": gettext_noop("That is too much at once"),
        "text": gettext_noop(
            "What you sent is larger than this page takes. Go back and send a smaller file."
        ),
    }
    return HttpResponse(render_to_string("refused.html", said), status=413, headers={"Connection": "close"})
