"""Lines of every quality between a server and a browser: two TUN devices, and packets that this process holds back, loses and paces between them.

Both ends are this machine's own TCP, so losses and waits have the effect that they have on a real line. The browser's end stands in a network namespace of
its own. No netem is needed: packets pass one after another at the line's rate, wait for it in a queue that has an end, and arrive in their order after a delay that varies.
Needs CAP_NET_ADMIN in a network namespace of its own (``unshare --map-root-user --net``), and /dev/net/tun.
"""

import asyncio
import contextlib
import fcntl
import os
import random
import socket
import struct
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PACKET_BYTES = 1500
_CHUNK_BYTES = 16_384


@dataclass(frozen=True)
class Kind:
    """What a line is like.

    Attributes:
        name: for the table.
        round_trip_ms: the time to the server and back, without what waits for the line.
        jitter_ms: how much it varies, one standard deviation.
        loss: the part of packets that is lost, on the way to the browser.
        mbit_per_s: how much passes to the browser; 0 for no limit.
        congestion: how the server's TCP paces itself.
        queue_ms: a packet that would wait longer for the line is dropped.
    """

    name: str
    round_trip_ms: float = 0
    jitter_ms: float = 0
    loss: float = 0
    mbit_per_s: float = 0
    congestion: str = "bbr"
    queue_ms: float = 200

    def delay_s(self) -> float:
        """From one end to the other, this time."""
        return max(0.0, random.gauss(self.round_trip_ms, self.jitter_ms) / 2000)


class _Way:
    """Packets from one device to the other."""

    def __init__(self, kind: Kind, source: int, target: int, *, is_down: bool) -> None:
        self.passed_bytes = self.dropped = 0
        self._kind, self._is_down = kind, is_down
        self._source, self._target = source, target
        self._free_at = self._last = 0.0
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(source, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._source)
        self._waiting.clear()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(self._source, _PACKET_BYTES):
                self._send(packet)

    def _send(self, packet: bytes) -> None:
        now, kind = self._loop.time(), self._kind
        begins = now
        if self._is_down:
            begins = max(now, self._free_at)
            if begins - now > kind.queue_ms / 1000:
                self.dropped += 1
                return
            self._free_at = begins + (len(packet) * 8 / (kind.mbit_per_s * 1e6) if kind.mbit_per_s else 0)
            begins = self._free_at
            if random.random() < kind.loss:
                self.dropped += 1
                return
            self.passed_bytes += len(packet)
        self._last = max(self._last, begins + kind.delay_s())
        self._waiting.append((self._last, packet))
        if len(self._waiting) == 1:
            self._deliver()

    def _deliver(self) -> None:
        while self._waiting:
            at, packet = self._waiting[0]
            if at > self._loop.time():
                self._loop.call_at(at, self._deliver)
                return
            self._waiting.popleft()
            # A device whose queue is full loses packets, as routers do.
            with contextlib.suppress(BlockingIOError):
                os.write(self._target, packet)


@contextlib.contextmanager
def browsers_network() -> Iterator[int]:
    """A network namespace without anything in it, held by a process whose id this is."""
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE
    ) as process:
        try:
            if process.stdout:
                process.stdout.readline()
            _run("nsenter", f"--net=/proc/{process.pid}/ns/net", "ip", "link", "set", "lo", "up")
            yield process.pid
        finally:
            process.kill()


class Line:
    """A line from a browser's network to this one.

    Args:
        kind: what it is like.
        number: tells its devices and addresses from those of others, 0 to 255.
        network: the process that holds the browser's network.
    """

    def __init__(self, kind: Kind, number: int, network: int) -> None:
        self._kind = kind
        self._names = (f"line{number}", f"line{number}b")
        self._network = network
        self.address = f"10.201.{number}.1"
        self._theirs = f"10.201.{number}.2"
        self._relays: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def passed_bytes(self) -> int:
        """Sent to the browser so far, headers of TCP and IP included."""
        return self._down.passed_bytes

    async def open(self) -> None:
        """Make the devices, and begin to carry packets."""
        ours, theirs = self._names
        self._devices = (_tun(ours), _tun(theirs))
        _run("ip", "link", "set", theirs, "netns", str(self._network))
        _run("ip", "addr", "add", self.address, "peer", self._theirs, "dev", ours)
        _run("ip", "link", "set", ours, "up", "txqueuelen", "2000")
        inside = ("nsenter", f"--net=/proc/{self._network}/ns/net", "ip")
        _run(*inside, "addr", "add", self._theirs, "peer", self.address, "dev", theirs)
        _run(*inside, "link", "set", theirs, "up", "txqueuelen", "2000")
        self._down = _Way(self._kind, self._devices[0], self._devices[1], is_down=True)
        self._up = _Way(self._kind, self._devices[1], self._devices[0], is_down=False)

    async def close(self) -> None:
        for relay in self._relays:
            relay.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._down.close()
        self._up.close()
        for device in self._devices:
            os.close(device)

    async def lead_to(self, port: int) -> str:
        """The address, on the browser's side, of a server of this machine; TCP paces itself as the line's kind says."""
        listening = socket.create_server((self.address, 0))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, self._kind.congestion.encode())
        self._relays.append(await asyncio.start_server(lambda r, w: self._accept(port, r, w), sock=listening))
        return f"http://{self.address}:{listening.getsockname()[1]}"

    async def _accept(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        for source, target in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.create_task(_relay(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def line(kind: Kind, number: int, network: int) -> AsyncIterator[Line]:
    """A line that is open meanwhile."""
    opened = Line(kind, number, network)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=10)
