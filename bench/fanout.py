"""Fan-out of the event stream: deliveries for each second of CPU, as a ratio to a plain peer in the same run.

The peer is what one writes first: a queue for each listener, and each message encoded for each listener. Both run in a process of
their own on uvicorn over loopback, serve as many listeners, and are told the same messages at the same pace; what is compared is
the processor time of the server's process. Run it as ``python -m bench.fanout [LISTENERS]``.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import resource
import socket
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

import uvicorn
import uvloop

from amphi.audience.channel import Reading, Row
from amphi.audience.http_protocol import StreamHTTPProtocol
from amphi.audience.hub import Hub
from amphi.audience.stream import EventStream
from amphi.system.tickets import Ticket, mint

KEY = b"bench"
LISTENERS = 2000
MESSAGES = 100
PACE_S = 0.04
TEXT = "A message of an ordinary length, as people write them in a chat while they watch a lecture. "
PATIENCE_S = 60.0


class Memory:
    """The log, in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def opening(self, event_id: int, backlog: int) -> Reading | None:  # noqa: ARG002 -- the protocol's
        return Reading(len(self.rows), self.rows[-backlog:], {"state": "live"})

    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        return {1: self.rows[known[1] :]} if known.get(1, len(self.rows)) < len(self.rows) else {}

    def between(self, event_id: int, after: int, until: int) -> list[Row]:  # noqa: ARG002 -- the protocol's
        return self.rows[after : until - 1]

    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        pass

    def close(self) -> None:
        pass


class Ours:
    """The event stream as it is."""

    def __init__(self) -> None:
        self._log = Memory()
        self._hub = Hub(self._log, process="bench")
        self._stream = EventStream(self._hub, KEY, uncounted={"127.0.0.1"})

    def publish(self, number: int) -> None:
        self._log.rows.append(Row(number, "message", json.dumps({"id": number, "text": TEXT})))
        self._hub.wake()

    async def __call__(self, scope, receive, send) -> None:  # noqa: ANN001 -- ASGI
        await self._stream(scope, receive, send, 1)


class Peer:
    """A queue for each listener, each message encoded for each."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, object]]] = set()

    def publish(self, number: int) -> None:
        for queue in self._queues:
            queue.put_nowait({"id": number, "text": TEXT})

    async def __call__(self, scope, receive, send) -> None:  # noqa: ANN001, ARG002 -- ASGI
        queue: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._queues.add(queue)
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"event: snapshot\n\n", "more_body": True})
        while True:
            message = await queue.get()
            text = f"id: {message['id']}\nevent: message\ndata: {json.dumps(message)}\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def serve(kind: str, listener: socket.socket, pipe: Connection, listeners: int) -> None:
    """The server's process: waits for the word, publishes, and says what it cost."""
    uvloop.run(_serve({"ours": Ours, "peer": Peer}[kind](), listener, pipe, listeners))


async def _serve(app: Ours | Peer, listener: socket.socket, pipe: Connection, listeners: int) -> None:
    config = uvicorn.Config(
        app, interface="asgi3", ws="none", lifespan="off", log_config=None, access_log=False,
        http=StreamHTTPProtocol if isinstance(app, Ours) else "httptools",
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 -- signals are the parent's
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, pipe.recv)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(1, MESSAGES + 1):
        app.publish(number)
        await asyncio.sleep(PACE_S)
    await loop.run_in_executor(None, pipe.recv)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    pipe.send(MESSAGES * listeners / cpu_s)
    # The listeners' connections are still open, and nothing of them is of interest any more.
    task.cancel()
    os._exit(0)


async def listen(port: int, listeners: int, pipe: Connection) -> None:
    """All the listeners: connect, then read until each has the last message."""
    last = f"id: {MESSAGES}\n".encode()

    async def connect(number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ticket = mint(KEY, Ticket(1, "", f"abench{number}", int(time.time()) + 600))
        head = (
            f"GET /live/1/events?ticket={ticket} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
        )
        writer.write(head.encode())
        await reader.readuntil(b"event: snapshot")
        return reader, writer

    async def read(reader: asyncio.StreamReader) -> None:
        tail = b""
        while last not in tail:
            piece = await reader.read(65536)
            if not piece:
                raise ConnectionError("the stream ended too early")
            tail = tail[-32:] + piece

    open_streams = []
    for start in range(0, listeners, 50):
        open_streams += await asyncio.gather(
            *(connect(number) for number in range(start, min(start + 50, listeners)))
        )
    async with asyncio.timeout(PATIENCE_S):
        pipe.send("go")
        await asyncio.gather(*(read(reader) for reader, _ in open_streams))
    pipe.send("all have it")
    for _, writer in open_streams:
        writer.close()


def measure(kind: str, listeners: int) -> float:
    """Deliveries for each second of the server's processor time."""
    ours, theirs = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=serve, args=(kind, listener, theirs, listeners), daemon=True
        )
        process.start()
        try:
            asyncio.run(listen(listener.getsockname()[1], listeners, ours))
            return float(ours.recv())
        finally:
            process.terminate()
            process.join()


def main(listeners: int = LISTENERS) -> int:
    """Measure both and print the ratio."""
    wanted = 2 * listeners + 512
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    found = {kind: measure(kind, listeners) for kind in ("peer", "ours")}
    print(
        json.dumps(
            {
                "listeners": listeners,
                "messages": MESSAGES,
                "peer_deliveries_per_cpu_s": round(found["peer"]),
                "deliveries_per_cpu_s": round(found["ours"]),
                "ratio": round(found["ours"] / found["peer"], 2),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
