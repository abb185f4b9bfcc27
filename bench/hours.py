"""Whether the origin's memory grows in eight hours of a live, which one publisher sends as fast as the origin takes them.

Run it as ``python -m bench.hours [HOURS]``. It is recorded, with the slate ready, and a player follows by blocking requests. One thing is not as
shipped: a publisher's share of the processor is lifted (`amphi.origin.shares`), by which the origin would read this one slowly.
"""

import contextlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from amphi.system.tickets import EVENT_HEADER, KEEP_HEADER, TITLE_HEADER
from bench.origin import _cpu_s, _fetch, _free_port, _running

HOURS = 8
FILM_S = 20
SETTLED_HOURS = 0.25
PATIENCE_S = 30.0
LIFTED = "import sys; from amphi.origin import shares; shares.SHARE = 1.0; from amphi.cli import main; sys.exit(main())"
NUMBER = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")
EVENT = 7


class _Platform(http.server.BaseHTTPRequestHandler):
    """Answers ``on_publish`` as the platform does: who may publish, and that it is recorded."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        for name, value in ((EVENT_HEADER, str(EVENT)), (KEEP_HEADER, "1"), (TITLE_HEADER, "Hours")):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def _platform() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Platform)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def _film(file: Path) -> None:
    """Pictures and sound of 25 frames a second and of 48 kHz, as a gateway sends: a live's memory is its number of frames, not their size."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"]
    command += ["-f", "lavfi", "-i", "sine=r=48000", "-t", str(FILM_S), "-c:v", "libx264", "-g", "25"]
    command += ["-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-b:v", "250k"]
    command += ["-maxrate", "250k", "-bufsize", "250k", "-c:a", "aac", "-b:a", "64k", str(file)]
    subprocess.run(command, check=True, timeout=FILM_S * 20)


def _sending(film: Path, url: str, hours: float) -> list[str]:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
    return [*command, "-t", str(hours * 3600), "-f", "flv", url]


class _Player(threading.Thread):
    """Follows the live: waits for each part and fetches the newest one."""

    def __init__(self, http: str) -> None:
        super().__init__(daemon=True)
        self._media = f"{http}/hls/hours/main.m3u8"
        self.requests = 0
        self.first: int | None = None
        self.media_s = 0
        self.ended = False

    def run(self) -> None:
        query = ""
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not self.ended:
                answer = client.get(self._media + query)
                self.requests += 1
                if not answer.is_success:
                    query = ""
                    continue
                query = self._read(client, answer.text)

    def _read(self, client: httpx.Client, text: str) -> str:
        found = NUMBER.search(text)
        number = int(found[1]) if found else 0
        self.first = number if self.first is None else self.first
        complete = text.count("#EXTINF:")
        self.media_s = number + complete - self.first
        self.ended = "#EXT-X-ENDLIST" in text
        parts = re.findall(r'#EXT-X-PART:.*URI="([^"]+)"', text)
        if parts:
            client.get(self._media.replace("main.m3u8", parts[-1]))
            self.requests += 1
        present = text.rpartition("#EXTINF:")[2].count("#EXT-X-PART:")
        return f"?_HLS_msn={number + complete}&_HLS_part={present}"


def _measure(pid: int, player: _Player, hours: float) -> list[tuple[float, float, float]]:
    """Hours of the live, MiB of memory and processor time, at the beginning, each hour, and the end."""
    origin, found = psutil.Process(pid), []
    marks = [SETTLED_HOURS, *range(1, int(hours) + 1)]
    for mark in marks:
        while player.media_s < mark * 3600 - 10 and not player.ended:
            time.sleep(0.2)
        row = (player.media_s / 3600, origin.memory_info().rss / 2**20, _cpu_s(pid))
        print(f"{row[0]:>8.2f} h{row[1]:>10.1f} MiB{row[2]:>10.1f} s", flush=True)
        found.append(row)
    return found


def main(hours: float = HOURS) -> int:
    """Measure, and print a line an hour; 1 when the live did not last."""
    if shutil.which("ffmpeg") is None:
        print("needs ffmpeg", file=sys.stderr)
        return 1
    rtmp, port = _free_port(), _free_port()
    http = f"http://127.0.0.1:{port}"
    for variable in [name for name in os.environ if name.startswith("AMPHI_")]:
        del os.environ[variable]
    addresses = ("--rtmp", f"127.0.0.1:{rtmp}", "--http", f"127.0.0.1:{port}")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        folder = Path(name)
        _film(folder / "film.flv")
        os.environ["AMPHI_ORIGIN_ON_PUBLISH"] = running.enter_context(_platform())
        os.environ["AMPHI_RECORDINGS"] = str(folder / "recordings")
        os.environ["AMPHI_RECORDINGS_FREE_GIB"] = "1"
        pid = running.enter_context(_running(sys.executable, "-c", LIFTED, "origin", *addresses))
        _fetch(f"{http}/healthz")
        url = f"rtmp://127.0.0.1:{rtmp}/live/hours"
        running.enter_context(_running(*_sending(folder / "film.flv", url, hours)))
        _fetch(f"{http}/hls/hours/main.m3u8")
        player, began = _Player(http), time.monotonic()
        player.start()
        print(f"{'live':>10}{'memory':>14}{'processor':>12}")
        found = _measure(pid, player, hours)
        passed_s = time.monotonic() - began
        player.ended = True
        player.join(PATIENCE_S)
        kept = sum(one.stat().st_size for one in (folder / "recordings").rglob("*") if one.is_file())
    growth = found[-1][1] / found[0][1] - 1
    print(
        f"memory grew by {100 * growth:.1f} % from the first line to the last; {kept / 2**20:.0f} MiB recorded"
    )
    print(f"{passed_s:.0f} s passed, the player asked {player.requests} times; load {os.getloadavg()[0]:.1f}")
    return 0 if found[-1][0] > hours - 0.1 else 1


if __name__ == "__main__":
    sys.exit(main(*(float(argument) for argument in sys.argv[1:2])))
