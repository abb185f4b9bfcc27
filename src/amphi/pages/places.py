"""Limits how many pages one web process makes at once.

Each page needs a thread and a database connection. Without a limit, some hundred requests at once would use all connections of
PostgreSQL, and everything else would stop. So there is a fixed number of places, each with a thread and a connection that serve one
page after another. When no place is free, requests wait in a short queue; when that is full, the answer is 503.

Places are divided into lanes, so that one kind of request can't block another: a flood of logins does not stop readers, and neither
stops the meeting server and the live server. Event streams (`amphi.audience.stream`) need no place.
"""

import asyncio
import contextlib
import contextvars
import functools
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, Any, TypeVar, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.urls import set_script_prefix
from django.utils.translation import gettext_noop
from prometheus_client import Histogram

from amphi.pages.bodies import BodyTooLargeError, Receive, bounded
from amphi.pages.live import crowd_page
from amphi.system import problems, request_ids

log = logging.getLogger(__name__)
T = TypeVar("T")
Scope = MutableMapping[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

SMALLEST = 12
"""With fewer places, a lane would have none."""
QUEUE_PER_PLACE = 40
PATIENCE_S = 10.0
"""How long a request waits for a place, in seconds. People would try again sooner."""
RETRY_AFTER_S = 5

PAGE_SECONDS = Histogram(
    "amphi_page_seconds",
    "How long pages and answers of the API took, with the wait for a place, by the first digit of their status.",
    ["status"],
    registry=None,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_SERVICES = re.compile(r"/webinars/(?:meetings/[^/]+/(?:events|ended|recording)|on-publish(?:-done)?)")
_SIGN_ON = "/accounts/sign-on/"
"""Where another system is asked, which may be slow."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class BusyError(Exception):
    """No place became free in time."""


class Lane:
    """Some places, and the queue for them.

    Args:
        name: for the log.
        places: the number of places.
    """

    def __init__(self, name: str, places: int) -> None:
        self._name = name
        self._queue_length = places * QUEUE_PER_PLACE
        self._waiting = 0
        self._warned = False
        self._free: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()
        # Each thread starts with its first page.
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix=f"{name}-{number}") for number in range(places)
        ]
        for thread in self._threads:
            self._free.put_nowait(thread)

    async def run(self, call: Callable[[], T]) -> T:
        """Take a place, and make the call in its thread.

        Raises:
            BusyError: no place became free in time, or too many requests wait already.
        """
        thread = await self._take()
        loop = asyncio.get_running_loop()
        # When a client gives up, its view still runs. So the place is free only once its thread is.
        made = thread.submit(contextvars.copy_context().run, call)
        made.add_done_callback(lambda _: self._give_back(thread, loop))
        return await asyncio.wrap_future(made)

    def _give_back(self, thread: ThreadPoolExecutor, loop: asyncio.AbstractEventLoop) -> None:
        # The event loop may have ended with the server.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free.put_nowait, thread)

    def close(self) -> None:
        """Close the database connections."""
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
        total: the number of all places; each may use a database connection.
    """

    def __init__(self, total: int) -> None:
        # A login takes half a second of processor time by design. Two at once leave some for the pages.
        logins, services, writes = max(2, total // 12), max(2, total // 6), max(2, total // 4)
        self._logins = Lane("logins", logins)
        self._services = Lane("services", services)
        self._writes = Lane("writes", writes)
        self._sign_on = Lane("sign-on", sign_on := max(2, total // 8))
        self._reads = Lane("reads", total - logins - services - writes - sign_on)

    def close(self) -> None:
        """Close the database connections, once all requests are answered."""
        for lane in (self._logins, self._services, self._writes, self._sign_on, self._reads):
            lane.close()

    def lane_for(self, method: str, path: str) -> Lane:
        """The lane for a request."""
        if _SERVICES.fullmatch(path):
            return self._services
        if path.startswith(_SIGN_ON):
            return self._sign_on
        if method in _SAFE:
            return self._reads
        return self._logins if path.endswith("/login/") else self._writes


class Request(ASGIRequest):
    """A request whose body is closed with it: by its answer, or once nobody has it any more, since a view may outlive its client.

    Args:
        scope: of the connection.
        body: all of it, as a file.
    """

    def __init__(self, scope: Scope, body: IO[bytes]) -> None:
        self._body_file = body
        super().__init__(scope, body)

    def close(self) -> None:
        """Close the body and the files in it."""
        super().close()
        self._body_file.close()

    def __del__(self) -> None:
        self._body_file.close()


class Pages(ASGIHandler):
    """Django, with a limited number of places.

    A request takes a place once it is received completely, and leaves it before the answer is sent. So slow clients hold no place.

    All of Django's work for a request is one call in one thread. Django's own handler goes to a thread and back for each middleware and
    each signal: half of the time of a short page, and twenty times the wait for the event loop, which thousands of streams keep busy.
    """

    request_class = Request

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; Django's own would give each a thread at once, and read bodies without end."""
        try:
            await self.handle(scope, bounded(scope, receive), send)
        except BodyTooLargeError:
            # The connection is closed after this, without reading the rest of the body.
            request = ASGIRequest(scope, BytesIO())
            await self.send_response(_too_large(request), send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, unless its client goes away before."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        made, refused = self.create_request(scope, body)
        if refused is not None:
            body.close()
            await self.send_response(refused, send)
            return
        request = cast("Request", made)
        gone = asyncio.ensure_future(receive())
        answering = asyncio.create_task(self._answer(request, send))
        try:
            await asyncio.wait((gone, answering), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering

    async def _answer(self, request: Request, send: Send) -> None:
        response = await self.answer_to(request)
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                response.close()

    async def answer_to(self, request: Request) -> HttpResponseBase:
        """Make the answer in a place, and note how long it took."""
        began = time.monotonic()
        request_id = request_ids.given(request.headers.get(request_ids.HEADER)) or request_ids.new()
        with request_ids.using(request_id):
            response = crowd_page.copy_for(request) or await self._in_place(request)
        response.headers[request_ids.HEADER] = request_id
        PAGE_SECONDS.labels(f"{response.status_code // 100}xx").observe(time.monotonic() - began)
        return response

    async def _in_place(self, request: Request) -> HttpResponseBase:
        lane = self._places.lane_for(request.method or "", request.path_info)
        try:
            return await lane.run(functools.partial(self._made, request))
        except BusyError:
            return _busy(request)

    def _made(self, request: Request) -> HttpResponseBase:
        """The answer, in a place's thread. One that is complete is closed here, where its connection to the database is."""
        set_script_prefix(get_script_prefix(request.scope))
        signals.request_started.send(sender=type(self), scope=request.scope)
        response = self.get_response(request)
        crowd_page.note(response)
        vars(response)["_handler_class"] = type(self)  # as Django's handlers do, for `request_finished`
        if not response.streaming:
            response.close()
        return response


def _busy(request: HttpRequest) -> HttpResponse:
    if problems.is_asked_for(request):
        return problems.outside_views(request, 503, "busy", Retry_After=str(RETRY_AFTER_S))
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": "busy"}, status=503, headers=headers)
    return HttpResponse(_busy_page(), status=503, headers=headers)


@functools.cache
def _busy_page() -> str:
    """Made once: whoever has too much to do does not make pages to say so."""
    said = {
        "title": gettext_noop("Too many people at once"),
        "text": gettext_noop(
            "The platform has more to do than it can just now. A webinar that is running goes on. Try again in a moment."
        ),
    }
    return render_to_string("refused.html", said)


def _too_large(request: HttpRequest) -> HttpResponse:
    if problems.is_asked_for(request):
        return problems.outside_views(request, 413, "too_large", Connection="close")
    said = {
        "title": gettext_noop("That is too much at once"),
        "text": gettext_noop(
            "What you sent is larger than this page takes. Go back and send a smaller file."
        ),
    }
    return HttpResponse(render_to_string("refused.html", said), status=413, headers={"Connection": "close"})
