"""The origin's parts and playlists a CPU second, against nginx serving the same bytes from a file."""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

SECONDS = 3
ROUNDS = 2
CONNECTIONS = 64
PATIENCE_S = 60.0
NUMBERED = """
local number = 0
request = function() number = number + 1; wrk.headers["X-Number"] = number; return wrk.format() end
"""
"""Gives each request a header of its own, as if no two players asked in the same words."""
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _running(*command: str) -> Iterator[int]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _fetch(url: str) -> bytes:
    """What is at an address, once it answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(url, timeout=PATIENCE_S)
            if answer.is_success:
                return answer.content
        if time.monotonic() > deadline:
            raise TimeoutError(url)
        time.sleep(0.1)


def _publish(url: str) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25"]
    command += ["-f", "lavfi", "-i", "sine", "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25"]
    command += ["-b:v", "2500k", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", url]
    subprocess.run(command, check=True, timeout=PATIENCE_S, stderr=subprocess.DEVNULL)


def _cpu_s(pid: int) -> float:
    """The CPU time that a process and its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for each in (str(pid), *children):
        user, system = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def _requests_per_cpu_second(url: str, pid: int, script: Path | None) -> float:
    """Counted by the server's CPU time, so that a busy machine does not blur it."""
    before = _cpu_s(pid)
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{SECONDS}s",
        *(["-s", str(script)] if script else []),
        url,
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout
    if "Non-2xx" in output:
        raise RuntimeError(f"{url} did not always answer 200")
    found = re.search(r"(\d+) requests in", output)
    if found is None:
        raise RuntimeError("wrk gave no number")
    return int(found[1]) / (_cpu_s(pid) - before)


def _measure(folder: Path, origin: tuple[str, int], nginx: tuple[str, int]) -> None:
    media = f"{origin[0]}/hls/bench/main.m3u8"
    playlist = _fetch(media)
    parts = re.findall(r'#EXT-X-PART:.*URI="([^"]+)"', playlist.decode())
    addresses = {"playlist": media, "part": f"{origin[0]}/hls/bench/{parts[-6]}"}
    numbered = folder / "numbered.lua"
    numbered.write_text(NUMBERED)
    print(f"requests a CPU second; load {os.getloadavg()[0]:.1f}")
    print(f"{'':<28}{'bytes':>8}{'origin':>10}{'nginx':>10}{'ratio':>8}")
    for (name, url), script in itertools.product(addresses.items(), (None, numbered)):
        content = _fetch(url)
        (folder / name).write_bytes(content)
        ours, theirs = 0.0, 0.0
        for _ in range(ROUNDS):
            ours = max(ours, _requests_per_cpu_second(url, origin[1], script))
            theirs = max(theirs, _requests_per_cpu_second(f"{nginx[0]}/{name}", nginx[1], script))
        row = f"{name}, all in other words" if script else name
        print(f"{row:<28}{len(content):>8}{ours:>10.0f}{theirs:>10.0f}{ours / theirs:>8.2f}")


def main() -> int:
    """Measure, and print a table."""
    missing = [tool for tool in ("ffmpeg", "nginx", "wrk") if shutil.which(tool) is None]
    if missing:
        print(f"needs {', '.join(missing)}", file=sys.stderr)
        return 1
    rtmp, http, nginx = _free_port(), _free_port(), _free_port()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)
        configuration = folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=nginx))
        for variable in ("AMPHI_TICKET_KEY", "AMPHI_ORIGIN_ON_PUBLISH", "AMPHI_ORIGIN_ON_PUBLISH_DONE"):
            os.environ.pop(variable, None)
        addresses = ("--rtmp", f"127.0.0.1:{rtmp}", "--http", f"127.0.0.1:{http}")
        origin_pid = running.enter_context(
            _running(sys.executable, "-m", "amphi", "origin", "--open", *addresses)
        )
        nginx_pid = running.enter_context(_running("nginx", "-c", str(configuration)))
        _fetch(f"http://127.0.0.1:{http}/healthz")
        _publish(f"rtmp://127.0.0.1:{rtmp}/live/bench")
        _measure(folder, (f"http://127.0.0.1:{http}", origin_pid), (f"http://127.0.0.1:{nginx}", nginx_pid))
    return 0
