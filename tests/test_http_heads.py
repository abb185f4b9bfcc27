"""What a request's head may be, at each of the servers, over real sockets."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import pytest
import uvicorn

from amphi.audience.http_protocol import StreamHTTPProtocol
from amphi.origin.http_protocol import QuickHTTPProtocol
from amphi.system import http_heads
from amphi.system.http_heads import MAX_HEAD_BYTES, BoundedHTTPProtocol
from tests import ports
from tests.services import TOP, environment, migrate, serve

PATIENCE_S = 60.0
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: amphi\r\n"
COMMANDS = ("web", "origin", "gateway", "classroom")


def _status(answered: bytes) -> int:
    found = re.match(rb"HTTP/1.1 (\d+) ", answered)
    return int(found[1]) if found else 0


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        yield client


def _send(port: int, *pieces: bytes) -> bytes:
    """What is answered until the server closes the connection; empty when it is cut."""
    answered = b""
    with _connected(port) as client:
        with suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        with suppress(ConnectionError):
            while piece := client.recv(65_536):
                answered += piece
    return answered


@pytest.fixture(scope="module", params=COMMANDS)
def port(request, tmp_path_factory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp(request.param)
    found = ports.reserve()
    names = {"web": "AMPHI_HTTP"}
    env = environment(
        folder,
        AMPHI_URL=f"http://127.0.0.1:{found}",
        AMPHI_GATEWAY_TOKEN="t" * 40,
        AMPHI_GATEWAY_WARM="0",
        AMPHI_CLASSROOM_SECRET="s" * 40,
        AMPHI_ORIGIN_RTMP=f"127.0.0.1:{ports.reserve()}",
    )
    env[names.get(request.param, f"AMPHI_{request.param.upper()}_HTTP")] = f"127.0.0.1:{found}"
    if request.param == "web":
        migrate(env)
    with ExitStack() as stack:
        serve(stack, env, folder, request.param, answers=f"http://127.0.0.1:{found}/healthz")
        yield found


def test_a_head_of_a_megabyte_is_refused(port):
    many = b"".join(b"X-%06d: %s\r\n" % (index, b"x" * 1000) for index in range(1000))
    assert _status(_send(port, REQUEST + many + b"\r\n")) in {0, 400, 431}
    assert _status(_send(port, REQUEST + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n")) in {0, 400, 431}
    assert _status(_send(port, b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: amphi\r\n\r\n")) in {
        0,
        400,
        431,
    }
    # An ordinary one is answered, before and after.
    assert _status(_send(port, REQUEST + b"Cookie: " + b"x" * 8000 + b"\r\nConnection: close\r\n\r\n")) == 200


def test_an_endless_head_is_cut_off(port):
    with _connected(port) as client:
        client.sendall(REQUEST)
        sent = 0
        with suppress(ConnectionError):
            while sent < 50_000_000:
                client.sendall(b"X: " + b"x" * 1000 + b"\r\n")
                sent += 1005
    assert sent < 50_000_000


def test_every_server_of_ours_bounds_its_heads():
    made = [
        path for path in (TOP / "src").rglob("*.py") if re.search(r"uvicorn.Config\(\n", path.read_text())
    ]
    # The worker has one too, for its figures.
    assert len(made) == len(COMMANDS) + 1
    for path in made:
        assert re.search("http=(Bounded|Quick|Stream)HTTPProtocol", path.read_text()), path
    assert issubclass(QuickHTTPProtocol, BoundedHTTPProtocol)
    assert issubclass(StreamHTTPProtocol, BoundedHTTPProtocol)


async def _answer(_scope, receive, send) -> None:
    """An application that reads the whole body, and takes its time when it is asked to wait."""
    size = 0
    more = True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    if _scope["path"] == "/slow":
        await asyncio.sleep(1)
    if _scope["path"] == "/held":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"to nobody"})
        return
    body = str(size).encode()
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connect(monkeypatch) -> AsyncIterator[Connect]:
    """Connections to a server whose clients have half a second for a head."""
    monkeypatch.setattr(http_heads, "HEAD_TIMEOUT", timedelta(milliseconds=500))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(_answer, http=BoundedHTTPProtocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    writers = []

    async def made() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writers.append(writer)
        return reader, writer

    yield made
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    server.should_exit = True
    async with asyncio.timeout(PATIENCE_S):
        await serving


async def _all(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        return await reader.read()


@pytest.mark.parametrize("begun", [b"", b"GET", REQUEST, REQUEST + b"X: "])
async def test_a_head_that_does_not_end_in_time_is_refused(connect, begun):
    reader, writer = await connect()
    writer.write(begun)
    assert _status(await _all(reader)) == 408


async def test_a_head_that_drips_is_refused(connect):
    reader, writer = await connect()
    writer.write(REQUEST)

    async def drip() -> None:
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"X: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    # What drips after the refusal may reset the connection before the refusal is read.
    with suppress(ConnectionResetError):
        assert _status(await _all(reader)) == 408
    dripping.cancel()


async def test_an_answer_may_take_longer_than_a_head_and_so_may_the_next_request(connect):
    reader, writer = await connect()
    for path in (b"/slow", b"/", b"/slow"):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: amphi\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            assert _status(await reader.readuntil(b"\r\n\r\n0")) == 200
        await asyncio.sleep(0.8)


async def test_who_leaves_is_missed_by_the_request_before_the_last_too(connect, caplog):
    reader, writer = await connect()
    writer.write(b"".join(b"GET %b HTTP/1.1\r\nHost: amphi\r\n\r\n" % path for path in (b"/held", b"/")))
    async with asyncio.timeout(PATIENCE_S):
        await reader.readuntil(b"\r\n\r\n")
        (held,) = (task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro()))
        writer.close()
        await held
    assert "Exception" not in caplog.text


@pytest.mark.parametrize("pieces", [1, 7])
async def test_bodies_are_no_heads(connect, pieces):
    reader, writer = await connect()
    body = b"x" * 300_000
    writer.write(b"POST / HTTP/1.1\r\nHost: amphi\r\nContent-Length: %d\r\n\r\n" % (pieces * len(body)))
    for _ in range(pieces):
        writer.write(body)
        await writer.drain()
        await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE_S):
        assert _status(await reader.readuntil(b"\r\n\r\n%d" % (pieces * len(body)))) == 200


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"0\r\n", b"X: " + b"y" * 500 + b"\r\n"),
        (b"0\r\nX: ", b"y" * 500),
        (b"5;", b"y" * 500),
    ],
)
async def test_trailers_and_chunk_headers_end(connect, begun, piece):
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: amphi\r\nTransfer-Encoding: chunked\r\n\r\n" + begun)
    sent = 0
    with suppress(ConnectionError):
        while sent < 20 * MAX_HEAD_BYTES and not reader.at_eof():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
            sent += len(piece)
    with suppress(ConnectionError):
        assert _status(await _all(reader)) in {400, 431}
    assert sent < 20 * MAX_HEAD_BYTES


async def test_a_head_that_follows_a_request_with_a_body_has_its_time_too(connect):
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: amphi\r\nContent-Length: 3\r\n\r\nabc")
    async with asyncio.timeout(PATIENCE_S):
        assert _status(await reader.readuntil(b"\r\n\r\n3")) == 200
    writer.write(b"GET /")
    assert _status(await _all(reader)) == 408
