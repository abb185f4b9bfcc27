"""A crowd through nginx: the site of ``deploy/nginx`` before a real `amphi web` on PostgreSQL and an `amphi origin`, with `amphi loadtest`.

Run it as ``python -m bench.edge [LISTENERS [VIEWERS [SECONDS [MESSAGES]]]]``; with ``--restart`` the web server is restarted in the
middle, with ``--workers N`` it has so many processes, with ``--part-ms MS`` parts are so long, with ``--slow PERCENT`` so many
listeners have a slow line. Needs root, since nginx, the origin and the load test have priority. Prints what each part cost, and how many requests of a part reached the origin.
``--tls`` does it without TLS and then with it, and says how much more it cost; with ``--browsers N`` so many real Chromium watch, first
in an empty house and then in the crowd.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from amphi.loadtest.crowd import Plan
from bench import _watchers
from tests import nginx, postgresql, services

PATIENCE_S = 60.0
SEED = """
import sys
import django
django.setup()
from amphi.webinars import transitions
from tests.factories import make_gateway, make_webinar
webinar = make_webinar(name="Amphi plein", gateway=make_gateway("room", hls_url=sys.argv[1]))
for trigger in (transitions.GO_LIVE, transitions.MEDIA_SEEN):
    transitions.apply(webinar, trigger, user=None)
event = webinar.event
type(event).objects.filter(pk=event.pk).update(guests_may_write=True)
event.broadcaster.has_tickets = True
event.broadcaster.save()
print(event.slug)
"""
KBIT_S = 500
"""Of the picture: what counts here is how often it is asked for; 1,500 viewers of a real one would be 4 Gbit/s."""
UNITS_NICE = -7
"""Weighs as much as `CPUWeight=480` in deploy/systemd (`sched_prio_to_weight` in Linux's kernel/sched/core.c)."""
OWN_NICE = -12
NOT_SHIPPED = ("ssl_", "listen [::]")
"""Lines of the site that are left out: plain HTTP, and IPv4 alone."""
NOBODY = ("-", "unix:/dev/null")
"""Whom nginx asked, in its log, where that was nobody."""
KEYS = "/etc/letsencrypt/live/amphi.univ.fr"


def site(folder: Path, ports: dict[str, int], certificate: nginx.Certificate | None = None) -> str:
    """The shipped site, with this run's ports and folders; without TLS where there is no certificate."""
    by_tls = {f"{KEYS}/fullchain.pem": "", f"{KEYS}/privkey.pem": ""}
    listen = ""
    if certificate:
        listen = " ssl http2"
        by_tls = {f"{KEYS}/fullchain.pem": str(certificate.file), f"{KEYS}/privkey.pem": str(certificate.key)}
    replaced = {
        **by_tls,
        "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
        "127.0.0.1:8003": f"127.0.0.1:{ports['origin']}",
        "listen 80;": f"listen 127.0.0.1:{ports['http']};",
        "listen 443 ssl http2": f"listen 127.0.0.1:{ports['site']}{listen}",
        "/var/cache/nginx/amphi": str(folder / "cache"),
        "/var/lib/amphi": str(folder),
        "/var/log/nginx/amphi.log": str(folder / "access.log"),
        "/var/log/nginx/error.log": str(folder / "error.log"),
        "X-Forwarded-Proto https": f"X-Forwarded-Proto {'https' if certificate else 'http'}",
        "amphi.univ.fr": "localhost",
    }
    # Nobody's secrets: what nginx says of failed requests is counted.
    text = nginx.adapted("amphi.conf", **replaced).replace("error.log emerg;", "error.log warn;")
    left_out = NOT_SHIPPED[1:] if certificate else NOT_SHIPPED
    return "".join(f"{line}\n" for line in text.splitlines() if not line.strip().startswith(left_out))


def configuration(folder: Path, ports: dict[str, int], certificate: nginx.Certificate | None) -> str:
    """Nginx as the guide has it: a process a core, and its limits."""
    whole = nginx.frame(
        folder, http=site(folder, ports, certificate), modules=("ngx_http_brotli_static_module.so",)
    )
    # As Debian's nginx.conf has it.
    whole = whole.replace("http {\n", "http {\n  sendfile on;\n  tcp_nopush on;\n")
    limits = (nginx.DEPLOY / "limits.conf").read_text()
    return limits + whole.replace("worker_processes 1;", "worker_processes auto;").replace(
        "worker_connections 512;", "worker_connections 32768;"
    )


def edge_errors(folder: Path) -> dict[str, object]:
    """What nginx said of failed requests, the most frequent first; and how often who waited for another's part looked again, which is none."""
    said = re.compile(r"\] \d+#\d+: (?:\*\d+ )?([^,]*)")
    with (folder / "error.log").open() as lines:
        found = Counter(re.sub(r"\d+|\".*", "", one[1]) for line in lines if (one := said.search(line)))
    looks = [what for what in found if "unix:/dev/null" in what]
    return {"looked_again": sum(map(found.pop, looks)), "errors": dict(found.most_common(5))}


class Web:
    """The web server, which can be restarted."""

    def __init__(self, env: services.Environment, folder: Path, port: int, workers: int) -> None:
        self._env, self._folder = env, folder
        self._address = f"127.0.0.1:{port}"
        self._workers = ("--workers", str(workers)) if workers > 1 else ()
        self._stack = contextlib.ExitStack()
        self.pid = 0
        self.restarted: dict[str, float] = {}

    def start(self) -> None:
        process = services.serve(
            self._stack, self._env, self._folder, "web", "--http", self._address, *self._workers,
            answers=f"http://{self._address}/healthz",
        )  # fmt: skip
        self.pid = process.pid

    def stop(self) -> None:
        self._stack.close()

    def restart(self) -> None:
        """Restart it; `restarted` says how long it took to end, and then to begin."""
        times = [time.monotonic()]
        for step in (self.stop, self.start):
            step()
            times.append(time.monotonic())
        self.restarted = {"ended_s": round(times[1] - times[0], 1), "began_s": round(times[2] - times[1], 1)}


@dataclass(frozen=True)
class Hall:
    """All that runs: the live page, the process of each part, the web server and its environment."""

    page: str
    pids: dict[str, int]
    web: Web
    env: services.Environment
    certificate: nginx.Certificate | None = None

    def costs(self) -> dict[str, tuple[float, float]]:
        """What each part has used."""
        return {name: cost(pid) for name, pid in {**self.pids, "web": self.web.pid}.items()}


@contextlib.contextmanager
def running(folder: Path, *, workers: int, part_ms: int, tls: bool = False) -> Iterator[Hall]:
    """All of it; the live page's address, the process of each part, and what starts the web server anew."""
    (folder / "cache").mkdir()
    ports = dict(zip(("http", "site", "web", "origin", "rtmp"), nginx.free_ports(5), strict=True))
    certificate = nginx.make_certificate(folder) if tls else None
    url = f"{'https' if tls else 'http'}://localhost:{ports['site']}"
    with postgresql.running() as database, contextlib.ExitStack() as stack:
        env = services.environment(
            folder,
            AMPHI_URL=url,
            AMPHI_DATABASE_URL=database,
            AMPHI_TICKET_KEY="a-key-of-this-bench-" + "k" * 32,
            AMPHI_USE_MEETING_WEBINAR="1",
            AMPHI_AUDIENCE_MAX_LISTENERS="20000",
        )
        services.python(env, "-m", "amphi", "migrate", "-v", "0")
        slug = services.python(env, "-c", SEED, f"{url}/hls/room.m3u8").strip()
        web = Web(env, folder, ports["web"], workers)
        stack.callback(web.stop)
        web.start()
        bare = {name: value for name, value in env.items() if name != "AMPHI_TICKET_KEY"}
        bare["AMPHI_ORIGIN_PART_MS"] = str(part_ms)
        origin_http, rtmp = f"127.0.0.1:{ports['origin']}", f"127.0.0.1:{ports['rtmp']}"
        origin = services.serve(
            stack, bare, folder, "origin", "--open", "--http", origin_http, "--rtmp", rtmp,
            answers=f"http://{origin_http}/healthz",
        )  # fmt: skip
        stack.enter_context(
            nginx.running_nginx(folder, configuration(folder, ports, certificate), port=ports["site"])
        )
        publisher = subprocess.Popen(publish(f"rtmp://{rtmp}/live/room"), stderr=subprocess.DEVNULL)
        stack.callback(publisher.wait, PATIENCE_S)
        stack.callback(publisher.terminate)
        wait_for_picture(f"http://{origin_http}/hls/room.m3u8", publisher)
        psutil.Process(publisher.pid).nice(UNITS_NICE)
        pids = {"origin": origin.pid, "nginx": int((folder / "nginx.pid").read_text())}
        yield Hall(f"{url}/live/{slug}/", pids, web, env, certificate)


def wait_for_picture(url: str, publisher: "subprocess.Popen[bytes]") -> None:
    """Wait until the origin has the stream: whoever asks before is answered that there is none."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(HTTPError), urlopen(url, timeout=5):  # noqa: S310 -- our own origin
            return
        if publisher.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError("the origin has no picture")
        time.sleep(0.1)


def publish(url: str) -> list[str]:
    """A picture and a sound, in real time."""
    return [
        "ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-c:v", "libx264", "-preset", "ultrafast",
        "-b:v", f"{KBIT_S}k", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-f", "flv", url,
    ]  # fmt: skip


def family(pid: int) -> list[psutil.Process]:
    """A process and those that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cost(pid: int) -> tuple[float, float]:
    """Processor seconds and MiB of a process with its children."""
    all_ = family(pid)
    times = [one.cpu_times() for one in all_]
    return sum(one.user + one.system for one in times), sum(one.memory_info().rss for one in all_) / 2**20


def origin_requests(folder: Path) -> dict[str, object]:
    """From nginx's log, where what the cache had does not stand: how often a part came from the origin, and how many answers were none.

    Nginx keeps nothing of a fetch whose listener left before the answer began: somebody who waited fetches the part anew.
    """
    fetched: Counter[str] = Counter()
    left = 0
    statuses: Counter[str] = Counter()
    # The address, the status, the bytes, the time, what the cache says of it, and who was asked last.
    pattern = re.compile(r'"GET /t/\.\.\.(/hls/\S+)" (\d+) (\d+) [\d.]+ \S+ (?:unix:/dev/null : )*(\S+)')
    with (folder / "access.log").open() as lines:
        for line in lines:
            if (found := pattern.search(line)) is None:
                continue
            statuses[found[2]] += 1
            if found[4] not in NOBODY and "/p" in found[1]:
                fetched[found[1]] += 1
                left += found[3] == "0"
    return {
        "not_200": statuses.total() - statuses["200"],
        "parts_from_origin": len(fetched),
        "parts_asked_twice": sum(count > 1 for count in fetched.values()),
        "fetches_whose_listener_left": left,
    }


@contextlib.contextmanager
def browsers(
    hall: Hall, options: argparse.Namespace, found: dict[str, object]
) -> Iterator[_watchers.Watchers | None]:
    """Real browsers, first in an empty house and then beside what the block does; their figures are `found`."""
    if not options.browsers:
        yield None
        return
    trusted = [f"--ignore-certificate-errors-spki-list={hall.certificate.spki}"] if hall.certificate else []
    with _watchers.watching(hall.page, options.browsers, *trusted) as watchers:
        alone = watchers.alone(options.seconds)
        watchers.begin()
        yield watchers
        found["browsers"] = {"alone": alone, "in_the_crowd": watchers.end()}


def measure(options: argparse.Namespace, folder: Path, *, tls: bool = False) -> tuple[int, dict[str, object]]:
    """Run the crowd; its status, and what it and all else cost."""
    watched: dict[str, object] = {}
    with (
        running(folder, workers=options.workers, part_ms=options.part_ms, tls=tls) as hall,
        browsers(hall, options, watched) as watchers,
    ):
        before = hall.costs()
        process = subprocess.Popen(loadtest(hall, options), env=hall.env, stdout=subprocess.PIPE, text=True)
        prioritise(process.pid, hall)
        restart = threading.Timer(0.7 * options.seconds, hall.web.restart)
        if options.restart:
            restart.start()
        peaks: dict[str, float] = {}
        in_full = False
        all_there = time.monotonic() + Plan(options.listeners, 0, options.seconds, 0, 0, 0).all_s
        while process.poll() is None:
            time.sleep(2)
            if watchers and not in_full and time.monotonic() > all_there:
                in_full = True
                watchers.look()
            with contextlib.suppress(psutil.NoSuchProcess):
                for name, (_cpu_s, mib) in hall.costs().items():
                    peaks[name] = max(peaks.get(name, 0.0), mib)
        output = process.communicate()[0]
        found: dict[str, object] = {
            "loadtest": json.loads(output or "null"),
            "edge": {**origin_requests(folder), **edge_errors(folder)},
        }
        for name, (cpu_s, mib) in hall.costs().items():
            was_s, was_mib = before[name]
            most = peaks.get(name, mib)
            found[name] = {
                # A web server that was started anew has used nothing before.
                "cpu_s": round(cpu_s if cpu_s < was_s else cpu_s - was_s, 1),
                "mib_at_most": round(most),
                "kib_per_listener": round((most - was_mib) * 1024 / options.listeners, 1),
            }
        found["load"] = round(os.getloadavg()[0], 1)
        if options.restart:
            found["restart"] = hall.web.restarted
    return process.returncode, found | watched


def prioritise(loadtest_pid: int, hall: Hall) -> None:
    """Give nginx and the origin the priority that their units have, and the load test one above: what it sees late is then late.

    Raises:
        psutil.AccessDenied: the user may not.
    """
    for pid in hall.pids.values():
        for one in family(pid):
            one.nice(UNITS_NICE)
    psutil.Process(loadtest_pid).nice(OWN_NICE)


def dearer(plain: dict[str, Any], secret: dict[str, Any]) -> dict[str, float]:
    """How many times as much processor time each part took by TLS."""
    parts = {
        name: secret[name]["cpu_s"] / plain[name]["cpu_s"]
        for name in ("nginx", "web")
        if plain[name]["cpu_s"]
    }
    own = secret["loadtest"]["own"]["cpu_share"] / plain["loadtest"]["own"]["cpu_share"]
    return {name: round(value, 2) for name, value in {**parts, "loadtest": own}.items()}


def loadtest(hall: Hall, options: argparse.Namespace) -> list[str]:
    """The command."""
    trusted = ("--ca", str(hall.certificate.file)) if hall.certificate else ()
    numbers = {
        name: str(getattr(options, name)) for name in ("listeners", "viewers", "seconds", "messages", "slow")
    }
    return [
        *(sys.executable, "-m", "amphi", "loadtest", hall.page, "--json", *trusted),
        *(word for name, value in numbers.items() for word in (f"--{name}", value)),
    ]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge")
    parser.add_argument("listeners", type=int, nargs="?", default=1000)
    parser.add_argument("viewers", type=int, nargs="?", default=150)
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("messages", type=float, nargs="?", default=5)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--part-ms", type=int, default=200)
    parser.add_argument("--slow", type=float, default=2)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--browsers", type=int, default=0)
    options = parser.parse_args([] if argv is None else argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        services.shared_folder = folder
        (folder / "plain").mkdir()
        status, found = measure(options, folder / "plain")
        if options.tls:
            (folder / "tls").mkdir()
            by_tls, secret = measure(options, folder / "tls", tls=True)
            status |= by_tls
            found = {"plain": found, "tls": secret, "times_as_much": dearer(found, secret)}
    print(json.dumps(found, indent=1))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
