"""A hall on four machines, one of which is parted from the network in the middle.

    python -m tests.reliability.machines [LISTENERS [VIEWERS [SECONDS]]]

PostgreSQL on one host, `amphi web` on two, nginx with the shipped site and the origin on a fourth, the crowd of `amphi loadtest` on a fifth; 20 ms, plus or
minus 5, to each other and back. Listeners are spread over both web hosts, and so are those who write. Prints what was measured as JSON; 1 when a message was lost or came twice, or
somebody heard nothing for too long. Needs root.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import edge
from tests import nginx, postgresql, services
from tests.reliability.chaos import scene
from tests.reliability.machines.network import NETWORK, Host, Network

DELAY_MS, JITTER_MS = 10.0, 2.5
"""One way."""
BACK_WITHIN_S = 15.0
PARTED_AT = 0.6
MESSAGES_A_SECOND = 3
WEB_PORT = 8000
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Machines:
    """What runs where."""

    network: Network
    second_web: Host
    crowd: Host
    env: services.Environment
    page: str


def _database(stack: ExitStack, host: Host) -> str:
    with host.inside():
        server = postgresql.start(addresses="*")
    stack.callback(server.stop)
    rules = Path(server.folder) / "data" / "pg_hba.conf"
    rules.write_text(rules.read_text() + f"host all all {NETWORK}.0/24 trust\n")
    server.control("reload")
    return server.url.replace("127.0.0.1", host.address)


def _ask_after_connections(host: Host) -> None:
    """What docs/deploy.md has an edge's kernel do."""
    with host.inside():
        for name, value in (("time", 4), ("intvl", 1), ("probes", 4)):
            Path(f"/proc/sys/net/ipv4/tcp_keepalive_{name}").write_text(str(value))


def _site(folder: Path, ports: dict[str, int], webs: tuple[Host, Host]) -> str:
    """The shipped configuration as an operator with two web hosts has it, without TLS."""
    text = edge.configuration(folder, ports, None)
    listed = "".join(f"  server {host.address}:{WEB_PORT};\n" for host in webs)
    old = f"  server 127.0.0.1:{ports['web']};\n"
    assert old in text
    return text.replace(old, listed).replace("listen 127.0.0.1:", "listen ")


@contextmanager
def _running(folder: Path) -> Iterator[Machines]:
    network = Network(delay_ms=DELAY_MS, jitter_ms=JITTER_MS)
    names = ("database", "web-1", "web-2", "edge", "crowd")
    database, first, second, front, crowd = (network.add(name) for name in names)
    ports = dict(zip(("http", "site", "web", "origin", "rtmp"), nginx.free_ports(5), strict=True))
    url = f"http://{front.address}:{ports['site']}"
    with network.running(), ExitStack() as stack:
        env = services.environment(
            folder,
            AMPHI_URL=url,
            AMPHI_DATABASE_URL=_database(stack, database),
            AMPHI_TICKET_KEY="a-key-of-this-test-" + "k" * 32,
            AMPHI_USE_MEETING_WEBINAR="1",
            AMPHI_TRUSTED_PROXIES=front.address,
        )
        with first.inside():
            services.python(env, "-m", "amphi", "migrate", "-v", "0")
            slug = services.python(env, "-c", edge.SEED, f"{url}/hls/room.m3u8").strip()
        for host in (first, second):
            (folder / host.name).mkdir()
            with host.inside():
                listen = f"{host.address}:{WEB_PORT}"
                answers = f"http://{listen}/healthz"
                services.serve(stack, env, folder / host.name, "web", "--http", listen, answers=answers)
        _ask_after_connections(front)
        with front.inside():
            bare = {name: value for name, value in env.items() if name != "AMPHI_TICKET_KEY"}
            http, rtmp = f"127.0.0.1:{ports['origin']}", f"127.0.0.1:{ports['rtmp']}"
            services.serve(
                stack, bare, folder, "origin", "--open", "--http", http, "--rtmp", rtmp, answers=f"http://{http}/healthz"
            )  # fmt: skip
            configuration = _site(folder, ports, (first, second))
            stack.enter_context(nginx.running_nginx(folder, configuration, port=ports["site"]))
            publisher = subprocess.Popen(edge.publish(f"rtmp://{rtmp}/live/room"), stderr=subprocess.DEVNULL)
            stack.callback(publisher.wait, PATIENCE_S)
            stack.callback(publisher.terminate)
        yield Machines(network, second, crowd, env, f"{url}/live/{slug}/")


def measure(machines: Machines, options: argparse.Namespace) -> dict[str, Any]:
    """Run the crowd, and part the second web host from the network meanwhile."""
    numbers = ("--listeners", str(options.listeners), "--viewers", str(options.viewers))
    command = [sys.executable, "-m", "amphi", "loadtest", machines.page, "--json", *numbers]
    command += [
        "--seconds",
        str(options.seconds),
        "--messages",
        str(MESSAGES_A_SECOND),
        "--leaving",
        "0",
        "--slow",
        "0",
    ]
    parting = threading.Timer(PARTED_AT * options.seconds, machines.network.part, [machines.second_web])
    with machines.crowd.inside():
        process = subprocess.Popen(command, env=machines.env, stdout=subprocess.PIPE, text=True)
    parting.start()
    found: dict[str, Any] = json.loads(process.communicate()[0])
    parting.cancel()
    return found | {"packets": machines.network.packets, "load": round(os.getloadavg()[0], 1)}


def what_is_wrong(found: dict[str, Any]) -> list[str]:
    """What of it must not be."""
    wrong = [f"{name}: {found[name]}" for name in ("lost", "doubled", "absent", "behind") if found[name]]
    if not found["streams_dropped"]:
        wrong.append("nobody was on the host that was parted")
    if found["message_longest_ms"] > 1000 * BACK_WITHIN_S:
        wrong.append(f"somebody heard nothing for {found['message_longest_ms'] / 1000:.1f} s")
    refused = sum(number for trouble, number in found["troubles"].items() if trouble.startswith("message"))
    if refused > MESSAGES_A_SECOND * BACK_WITHIN_S:
        wrong.append(f"{refused} messages were refused: {found['troubles']}")
    return wrong


def main(argv: list[str]) -> int:
    """Measure and print; 1 when it is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.machines")
    parser.add_argument("listeners", type=int, nargs="?", default=200)
    parser.add_argument("viewers", type=int, nargs="?", default=20)
    parser.add_argument("seconds", type=int, nargs="?", default=90)
    options = parser.parse_args(argv)
    scene.alone("tests.reliability.machines", argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # nothing that was started stays behind
    Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    with tempfile.TemporaryDirectory(prefix="amphi-machines-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "cache").mkdir()
        services.shared_folder = folder
        with _running(folder) as machines:
            found = measure(machines, options)
    wrong = what_is_wrong(found)
    sys.stdout.write(json.dumps(found | {"wrong": wrong}, indent=2) + "\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
