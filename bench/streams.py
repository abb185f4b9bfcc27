"""Many streams at one origin: what share of a core they take, and whether its memory grows.

Run it as ``python -m bench.streams [STREAMS [SECONDS]]``: 40 streams of 2.5 Mbit/s and 120 seconds unless it is told otherwise. One ffmpeg sends one film to all of them.
Nobody listens: what listeners cost is `bench.origin`'s and `bench.hall`'s. The processor time is the origin's own.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from bench.origin import _cpu_s, _fetch, _free_port, _running

STREAMS = 40
SECONDS = 120
STEPS = 4
FILM_S = 10
PATIENCE_S = 60.0
NUMBER = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")
SETTLE_S = 75
"""Until twice the window of each playlist is kept, memory grows as it should."""


def _film(file: Path) -> None:
    """A film of noise, which takes 2.5 Mbit/s, with a tone."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=gray:size=1280x720:rate=25"]
    command += ["-f", "lavfi", "-i", "sine=r=48000", "-t", str(FILM_S), "-vf", "noise=alls=9:allf=t"]
    command += [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "25",
    ]
    command += [
        "-b:v",
        "2400k",
        "-maxrate",
        "2400k",
        "-bufsize",
        "600k",
        "-c:a",
        "aac",
        "-b:a",
        "96k",
        str(file),
    ]
    subprocess.run(command, check=True, timeout=FILM_S * 20)


def _sending(film: Path, urls: list[str]) -> list[str]:
    """The command that sends the film to all, again and again, at its own pace."""
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-re",
        "-stream_loop",
        "-1",
        "-i",
        str(film),
        "-c",
        "copy",
    ]
    return [*command, "-map", "0", "-f", "tee", "|".join(f"[f=flv:onfail=ignore]{url}" for url in urls)]


def _measure(pid: int, http: str, streams: int, seconds: float) -> list[dict[str, float]]:
    """What the origin took in each part of the time.

    ``cores`` is processor time by time of the streams, so that it holds as well where others leave the origin too little to keep up.
    """
    origin, found = psutil.Process(pid), []
    with httpx.Client(timeout=PATIENCE_S) as client:

        def segments() -> list[int]:
            """How many each stream has had, a second each; none for one that ended."""
            texts = [client.get(f"{http}/hls/s{number}/main.m3u8").text for number in range(streams)]
            numbers = [NUMBER.search(text) for text in texts]
            return [
                int(number[1]) + text.count("#EXTINF:") if number and "EXT-X-ENDLIST" not in text else 0
                for number, text in zip(numbers, texts, strict=True)
            ]

        before, cpu, at = segments(), _cpu_s(pid), time.monotonic()
        for _ in range(STEPS):
            time.sleep(seconds / STEPS)
            now, cpu_now, at_now = segments(), _cpu_s(pid), time.monotonic()
            media_s = (sum(now) - sum(before)) / streams
            found.append(
                {
                    "cores": round((cpu_now - cpu) / max(media_s, 1), 3),
                    "kept_up": round(media_s / (at_now - at), 2),
                    "memory_mib": round(origin.memory_info().rss / 2**20, 1),
                    "live": sum(number > 0 for number in now),
                }
            )
            before, cpu, at = now, cpu_now, at_now
    return found


def main(streams: int = STREAMS, seconds: float = SECONDS) -> int:
    """Measure, and print a table; 1 when a stream did not last."""
    if shutil.which("ffmpeg") is None:
        print("needs ffmpeg", file=sys.stderr)
        return 1
    rtmp, port = _free_port(), _free_port()
    http = f"http://127.0.0.1:{port}"
    for variable in ("AMPHI_TICKET_KEY", "AMPHI_ORIGIN_ON_PUBLISH", "AMPHI_ORIGIN_ON_PUBLISH_DONE"):
        os.environ.pop(variable, None)
    addresses = ("--rtmp", f"127.0.0.1:{rtmp}", "--http", f"127.0.0.1:{port}")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        film = Path(name) / "film.mkv"
        _film(film)
        pid = running.enter_context(_running(sys.executable, "-m", "amphi", "origin", "--open", *addresses))
        _fetch(f"{http}/healthz")
        running.enter_context(
            _running(
                *_sending(film, [f"rtmp://127.0.0.1:{rtmp}/live/s{number}" for number in range(streams)])
            )
        )
        for number in range(streams):
            _fetch(f"{http}/hls/s{number}.m3u8")
        time.sleep(SETTLE_S)
        found = _measure(pid, http, streams, seconds)
    print(f"{streams} streams, {2.5 * streams:.0f} Mbit/s; load {os.getloadavg()[0]:.1f}")
    print(f"{'cores':>8}{'kept up':>9}{'memory':>12}{'live':>8}")
    for one in found:
        print(f"{one['cores']:>8.3f}{one['kept_up']:>9.2f}{one['memory_mib']:>8.1f} MiB{one['live']:>8.0f}")
    return 0 if all(one["live"] == streams for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:3])))
