"""The pages that the capture is measured with: a lecture, one in constant motion, and a slide whose every pixel is known."""

import contextlib
import http.server
import json
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
TEXT_WIDTH = 560  # of the picture, where nothing moves

_TEXT = "".join(
    f"<p>{number}. The quick brown fox jumps over the lazy dog; dx/dt = a·x − b·xy; œuvre, façade, Ångström — 0123456789.</p>"
    for number in range(1, 27)
)
_SLIDE = f"""<!doctype html><meta charset=utf-8><body style="margin:0;background:#fff;font:11px/1.1 sans-serif">
<h1 style="font-size:36px;margin:8px 16px">A slide with text</h1><div style="width:520px;margin-left:16px">{_TEXT}</div>"""

# Once a second a red flash together with a beep.
_FLASHES = """<div id=flash style="position:absolute;left:0;top:620px;width:100px;height:100px;background:#000"></div><script>
const sound = new AudioContext(), tone = new OscillatorNode(sound, {frequency: 1000}), gain = new GainNode(sound, {gain: 0});
tone.connect(gain).connect(sound.destination); tone.start();
setInterval(() => { const t = sound.currentTime; gain.gain.setValueAtTime(.8, t); gain.gain.setValueAtTime(0, t + .1);
  flash.style.background = "#f00"; fetch(`/flash?${Date.now()}`); setTimeout(() => flash.style.background = "#000", 100); }, 1000);
</script>"""
FLASH_CROP = "crop=8:8:50:670"

_MOVING = """<canvas width=WIDTH height=HEIGHT style="position:absolute;left:LEFTpx;top:TOPpx;z-index:-1"></canvas><script>
const g = document.querySelector("canvas").getContext("2d"); let n = 0;
setInterval(() => { n++; for (let i = 0; i < 12; i++) {
  g.fillStyle = `hsl(${(n * 3 + i * 30) % 360} 60% 50%)`;
  g.fillRect((i * 97 + n * 5) % WIDTH, (i * 61 + n * 3) % HEIGHT, WIDTH / 5, HEIGHT / 5); } }, EVERY_MS);
</script>"""


def _moving(width: int, height: int, left: int, top: int, *, every_ms: int) -> str:
    values = {"WIDTH": width, "HEIGHT": height, "LEFT": left, "TOP": top, "EVERY_MS": every_ms}
    script = _MOVING
    for name, value in values.items():
        script = script.replace(name, str(value))
    return script


_HEAD = "<!doctype html><meta charset=utf-8><title>bench</title><body style='margin:0;overflow:hidden;background:#fff'>"
_IMAGE = "<img src=/slide.png style='position:absolute;left:0;top:0;z-index:-2'>"
PAGES = {
    "/lecture": _HEAD + _IMAGE + _moving(640, 480, 600, 200, every_ms=40) + _FLASHES,
    "/motion": _HEAD + _moving(1280, 720, 0, 0, every_ms=33) + _FLASHES,
}


def draw_slide(path: Path) -> None:
    """Draw the slide, 1280x720, into a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_content(_SLIDE)
        page.screenshot(path=path)
        browser.close()


class Site:
    """Serves the pages, and notes when each flash was."""

    def __init__(self, slide: Path) -> None:
        self.flashes: list[float] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Stay silent."""

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path == "/flash":
                    site.flashes.append(json.loads(query) / 1000)
                body = slide.read_bytes() if path == "/slide.png" else PAGES.get(path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "image/png" if path == "/slide.png" else "text/html")
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(ConnectionError):  # a page that is closed asks no more
                    self.end_headers()
                    self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
