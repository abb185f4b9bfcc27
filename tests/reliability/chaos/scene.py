"""A demo on PostgreSQL, in a network of its own where each part reaches each other part at an address of that pair.

So a rule of the packet filter parts two of them and nobody else, and all rules are gone with the network. Needs root.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests import postgresql
from tests.clock import library, set_shift
from tests.demo.running import RunningDemo, free_base_port, start
from tests.reliability.chaos.authority import Authority, Front, fronted

ALONE = "CHAOS_ALONE"
CLOCKS = str(Path(__file__).parent / "clocks")
CLASSROOM, GATEWAY, ORIGIN, RTMP = 1, 2, 3, 4
LOOPBACK = "127.0.0.1"
ADDRESSES = {
    ("web", "postgresql"): "127.0.0.11",
    ("worker", "postgresql"): "127.0.0.12",
    ("web", "classroom"): "127.0.0.21",
    ("worker", "classroom"): "127.0.0.22",
    ("worker", "origin"): "127.0.0.31",
    ("classroom", "web"): "127.0.0.41",
}
"""At which address the one reaches the other; elsewhere it is `LOOPBACK`. Linux has all of 127.0.0.0/8 on its loopback."""
NAMES = {"gateway.test": LOOPBACK, "origin.test": "127.0.0.31"}
"""By which names the worker knows them, for as long as names are found. Not the meeting server: no gateway enters one at a name that leads home."""
TESTERS = "127.0.0.51"
"""Where the test itself reaches the web part."""
SETTINGS = """
import sys

part = sys.argv[1] if len(sys.argv) > 1 else ""
_host = {databases!r}.get(part, "127.0.0.1")
AMPHI_DATABASE_URL = f"postgresql://amphi@{{_host}}:{database_port}/postgres"
_host = {classrooms!r}.get(part, "127.0.0.1")
BBB_API_URL = f"http://{{_host}}:{classroom_port}/bigbluebutton"
AMPHI_URL = "http://{web}:{web_port}"
ALLOWED_HOSTS = ["{web}", "{testers}"]
LANGUAGE_CODE = "en"
"""
BY_TLS = """
BBB_API_URL = f"https://{{_host}}:{port}/bigbluebutton"
"""


def alone(module: str, argv: list[str]) -> None:
    """Go on in a network and with mounts of this process's own, which nothing leaves and nothing else sees."""
    if os.environ.get(ALONE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # A resolver that answers nothing.
        subprocess.run(["iptables", "-A", "OUTPUT", "-p", "udp", "--dport", "53", "-j", "DROP"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("This needs root, for networks and mounts of its own.")
    os.environ[ALONE] = "1"
    apart = ["unshare", "--net", "--mount", "--propagation", "private"]
    os.execvp(apart[0], [*apart, sys.executable, "-m", module, *argv])  # noqa: S606 -- no shell is wanted


def _call_by_name(folder: Path) -> Path:
    """Have names found in a file of our own, and else by a resolver that answers nothing."""
    hosts, resolver = folder / "hosts", folder / "resolv.conf"
    hosts.write_text(
        "".join(f"{address} {name}\n" for name, address in {"localhost": LOOPBACK, **NAMES}.items())
    )
    resolver.write_text("nameserver 127.0.0.99\n")
    for file, there in ((hosts, "/etc/hosts"), (resolver, "/etc/resolv.conf")):
        subprocess.run(["mount", "--bind", file, there], check=True)
    return hosts


def _small_disk(folder: Path) -> None:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", folder], check=True)
    (folder / "tmp").mkdir()


def _ways_to(end: str) -> dict[str, str]:
    return {one: address for (one, other), address in ADDRESSES.items() if other == end}


@dataclass
class Scene:
    """What runs."""

    demo: RunningDemo
    database: postgresql.Server
    folder: Path
    hosts: Path
    authority: Authority
    front: Front

    @contextmanager
    def meeting_server_by_tls(self) -> Iterator[None]:
        """Web and worker ask it by https from their next start on."""
        file = self.folder / "settings_local.py"
        before = file.read_text()
        file.write_text(before + BY_TLS.format(port=self.front.ports[self.port(CLASSROOM)]))
        yield
        file.write_text(before)

    @property
    def disk(self) -> Path:
        """Where all but the database keep what they keep."""
        return self.demo.var

    def resize_disk(self, size: str) -> None:
        """Make it so large, as ``mount`` takes sizes."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.disk], check=True)

    def set_clock(self, part: str, ahead_s: int) -> None:
        """Step the clock of a part; it must run with `clocks`."""
        set_shift(self.folder / part, ahead_s)

    def postgres(self) -> list[psutil.Process]:
        """All processes of the database server."""
        pid = int((Path(self.database.folder) / "data" / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]

    def port(self, offset: int) -> int:
        return self.demo.port + offset

    @property
    def tester_url(self) -> str:
        return f"http://{TESTERS}:{self.demo.port}"

    def port_of(self, part: str) -> int:
        """Where it listens."""
        offsets = {"web": 0, "classroom": CLASSROOM, "gateway": GATEWAY, "origin": ORIGIN, "rtmp": RTMP}
        return self.database.port if part == "postgresql" else self.port(offsets[part])

    def black_hole(self, one: str, other: str) -> "Rules":
        """Between two parts, from the first that asks to the second that answers: nothing arrives, and nobody is told."""
        host, port = ADDRESSES.get((one, other), LOOPBACK), str(self.port_of(other))
        ways = (["-d", host, "--dport", port], ["-s", host, "--sport", port])
        return Rules([["OUTPUT", "-p", "tcp", *way, "-j", "DROP"] for way in ways])

    def diverted(self, one: str, other: str, port: int) -> "Rules":
        """What the one asks the other from now on arrives at another `port`."""
        host = ADDRESSES.get((one, other), LOOPBACK)
        way = ["-p", "tcp", "-d", host, "--dport", str(self.port_of(other))]
        return Rules([["OUTPUT", "-t", "nat", *way, "-j", "DNAT", "--to-destination", f"{LOOPBACK}:{port}"]])


class Rules:
    """Rules of the packet filter, for as long as the block lasts."""

    def __init__(self, rules: list[list[str]]) -> None:
        self._rules = rules

    def __enter__(self) -> None:
        for rule in self._rules:
            subprocess.run(["iptables", "-A", *rule], check=True)

    def __exit__(self, *_: object) -> None:
        for rule in self._rules:
            subprocess.run(["iptables", "-D", *rule], check=True)


def _clocks(folder: Path) -> dict[str, str]:
    for part in ("web", "worker", "gateway", "origin", "classroom"):
        set_shift(folder / part, 0)
    return {
        "CHAOS_CLOCKS": str(folder),
        "CHAOS_LIBRARY": str(library()),
        "PYTHONPATH": os.pathsep.join([CLOCKS, os.environ.get("PYTHONPATH", "")]),
    }


def _trusting(authority: Authority, home: Path) -> dict[str, str]:
    """All parts trust it, as an operator's machines trust theirs; nothing else: this network leads nowhere."""
    authority.believed_by_browsers(home)
    file = str(authority.file)
    return {"HOME": str(home), "SSL_CERT_FILE": file, "AMPHI_GATEWAY_CA_FILE": file}


@contextmanager
def opened(folder: Path, *, clocks: bool = False) -> Iterator[Scene]:
    """Run everything until the block is left; with `clocks`, each part has one of its own."""
    hosts = _call_by_name(folder)
    _small_disk(folder / "var")
    database = postgresql.start(addresses="*")
    try:
        port = free_base_port()
        file = folder / "settings_local.py"
        file.write_text(
            SETTINGS.format(
                databases=_ways_to("postgresql"),
                classrooms=_ways_to("classroom"),
                database_port=database.port,
                classroom_port=port + CLASSROOM,
                web=ADDRESSES["classroom", "web"],
                testers=TESTERS,
                web_port=port,
            )
        )
        own = {"AMPHI_SETTINGS": str(file), "AMPHI_GATEWAY_FPS": "5", "TMPDIR": str(folder / "var" / "tmp")}
        own |= _clocks(folder) if clocks else {}
        authority = Authority(folder, ["localhost", *NAMES, *ADDRESSES.values()])
        own |= _trusting(authority, folder / "home")
        os.environ.update(own)
        host = ("--host", "0.0.0.0", "--url", f"http://{LOOPBACK}:{port}")
        with fronted(folder, authority, [port + CLASSROOM, port + RTMP]) as front:
            demo = start(folder / "var", *host, port=port, **own)
            try:
                demo.wait_until_ready()
                os.environ.update(demo.environment())
                yield Scene(demo, database, folder, hosts, authority, front)
            finally:
                demo.stop()
    finally:
        database.stop()
