"""SIPMediaGW's pipeline, the peer: Xvfb, Chromium in kiosk mode, PulseAudio, and ffmpeg that grabs the screen.

After `streaming/streaming.sh`, `entrypoint.sh` and `src/ivr.py` of Renater/SIPMediaGW, version 1.8 of July 2026, without its window manager, its
driver of the browser and its other services.
"""

import contextlib
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 15
SETTLED_S = 4
_BROWSER = [
    *("chromium", "--no-sandbox", "--disable-gpu", "--start-fullscreen", "--kiosk", "--window-size=1280,720"),
    *("--window-position=0,0", "--hide-scrollbars", "--disable-notifications", "--no-first-run"),
    "--autoplay-policy=no-user-gesture-required",
]
_PICTURE = ["-c:v", "libx264", "-preset", "ultrafast"]
_RATE = ["-minrate:v", "500K", "-maxrate:v", "4M", "-bufsize:v", "4M"]
_KEYFRAMES = ["-x264-params", "keyint=90", "-pix_fmt", "yuv420p", "-map", "0:v:0", "-map", "1:a:0"]
_SOUND = ["-c:a", "aac", "-ab", "128k", "-ac", "2", "-ar", "44100"]


def _appears(path: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(path)
        time.sleep(0.05)


@contextlib.contextmanager
def streaming(page_url: str, rtmp_url: str | None, *, kbps: float | None = None) -> Iterator[list[int]]:
    """Show a page, and send it if there is an address. Yields the process ids.

    Args:
        page_url: the page.
        rtmp_url: where it is sent.
        kbps: the bit rate of the picture, in place of what SIPMediaGW takes.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        display = f":{100 + secrets.randbelow(900)}"
        socket = folder / "pulse.socket"
        environment = os.environ | {"DISPLAY": display, "XDG_RUNTIME_DIR": name, "HOME": name}
        environment["PULSE_SERVER"] = f"unix:{socket}"
        running: list[subprocess.Popen[bytes]] = []

        def start(*command: str) -> None:
            quiet = subprocess.DEVNULL
            running.append(
                subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
            )

        try:
            start("Xvfb", display, *("-screen", "0", "2560x720x24", "+extension", "RANDR", "-noreset"))
            sink = ["-L", "module-null-sink sink_name=VirtMicSink1"]
            local = ["-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"]
            start(
                "pulseaudio",
                *("-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *sink,
                *local,
            )
            _appears(Path(f"/tmp/.X11-unix/X{display[1:]}"))  # noqa: S108 -- where X11 has it
            _appears(socket)
            start(*_BROWSER, f"--user-data-dir={folder / 'profile'}", page_url)
            time.sleep(SETTLED_S)
            if rtmp_url is not None:
                grab = ["-f", "x11grab", "-r", "30", "-draw_mouse", "0", "-s", "1280x720", "-i", display]
                hear = ["-f", "pulse", "-ac", "2", "-thread_queue_size", "1024", "-i", "VirtMicSink1.monitor"]
                queue = ["-loglevel", "error", "-thread_queue_size", "1024"]
                rate = _RATE if kbps is None else ["-b:v", f"{kbps:.0f}k", *_RATE[2:]]
                picture = [*_PICTURE, *rate, *_KEYFRAMES]
                start("ffmpeg", *queue, *grab, *hear, *picture, *_SOUND, "-f", "flv", rtmp_url)
            time.sleep(SETTLED_S)
            yield [process.pid for process in running]
        finally:
            for process in reversed(running):
                process.terminate()
            for process in reversed(running):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE_S)
                process.kill()
