"""hls.js in a real Chromium plays the origin's stream in low-latency mode."""

import asyncio
import functools
import http.server
import threading

import httpx
import pytest
from playwright.async_api import async_playwright

from amphi.origin.config import Config
from amphi.vendor import library
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.contract.origin_ffmpeg import publishing
from tests.origin.running import ready, running_origin

PATIENCE_MS = 60_000
# From the origin taking a picture to the screen; about a second on an idle machine.
SANE_AGE_S = 10.0

PAGE = """<!doctype html><title>test</title><video muted autoplay playsinline></video>
<script src="/hls.js"></script><script>
window.seen = {parts: 0, segments: 0, blocking: 0, errors: []};
window.play = url => {
  const video = document.querySelector("video");
  window.hls = new Hls({lowLatencyMode: true});
  hls.on(Hls.Events.FRAG_LOADED, (_, data) => { data.part ? seen.parts++ : seen.segments++; });
  hls.on(Hls.Events.LEVEL_LOADED, (_, data) => { if (data.networkDetails.responseURL.includes("_HLS_msn")) seen.blocking++; });
  hls.on(Hls.Events.ERROR, (_, data) => seen.errors.push(data.details));
  hls.loadSource(url); hls.attachMedia(video);
};
window.state = () => { const video = document.querySelector("video"); return {...seen, time: video.currentTime,
  width: video.videoWidth, latency: hls.latency, target: hls.targetLatency,
  age: hls.playingDate ? (Date.now() - hls.playingDate) / 1000 : null,
  frames: video.getVideoPlaybackQuality().totalVideoFrames}; };
</script>"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.path == "/hls.js"
        body = library("hls.js/dist/hls.min.js").read_bytes() if script else PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def page_url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def _page(playwright, url: str):
    browser = await playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*CHROMIUM_ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
    )
    page = await browser.new_page()
    await page.goto(url)
    return page


@pytest.mark.browser
async def test_hlsjs_plays_in_low_latency_mode(page_url):
    async with (
        running_origin(Config(open=True)) as origin,
        publishing(f"{origin.rtmp}/lecture", seconds=60),
        httpx.AsyncClient() as client,
        async_playwright() as playwright,
    ):
        page = await _page(playwright, page_url)
        await ready(client, f"{origin.http}/hls/lecture.m3u8")
        await page.evaluate(f"play('{origin.http}/hls/lecture.m3u8')")
        await page.wait_for_function("state().time > 3 && state().parts > 10", timeout=PATIENCE_MS)
        state = await page.evaluate("state()")
        await page.context.browser.close()
    assert state["width"] == 320
    assert state["blocking"] > 5
    assert state["frames"] > 0
    assert 0 < state["age"] < SANE_AGE_S, state


@pytest.mark.browser
async def test_hlsjs_plays_on_when_a_lost_publisher_comes_back(page_url):
    async with (
        running_origin(Config(open=True)) as origin,
        httpx.AsyncClient() as client,
        async_playwright() as playwright,
    ):
        page = await _page(playwright, page_url)
        url = f"{origin.http}/hls/lecture.m3u8"
        async with publishing(f"{origin.rtmp}/lecture", seconds=60) as first:
            await ready(client, url)
            await page.evaluate(f"play('{url}')")
            await page.wait_for_function("state().time > 1", timeout=PATIENCE_MS)
            first.kill()
        # Long enough for a blocked request to run out of its time.
        await asyncio.sleep(5)
        stopped_at = (await page.evaluate("state()"))["time"]
        async with publishing(f"{origin.rtmp}/lecture", seconds=60):
            await page.wait_for_function(f"state().time > {stopped_at + 3}", timeout=PATIENCE_MS)
        await page.context.browser.close()
