"""Half a million hostile requests at the origin and the gateway, and slow ones on each port."""

import asyncio
import contextlib
import multiprocessing
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests import ports
from tests.abuse import own_memory
from tests.abuse.http_fuzz import Requests
from tests.abuse.http_servers import SERVERS, broken
from tests.services import environment, migrate, serve

SHARE = float(os.environ.get("ABUSE_SHARE", "1"))
"""Of the numbers below; less to try the tests themselves."""
REQUESTS = int(500_000 * SHARE)
OVER_THE_SOCKET = int(20_000 * SHARE)
BATCH = 1_000
MOST_MEMORY_BYTES = 400 * 2**20
SLOW = 200
HEAD_S = 20.0
PATIENCE_S = 60.0

pytestmark = pytest.mark.integration


def _batch(name: str, first: int) -> tuple[int, Counter[str], list[str], int]:
    async def run() -> tuple[int, list[str]]:
        server, requests = SERVERS[name]()
        said = 0
        with broken() as found:
            for seed in range(first, first + BATCH):
                pieces, number = requests.connection(seed)
                await server.take(pieces)
                said += number
        statuses.update(server.statuses)
        return said, found

    statuses: Counter[str] = Counter()
    said, found = asyncio.run(run())
    return said, statuses, found, own_memory.most_bytes()


def test_half_a_million_requests_break_nothing():
    said = first = memory = 0
    statuses: dict[str, Counter[str]] = {name: Counter() for name in SERVERS}
    broke: list[str] = []
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        while said < REQUESTS and len(broke) < 20:
            work = [(name, first + BATCH * index) for index in range(2) for name in SERVERS]
            first += BATCH * 2
            for (name, _), (number, answered, found, used) in zip(
                work, pool.map(_batch, *zip(*work, strict=True)), strict=True
            ):
                said += number
                statuses[name].update(answered)
                broke += found
                memory = max(memory, used)
    print(f"\nHTTP, in process: {said:,} requests, {len(broke)} broken; {memory / 2**20:.0f} MiB")
    for name, answered in statuses.items():
        print(f"  {name}: {answered.total():,} answers, {dict(answered.most_common())}")
    assert broke == []
    assert not any("500" in answered for answered in statuses.values())
    assert memory < MOST_MEMORY_BYTES


class Part:
    """A part of the platform in a process of its own."""

    def __init__(self, name: str, folder: Path, stack: contextlib.ExitStack) -> None:
        self.port, self.rtmp = ports.reserve(), ports.reserve()
        variable = {"web": "AMPHI_HTTP"}.get(name, f"AMPHI_{name.upper()}_HTTP")
        env = environment(
            folder,
            AMPHI_GATEWAY_TOKEN="t",
            AMPHI_GATEWAY_WARM="0",
            AMPHI_GATEWAY_JOIN_HOSTS="bbb.univ.fr",
            AMPHI_ORIGIN_RTMP=f"127.0.0.1:{self.rtmp}",
            **{variable: f"127.0.0.1:{self.port}"},
        )
        if name == "web":
            migrate(env)
        self.health = f"http://127.0.0.1:{self.port}/healthz"
        process = serve(stack, env, folder, name, answers=self.health)
        self.process = psutil.Process(process.pid)
        self.log = folder / f"{name}.log"

    def asked_for_health(self) -> float:
        began = time.monotonic()
        assert httpx.get(self.health, timeout=PATIENCE_S, trust_env=False).status_code == 200
        return time.monotonic() - began


@pytest.fixture
def part(request, tmp_path) -> Iterator[Part]:
    with contextlib.ExitStack() as stack:
        yield Part(request.param, tmp_path, stack)


@pytest.mark.parametrize("part", ["origin", "gateway", "web"], indirect=True, ids=str)
def test_hostile_requests_over_the_socket(part):
    requests, said, seed = Requests("0a0a0a0a0a"), 0, 0
    longest_s = 0.0
    while said < OVER_THE_SOCKET:
        pieces, number = requests.connection(seed)
        seed, said = seed + 1, said + number
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", part.port), 5) as client:
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(0.05)
            client.recv(65_536)
        if seed % 200 == 0:
            longest_s = max(longest_s, part.asked_for_health())
    part.asked_for_health()
    memory = part.process.memory_info().rss
    name = part.log.stem
    print(
        f"\nHTTP, over the socket, {name}: {said:,} requests in {seed:,} connections; {memory / 2**20:.0f} MiB; /healthz in {longest_s:.2f} s at most"
    )
    assert "Traceback" not in part.log.read_text()
    assert memory < MOST_MEMORY_BYTES


@pytest.mark.parametrize("part", ["origin", "gateway", "web"], indirect=True, ids=str)
def test_hundreds_of_slow_heads_hold_up_nobody_and_are_cut_off(part):
    begun = [part.port] * SLOW + ([part.rtmp] * SLOW if part.log.stem == "origin" else [])
    slow = [socket.create_connection(("127.0.0.1", port), 5) for port in begun]
    for client, port in zip(slow, begun, strict=True):
        client.sendall(b"\3" if port == part.rtmp else b"GET /healthz HTTP/1.1\r\nHost: h\r\n")
    start = time.monotonic()
    open_still, longest_s = list(slow), 0.0
    while open_still and time.monotonic() - start < 3 * HEAD_S:
        for client in list(open_still):
            client.setblocking(False)
            try:
                client.send(b"\0" if client.getpeername()[1] == part.rtmp else b"X: y\r\n")
                if client.recv(4_096) == b"":
                    open_still.remove(client)
            except BlockingIOError:
                pass
            except OSError:
                open_still.remove(client)
        longest_s = max(longest_s, part.asked_for_health())
        time.sleep(0.5)
    took_s = time.monotonic() - start
    for client in slow:
        client.close()
    print(
        f"\nslow heads, {part.log.stem}: {len(slow)} connections, all cut within {took_s:.0f} s; /healthz in {longest_s:.2f} s at most"
    )
    assert open_still == []
