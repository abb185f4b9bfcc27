"""A classroom on a real socket, a receiver of webhooks, and a participant that speaks the page's protocol."""

import asyncio
import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring
from websockets.sync.client import ClientConnection, connect

from amphi.classroom import server
from amphi.classroom.clock import Clock
from amphi.classroom.config import Config
from amphi.classroom.profiles import PROFILES

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
TIMEOUT_S = 60


def wait_for(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} never came")


@dataclass
class Reply:
    status: int
    root: Element

    def __getitem__(self, path: str) -> str:
        text = self.root.findtext(path)
        assert text is not None, f"no {path} in the reply"
        return text

    @property
    def key(self) -> str:
        return self.root.findtext("messageKey") or ""

    @property
    def ok(self) -> bool:
        return self["returncode"] == "SUCCESS"


@dataclass
class Served:
    """One running classroom, and its callers."""

    url: str
    clock: Clock
    client: httpx.Client

    def signed(self, call: str, /, *, digest: str = "sha256", **parameters: str) -> str:
        query = urlencode(parameters)
        checksum = hashlib.new(digest, f"{call}{query}{SECRET}".encode()).hexdigest()
        return f"{self.url}/bigbluebutton/api/{call}?{query}{'&' if query else ''}checksum={checksum}"

    def get(self, url: str) -> httpx.Response:
        return self.client.get(url)

    def call(self, name: str, /, **parameters: str) -> Reply:
        response = self.get(self.signed(name, **parameters))
        return Reply(response.status_code, fromstring(response.text))

    def create(self, meeting_id: str = "physics", **parameters: str) -> Reply:
        defaults = {"name": "Physics", "meetingID": meeting_id, "attendeePW": "ap", "moderatorPW": "mp"}
        return self.call("create", **(defaults | parameters))

    def join(self, name: str = "Ada", meeting_id: str = "physics", **parameters: str) -> Reply:
        if "password" not in parameters:
            parameters = {"role": "VIEWER"} | parameters
        return self.call("join", fullName=name, meetingID=meeting_id, redirect="false", **parameters)

    def info(self, meeting_id: str = "physics") -> Reply:
        return self.call("getMeetingInfo", meetingID=meeting_id)


@dataclass
class Seat:
    """A participant's page, as the server sees it."""

    socket: ClientConnection
    token: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    def send(self, kind: str, **body: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **body}))

    def receive(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; the ones before it are kept in `seen`."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = json.loads(self.socket.recv(timeout=deadline - time.monotonic()))
            self.seen.append(message)
            if message["type"] == kind:
                return message


Serve = Callable[..., Served]


class Host:
    """One listening server for all the tests, whose application each test replaces."""

    def __init__(self) -> None:
        self.app: Any = None
        self.loop: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            self.loop = asyncio.get_running_loop()
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.app(scope, receive, send)

    def run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)


@pytest.fixture(scope="session")
def host() -> Iterator[tuple[Host, int]]:
    switch = Host()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = server.server(switch)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_for(lambda: running.started, "the server")
        yield switch, listener.getsockname()[1]
        running.should_exit = True
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


@pytest.fixture
def serve(host: tuple[Host, int]) -> Iterator[Serve]:
    """Start a classroom; ``profile``, ``speed`` and ``digest`` may be given."""
    switch, port = host
    with contextlib.ExitStack() as stack:

        def start(profile: str = "3.0", speed: float = 1, digest: str = "sha1", ca_file: str = "") -> Served:
            url = f"http://127.0.0.1:{port}"
            clock = Clock(speed)
            switch.app = server.application(
                Config("127.0.0.1", port, url, SECRET, PROFILES[profile], digest, ca_file), clock
            )
            lifespan = switch.app.router.lifespan_context(switch.app)
            switch.run(lifespan.__aenter__())
            stack.callback(lambda: switch.run(lifespan.__aexit__(None, None, None)))
            client = stack.enter_context(httpx.Client(timeout=TIMEOUT_S, trust_env=False))
            return Served(url, clock, client)

        yield start


@pytest.fixture
def classroom(serve: Serve) -> Served:
    return serve()


@pytest.fixture
def sit() -> Iterator[Callable[..., Seat]]:
    """Open a participant's page by its session token."""
    with contextlib.ExitStack() as stack:

        def open_page(classroom: Served, token: str, client: str = "page-1") -> Seat:
            query = urlencode({"sessionToken": token, "client": client})
            address = f"{classroom.url.replace('http', 'ws', 1)}/html5client/socket?{query}"
            return Seat(stack.enter_context(connect(address, proxy=None, max_queue=None)), token)

        yield open_page


@pytest.fixture
def enter(sit: Callable[..., Seat]) -> Callable[..., Seat]:
    """Join, open the page, and wait for the welcome."""

    def go_in(classroom: Served, name: str = "Ada", **parameters: str) -> Seat:
        joined = classroom.join(name, **parameters)
        assert joined.ok, joined.key
        seat = sit(classroom, joined["session_token"])
        seat.receive("welcome")
        return seat

    return go_in


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def event(self) -> dict[str, Any]:
        (event,) = json.loads(self.form["event"])
        return event["data"]


@dataclass
class Receiver:
    """An HTTP server that keeps what it was sent, and answers the statuses in `answers`, then 200."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def events(self, name: str) -> list[dict[str, Any]]:
        posts = [request for request in list(self.requests) if request.method == "POST"]
        return [request.event for request in posts if request.event["id"] == name]

    def wait_event(self, name: str) -> dict[str, Any]:
        return wait_for(lambda: self.events(name), name)[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def _keep(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kept.requests.append(Request(self.command, self.path, dict(self.headers), body, time.monotonic()))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = _keep  # noqa: N815 -- the names that http.server calls

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        kept.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kept
        http.shutdown()
        thread.join()


PDF_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 180]>>"


def pdf(pages: int) -> bytes:
    """A PDF of empty pages."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(pages))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode()]
    objects += [PDF_PAGE] * pages
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj".encode() + content + b"endobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
