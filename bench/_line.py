"""A slow line between a browser and a server, made of asyncio: this machine's kernel has no netem.

What the server sends is cut into packets. They pass one after another at the line's rate, whatever connection they belong to, and arrive in order after a delay
that varies. One that is lost arrives a round trip later, and so does what follows it on its connection. A congestion window is not imitated. What the browser
sends is as late, and never lost.
"""

import asyncio
import random
from dataclasses import dataclass

PACKET_BYTES = 1448
WAITING_PACKETS = 64
"""So many of a connection wait for the line: more would be a delay that no line has."""


@dataclass(frozen=True)
class Kind:
    """What a line is like.

    Attributes:
        name: for the table.
        round_trip_ms: the time to the server and back, without what waits for the line.
        jitter_ms: how much it varies, one standard deviation.
        loss: the part of packets that is lost.
        mbit_per_s: how much passes; 0 for no limit.
    """

    name: str
    round_trip_ms: float = 0
    jitter_ms: float = 0
    loss: float = 0
    mbit_per_s: float = 0

    def delay_s(self) -> float:
        """From one end to the other, this time."""
        return max(0.0, random.gauss(self.round_trip_ms, self.jitter_ms) / 2000)


class Line:
    """Listens on a port, and passes all on to a server.

    Args:
        kind: what it is like.
        port: the server's, on this machine.
    """

    def __init__(self, kind: Kind, port: int) -> None:
        self.kind = kind
        self.passed_bytes = 0
        self._to = port
        self._free_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Begin to listen; the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        for task in (
            asyncio.create_task(self._pass(reader, server_writer, is_down=False)),
            asyncio.create_task(self._pass(server_reader, writer, is_down=True)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_down: bool
    ) -> None:
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING_PACKETS)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._read(reader, arriving, is_down=is_down))
                both.create_task(_deliver(arriving, writer))
        except* OSError:
            pass
        finally:
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader, arriving: asyncio.Queue[tuple[float, bytes]], *, is_down: bool
    ) -> None:
        loop, last = asyncio.get_running_loop(), 0.0
        while data := await reader.read(PACKET_BYTES):
            last = max(last, self._arrives_at(loop.time(), len(data), is_down=is_down))
            await arriving.put((last, data))
        await arriving.put((max(last, loop.time()), b""))

    def _arrives_at(self, now: float, size: int, *, is_down: bool) -> float:
        kind = self.kind
        if not is_down:
            return now + kind.delay_s()
        begins = max(now, self._free_at)
        self._free_at = begins + (size * 8 / (kind.mbit_per_s * 1e6) if kind.mbit_per_s else 0)
        self.passed_bytes += size
        lost_s = kind.round_trip_ms / 1000 if random.random() < kind.loss else 0
        return self._free_at + kind.delay_s() + lost_s


async def _deliver(arriving: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        at, data = await arriving.get()
        await asyncio.sleep(max(0.0, at - loop.time()))
        if not data:
            return
        writer.write(data)
        await writer.drain()
