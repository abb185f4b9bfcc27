"""The gateway's capture: processor time against the page alone and against MediaRecorder, delay, and sound against picture."""

import argparse
import array
import contextlib
import functools
import http.server
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--disable-gpu",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1280,720",
]
TITLE = "amphi-bench"
RED_FROM = 120  # half of full red

# A slide, a moving camera of 640x480, and once a second a red flash together with a beep.
PAGE = """<!doctype html><title>bench</title><body style="margin:0;font:40px sans-serif">A slide with text
<canvas width=640 height=480 style="position:absolute;left:600px;top:200px"></canvas>
<div id=flash style="position:absolute;left:0;top:300px;width:200px;height:200px;background:#000"></div><script>
const g = document.querySelector("canvas").getContext("2d"); let n = 0;
setInterval(() => { n++; for (let i = 0; i < 12; i++) {
  g.fillStyle = `hsl(${(n * 3 + i * 30) % 360} 60% 50%)`; g.fillRect((i * 97 + n * 5) % 640, (i * 61 + n * 3) % 480, 120, 90); } }, 40);
const sound = new AudioContext(), tone = new OscillatorNode(sound, {frequency: 1000}), gain = new GainNode(sound, {gain: 0});
tone.connect(gain).connect(sound.destination); tone.start();
setInterval(() => { const t = sound.currentTime; gain.gain.setValueAtTime(.8, t); gain.gain.setValueAtTime(0, t + .1);
  flash.style.background = "#f00"; fetch(`/flash?${Date.now()}`); setTimeout(() => flash.style.background = "#000", 100); }, 1000);
</script>"""

CAPTURE = """async (record) => {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { width: 1280, height: 720, frameRate: 25 },
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 2 } });
  const recorder = new MediaRecorder(stream, { mimeType: "video/x-matroska;codecs=avc1,opus",
    videoBitsPerSecond: 2500000, videoKeyFrameIntervalDuration: 1000 });
  recorder.ondataavailable = () => {};
  recorder.start(200);
}"""


class Pages(http.server.BaseHTTPRequestHandler):
    flashes: list[float] = []

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        if self.path.startswith("/flash?"):
            self.flashes.append(int(self.path.partition("?")[2]) / 1000)
        body = PAGE.encode() if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def spent_s(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def cores(root: int, seconds: float) -> float:
    processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    before, begin = spent_s(processes), time.monotonic()
    time.sleep(seconds)
    return (spent_s(processes) - before) / (time.monotonic() - begin)


def plain_browser_cores(url: str, seconds: float, *, records: bool) -> float:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, f"--auto-select-tab-capture-source-by-title={TITLE}"],
            chromium_sandbox=os.geteuid() != 0,
            ignore_default_args=["--mute-audio"],
        )
        open_page(browser, url, records=records)
        time.sleep(3)
        processes = [
            child for child in psutil.Process().children(recursive=True) if child.name().startswith("chrom")
        ]
        root = min(processes, key=lambda process: process.create_time())
        used = cores(root.pid, seconds)
        browser.close()
    return used


def open_page(browser: Browser, url: str, *, records: bool) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    meeting = context.new_page()
    if records:
        meeting.evaluate(f"document.title = '{TITLE}'")
        recorder = context.new_page()
        recorder.goto(f"{url}/blank")
        recorder.evaluate(CAPTURE)
    meeting.goto(url)


class Receiver:
    """Takes one RTMP publish: writes it to a file, and notes when each red flash is decoded."""

    def __init__(self, path: Path) -> None:
        self.url = f"rtmp://127.0.0.1:{unused_port()}/live/bench"
        self.seen: list[float] = []
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-fflags",
            "nobuffer",
            "-flags",
            "low_delay",
            "-listen",
            "1",
            "-i",
            self.url,
        ]
        command += ["-map", "0", "-c", "copy", str(path), "-map", "0:v", "-vf", "crop=8:8:50:350,scale=1:1"]
        command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        was_red = False
        stdout = self.process.stdout
        while stdout is not None and (pixel := stdout.read(3)):
            is_red = pixel[0] > RED_FROM
            if is_red and not was_red:
                self.seen.append(time.time())
            was_red = is_red


@contextlib.contextmanager
def gateway() -> Iterator[Callable[..., dict[str, object]]]:
    port, token = unused_port(), secrets.token_hex()
    environment = os.environ | {
        "AMPHI_GATEWAY_TOKEN": token,
        "AMPHI_GATEWAY_HTTP": f"127.0.0.1:{port}",
        "AMPHI_GATEWAY_ANY_PAGE": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "gateway"], env=environment, stderr=subprocess.DEVNULL
    )

    def call(method: str, path: str, body: object = None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", data, {"Authorization": f"Bearer {token}"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own address
            found: dict[str, object] = json.load(answer)
            return found

    try:
        wait_for(lambda: reaches(call))
        yield call
    finally:
        process.terminate()
        process.wait(10)


def reaches(call: Callable[..., dict[str, object]]) -> bool:
    try:
        return bool(call("GET", "/healthz")["ok"])
    except urllib.error.URLError:
        return False


def wait_for(condition: Callable[[], bool], within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the gateway did not get there")
        time.sleep(0.05)


def gateway_run(url: str, seconds: float, path: Path) -> dict[str, float]:
    receiver = Receiver(path)
    with gateway() as call:
        time.sleep(3)
        begin = time.monotonic()
        call(
            "PUT", "/jobs/bench", {"join_url": url, "rtmp_url": receiver.url, "room": "", "show_chat": False}
        )
        wait_for(lambda: call("GET", "/jobs/bench")["state"] == "on_air")
        start_s = time.monotonic() - begin
        time.sleep(max(seconds, 12))
        stats = call("GET", "/jobs/bench")["stats"]
        call("DELETE", "/jobs/bench")
        receiver.process.wait(10)
    receiver.reader.join()
    assert isinstance(stats, dict)  # noqa: S101 -- the API's contract
    delays = [seen - max(at for at in Pages.flashes if at <= seen) for seen in receiver.seen[2:]]
    return {
        "cores": stats["cpu_cores"],
        "start_s": start_s,
        "delay_ms": 1000 * statistics.median(delays),
        "av_offset_ms": av_offset_ms(path),
    }


def av_offset_ms(path: Path) -> float:
    """How much later than its flash a beep is, in the middle of the cases."""
    run = functools.partial(subprocess.run, capture_output=True, check=True)
    crop = [
        "-vf",
        "crop=8:8:50:350,scale=1:1",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    pixels = run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", *crop]).stdout
    listed = [
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
        path,
        "-select_streams",
    ]
    times = [float(line) for line in run([*listed, "v"]).stdout.split()]
    red = [pixels[3 * index] > RED_FROM for index in range(len(pixels) // 3)]
    flashes = [
        times[index] for index in range(1, min(len(red), len(times))) if red[index] and not red[index - 1]
    ]
    sound_start = float(run([*listed, "a"]).stdout.split()[0])
    samples = array.array(
        "h", run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "-ar", "48000", "-"]).stdout
    )
    beeps, last = [], -48000
    for index, sample in enumerate(samples):
        if abs(sample) > 3000:  # noqa: PLR2004 -- a tenth of full scale
            if index - last > 12000:  # noqa: PLR2004 -- a quarter of a second of silence
                beeps.append(sound_start + index / 48000)
            last = index
    return 1000 * statistics.median(min((beep - flash for beep in beeps), key=abs) for flash in flashes)


def main() -> int:
    """Run, print a table; the exit status is returned."""
    parser = argparse.ArgumentParser(prog="bench gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12, help="each measure (%(default)s)")
    seconds = parser.parse_args([]).seconds
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    page = plain_browser_cores(url, seconds, records=False)
    recorder = plain_browser_cores(url, seconds, records=True)
    with tempfile.TemporaryDirectory() as folder:
        ours = gateway_run(url, seconds, Path(folder) / "bench.flv")
    print(f"{'the page alone':<52}{page:6.2f} cores   1.0")
    print(f"{'MediaRecorder, H.264 and Opus, without RTMP':<52}{recorder:6.2f} cores  {recorder / page:4.1f}")
    print(
        f"{'amphi gateway: WebCodecs, AAC, RTMP':<52}{ours['cores']:6.2f} cores  {ours['cores'] / page:4.1f}"
    )
    print(f"{'start to on_air (half a second of it the plain page)':<52}{ours['start_s']:6.2f} s")
    print(f"{'page to decoded picture behind RTMP, median':<52}{ours['delay_ms']:6.0f} ms")
    print(f"{'sound after picture, median':<52}{ours['av_offset_ms']:6.0f} ms")
    server.shutdown()
    return 0
