"""Hosts in network namespaces, and the network between them: packets arrive later, in their order, or not at all.

Each host has a TUN device, whose packets this process hands on: the kernels that tests meet have no netem. Needs root, in a network and with mounts of
this process's own (`tests.reliability.chaos.scene.alone`).
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import random
import selectors
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_PACKET_BYTES = 2048
_BURST = 64
"""So many packets of one host are read before those of another."""
_WAITING = 5000
"""Packets that wait for this process, as `ip` has it."""
NETWORK = "10.77.0"
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(namespace: Path) -> None:
    with namespace.open("rb") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"can't enter {namespace}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@dataclass(frozen=True)
class Host:
    """A host with one address."""

    name: str
    address: str

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread starts and connects in the block is on this host."""
        before = Path(f"/proc/self/task/{threading.get_native_id()}/ns/net")
        with before.open("rb") as home:
            _enter(Path("/run/netns") / self.name)
            try:
                yield
            finally:
                _libc.setns(home.fileno(), _CLONE_NEWNET)


class Network:
    """Hands packets from host to host.

    Args:
        delay_ms: from one host to another.
        jitter_ms: how much it varies, one standard deviation.
    """

    def __init__(self, *, delay_ms: float, jitter_ms: float) -> None:
        self._delay_s, self._jitter_s = delay_ms / 1000, jitter_ms / 1000
        self._hosts: dict[bytes, Host] = {}
        self._devices: dict[str, int] = {}
        self._parted: set[str] = set()
        self._coming: list[tuple[float, int, int, bytes]] = []
        self._last: dict[tuple[int, int], float] = {}
        self._numbers = itertools.count()
        self._ended = threading.Event()
        self.packets = 0

    def add(self, name: str) -> Host:
        """A new host; before `running`."""
        address = f"{NETWORK}.{10 + len(self._hosts)}"
        _ip("netns", "add", name)
        host = Host(name, address)
        with host.inside():
            device = self._devices[name] = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", b"eth0", _IFF_TUN | _IFF_NO_PI))
            _ip("link", "set", "lo", "up")
            _ip("address", "add", f"{address}/24", "dev", "eth0")
            _ip("link", "set", "eth0", "txqueuelen", str(_WAITING), "up")
        self._hosts[socket.inet_aton(address)] = host
        return host

    def part(self, host: Host) -> None:
        """From now on nothing comes from it or reaches it, and nobody is told."""
        self._parted.add(host.name)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hand packets on until the block is left."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for host in self._hosts.values():
                selector.register(self._devices[host.name], selectors.EVENT_READ, host)
            while not self._ended.is_set():
                wait_s = self._coming[0][0] - time.monotonic() if self._coming else 0.2
                for key, _ in selector.select(max(0.0, wait_s)):
                    self._read(key.data)
                self._hand_over()

    def _read(self, host: Host) -> None:
        source = self._devices[host.name]
        with suppress(BlockingIOError):
            for _ in range(_BURST):
                packet = os.read(source, _PACKET_BYTES)
                target = self._hosts.get(packet[16:20])  # the destination of IPv4 (RFC 791, 3.1)
                if target is not None and not self._parted & {host.name, target.name}:
                    self._take(source, self._devices[target.name], packet)

    def _take(self, source: int, target: int, packet: bytes) -> None:
        due = time.monotonic() + max(0.0, random.gauss(self._delay_s, self._jitter_s))
        due = self._last[source, target] = max(due, self._last.get((source, target), 0.0))
        heapq.heappush(self._coming, (due, next(self._numbers), target, packet))

    def _hand_over(self) -> None:
        now = time.monotonic()
        while self._coming and self._coming[0][0] <= now:
            _, _, target, packet = heapq.heappop(self._coming)
            self.packets += 1
            with suppress(OSError):  # its queue is full: lost, as on a real line
                os.write(target, packet)
