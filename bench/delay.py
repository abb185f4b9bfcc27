"""How old the picture is on a listener's screen, and how often it stands still, on good and poor lines; nginx-rtmp's HLS as the peer.

One ffmpeg publishes a clock to both servers; the platform's player plays them in Chromium, one after the other, over a line that is made of two TUN devices
(`bench/_line.py`). What a meeting and a gateway add before is not in these figures. Run it as ``python -m bench.delay [SECONDS [LINE…]]``: some eight minutes with
60 seconds. It prints a line of JSON for each measurement, and at the end the table for docs/benchmarks.md.
"""

import asyncio
import contextlib
import http.server
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page, async_playwright

from amphi.rehearsal import clock
from amphi.system import vendor
from bench._line import Kind, Line, browsers_network, line
from bench.origin import _free_port, _running

SECONDS = 30
WARM_S = 15
PATIENCE_S = 60.0
FPS = 25
MOBILE = {"round_trip_ms": 60, "jitter_ms": 20, "loss": 0.01, "mbit_per_s": 4}
LINES = (
    Kind("clean"),
    Kind("4G", **MOBILE),
    Kind("4G, cubic", **MOBILE, congestion="cubic"),
    Kind("1.5 Mbit/s", round_trip_ms=60, jitter_ms=20, mbit_per_s=1.5),
)
OURS, PEER = "amphi origin", "nginx-rtmp"
STILL_S = 0.2
"""Pictures that are further apart than this stood still."""
TOOLS = ("ffmpeg", "nginx", "chromium-headless-shell", "unshare", "nsenter", "ip")
ALONE = "BENCH_ALONE"
"""Set in the environment once the process has a network of its own."""
CLOCK = (800, 360)
FRAME, CELL = 30, (74, 75)
MAGENTA, WHITE, BLACK = b"\xff\x00\xff", b"\xff\xff\xff", b"\0\0\0"
NGINX = """
load_module modules/ngx_rtmp_module.so; user root;
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 256; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{
  live on; wait_video on; hls on; hls_path {folder}/hls; hls_nested on; hls_fragment 1s; hls_playlist_length 12s;
  hls_fragment_naming system; hls_continuous on;
}} }} }}
http {{
  access_log off; types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}; add_header Access-Control-Allow-Origin *; add_header Cache-Control no-cache; }}
}}
"""
FOLDERS = {
    "/live/": Path(__file__).parents[1] / "src/amphi/pages/static/live",
    "/rehearsal/": Path(__file__).parents[1] / "src/amphi/rehearsal/static",
    "/vendor/hls.js/": vendor.library("hls.js/dist"),
    "/page/": Path(__file__).parent,
    "/": Path(__file__).parents[1] / "src/amphi/pages/static",
}


class _Pages(http.server.SimpleHTTPRequestHandler):
    """The player's files, as the platform serves them."""

    def translate_path(self, path: str) -> str:
        path = path.partition("?")[0]
        for prefix, folder in FOLDERS.items():
            if path.startswith(prefix):
                return str(folder / Path(path).name)
        return "/nonexistent"

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def _pages() -> Iterator[int]:
    _Pages.extensions_map |= {".mjs": "text/javascript", ".js": "text/javascript"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def _drawn(now_ms: int) -> bytes:
    """A picture of the clock, three bytes a pixel."""
    bits = clock.encode(1, now_ms)
    edge = MAGENTA * CLOCK[0] * FRAME
    rows = []
    for row in range(clock.ROWS):
        cells = bits[row * clock.COLUMNS : (row + 1) * clock.COLUMNS]
        line = b"".join((WHITE if bit else BLACK) * CELL[0] for bit in cells)
        rows.append((MAGENTA * FRAME + line + MAGENTA * FRAME) * CELL[1])
    return edge + b"".join(rows) + edge


def _draw(pipe: Any, stop: threading.Event) -> None:
    """Write pictures at their pace: one that is late is left out, as a camera does."""
    started, number = time.monotonic(), 0
    with contextlib.suppress(OSError):
        while not stop.is_set():
            time.sleep(max(0.0, started + number / FPS - time.monotonic()))
            pipe.write(_drawn(time.time_ns() // 1_000_000))
            number += 1
    pipe.close()


@contextlib.contextmanager
def _publishing(*urls: str) -> Iterator[None]:
    """A clock on noise that takes 2.5 Mbit/s, and a tone."""
    size = f"{CLOCK[0]}x{CLOCK[1]}"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-probesize", "32", "-fflags", "nobuffer"]
    command += ["-use_wallclock_as_timestamps", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-video_size", size, "-framerate", str(FPS), "-i", "pipe:0", "-re", "-f", "lavfi"]
    command += ["-i", "sine=r=48000:samples_per_frame=1024"]
    command += ["-vf", "pad=1280:720:240:180:gray,noise=alls=9:allf=t,format=yuv420p", "-c:v", "libx264"]
    command += ["-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "2400k", "-maxrate", "2400k"]
    command += ["-bufsize", "600k", "-g", str(FPS), "-c:a", "aac", "-flags", "+global_header"]
    command += ["-map", "0:v", "-map", "1:a", "-f", "tee", "|".join(f"[f=flv]{url}" for url in urls)]
    process, stop = subprocess.Popen(command, stdin=subprocess.PIPE), threading.Event()
    drawing = threading.Thread(target=_draw, args=(process.stdin, stop))
    drawing.start()
    try:
        yield
    finally:
        stop.set()
        drawing.join()
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[dict[str, tuple[int, str]]]:
    """Both servers with a live stream: by name, the port and the path of the playlist."""
    ports = [_free_port() for _ in range(4)]
    (folder / "hls").mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, rtmp=ports[2], port=ports[3]))
    os.environ["AMPHI_ORIGIN_ENCODERS"] = "1"
    addresses = ("--rtmp", f"127.0.0.1:{ports[0]}", "--http", f"127.0.0.1:{ports[1]}")
    with (
        _running(sys.executable, "-m", "amphi", "origin", "--open", *addresses),
        _running("nginx", "-c", str(folder / "nginx.conf")),
    ):
        found = {OURS: (ports[1], "/hls/x.m3u8"), PEER: (ports[3], "/hls/x/index.m3u8")}
        _answers(f"http://127.0.0.1:{ports[1]}/healthz")
        with _publishing(*(f"rtmp://127.0.0.1:{port}/live/x" for port in (ports[0], ports[2]))):
            for port, path in found.values():
                _answers(f"http://127.0.0.1:{port}{path}")
            yield found


def _answers(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.2)
    raise TimeoutError(url)


async def _listen(page: Page, way: Line, seconds: float) -> dict[str, float]:
    """What a listener gets: seconds, the part of the time that the picture stood still, bits a second, the picture's height."""
    await page.wait_for_function("() => rehearsalWatch.frames.length > 0", timeout=PATIENCE_S * 1000)
    await asyncio.sleep(WARM_S)
    since = await page.evaluate("() => { waitedMs = 0; return Date.now(); }")
    before = way.passed_bytes
    await asyncio.sleep(seconds)
    found = await page.evaluate(
        "() => ({ until: Date.now(), frames: rehearsalWatch.frames, shown: shownAt, height: player.height, aim: player.aim, waited: waitedMs })"
    )
    passed = way.passed_bytes - before
    ages = sorted(one["age"] / 1000 for one in found["frames"] if one["at"] >= since)
    shown = [since, *(at for at in found["shown"] if at >= since), found["until"]]
    apart = [(after - before) / 1000 for before, after in itertools.pairwise(shown)]
    stood = sum(each for each in apart if each > STILL_S)
    return {
        "read": len(ages),
        "p50_s": round(statistics.median(ages), 2) if ages else float("nan"),
        "p95_s": round(ages[len(ages) * 95 // 100], 2) if ages else float("nan"),
        "stalled_percent": round(found["waited"] / seconds / 10, 2),
        "far_apart_percent": round(100 * stood / seconds, 2),
        "aim_s": round(found["aim"] or float("nan"), 2),
        "mbit_per_s": round(passed * 8 / seconds / 1e6, 2),
        "height": found["height"],
    }


@contextlib.asynccontextmanager
async def _browser(network: int, folder: Path) -> AsyncIterator[Browser]:
    """A Chromium that stands at the far end of the lines."""
    program = folder / "chromium"
    program.write_text(
        f'#!/bin/sh\nexec nsenter --net=/proc/{network}/ns/net {shutil.which("chromium-headless-shell")} "$@"\n'
    )
    program.chmod(0o755)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=["--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        await browser.close()


async def _measure(seconds: float, kinds: list[Kind]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        _pages() as pages_port,
        _servers(Path(name)) as servers,
        browsers_network() as network,
    ):
        async with _browser(network, Path(name)) as browser, line(Kind("pages"), 0, network) as pages:
            page_url = f"{await pages.lead_to(pages_port)}/page/_delay_page.html"
            cases = itertools.product(kinds, servers.items())
            for number, (kind, (server, (port, path))) in enumerate(cases, 1):
                if server == PEER and kind.congestion != "bbr":
                    continue
                load = os.getloadavg()[0]
                async with line(kind, number, network) as way:
                    page = await browser.new_page()
                    await page.goto(f"{page_url}?url={await way.lead_to(port)}{path}")
                    found = await _listen(page, way, seconds)
                    await page.close()
                rows.append({"line": kind.name, "server": server, "load": round(load, 1), **found})
                print(json.dumps(rows[-1]), flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The table of docs/benchmarks.md."""
    lines = [
        "| Line | Server | Half | 95 % | Standing still | Picture | Taken |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['line']} | {row['server']} | {row['p50_s']:.2f} s | {row['p95_s']:.2f} s | {row['stalled_percent']:.2f} %"
        f" | {row['height']} lines | {row['mbit_per_s']:.2f} Mbit/s |"
        for row in rows
    ]
    return "\n".join(lines)


def _again_in_a_network_of_its_own(arguments: list[str]) -> int:
    """Run this where devices can be made without touching the machine's network; root is not needed."""
    enter = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    command = [*enter, sys.executable, "-m", "bench.delay", *arguments]
    return subprocess.run(command, check=False, env=os.environ | {ALONE: "1"}).returncode


def main(seconds: float = SECONDS, *names: str) -> int:
    """Measure, and print the table; 0 unless it can't, since only an idle machine says anything."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"needs {', '.join(missing)}", file=sys.stderr)
        return 1
    if not os.environ.get(ALONE):
        return _again_in_a_network_of_its_own([str(seconds), *names])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for variable in ("AMPHI_TICKET_KEY", "AMPHI_ORIGIN_ON_PUBLISH", "AMPHI_ORIGIN_ON_PUBLISH_DONE"):
        os.environ.pop(variable, None)
    print(table(asyncio.run(_measure(seconds, [kind for kind in LINES if not names or kind.name in names]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2]), *sys.argv[2:]))
