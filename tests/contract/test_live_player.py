"""The live page's player in a real Chromium: without what most browsers have, without a network, and after the machine slept."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import psutil
import pytest

from amphi.origin.config import Config
from tests import ports
from tests.contract.origin_ffmpeg import publishing
from tests.contract.player_page import PATIENCE_MS, PLAYS_ON
from tests.origin.running import ready, running_origin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

# As near to the newest picture as its line allows, and playing on.
IS_LIVE = f"() => ({PLAYS_ON})() && player.behind < 3"
NO_EXTENSIONS = (
    "delete window.MediaSource; delete window.WebKitMediaSource; delete window.ManagedMediaSource;"
)
# As on an iPhone, whose browser says when it wants data; hls.js then takes it in place of MediaSource, which is not there.
MANAGED = """
(() => {
  const { MediaSource, SourceBuffer } = window;
  window.ManagedMediaSource = class ManagedMediaSource extends MediaSource {
    streaming = true;
    constructor() { super(); window.source = this; }
  };
  window.ManagedSourceBuffer = SourceBuffer;
  delete window.MediaSource;
})();
"""


@contextlib.asynccontextmanager
async def asleep():
    """This process's browsers do nothing, as on a machine that sleeps."""
    browsers = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
    for one in browsers:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in browsers:
            one.send_signal(signal.SIGCONT)


async def segments_pass(client: httpx.AsyncClient, playlist: str, count: int) -> None:
    async def first() -> int:
        found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", (await client.get(playlist)).text)
        assert found
        return int(found[1])

    begun = await first()
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await first() < begun + count:  # noqa: ASYNC110 -- asked over HTTP
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def watching(page_url, open_page, *, before="", **settings):
    """A page whose player of the platform plays a stream, the stream's address, and a client."""
    async with (
        running_origin(Config(open=True, **settings)) as origin,
        publishing(f"{origin.rtmp}/lecture", seconds=240),
        httpx.AsyncClient() as client,
    ):
        url = f"{origin.http}/hls/lecture"
        await ready(client, f"{url}.m3u8")
        page = await open_page(f"{page_url}platform", before=before)
        await page.evaluate(f"play('{url}.m3u8')")
        await page.wait_for_function(PLAYS_ON, timeout=PATIENCE_MS)
        yield page, url, client
        await page.close()


async def is_live_again(page):
    await page.evaluate("window.from = NaN")
    await page.wait_for_function(IS_LIVE, timeout=PATIENCE_MS)


async def test_platforms_player_plays_by_a_managed_media_source(page_url, open_page):
    async with watching(page_url, open_page, before=MANAGED) as (page, _, _):
        assert await page.evaluate("document.querySelector('video').disableRemotePlayback")
        # The browser wants no data for a while: more than is in store.
        await page.evaluate("source.streaming = false; source.dispatchEvent(new Event('endstreaming'))")
        await page.wait_for_function("() => !state().playing", timeout=PATIENCE_MS)
        await page.evaluate("source.streaming = true; source.dispatchEvent(new Event('startstreaming'))")
        await is_live_again(page)


async def test_platforms_player_plays_without_media_source_extensions(page_url, open_page):
    async with watching(page_url, open_page, before=NO_EXTENSIONS) as (page, url, _):
        assert await page.evaluate("document.querySelector('video').src") == f"{url}.m3u8"


async def test_platforms_player_is_live_again_after_the_network_was_away(page_url, open_page):
    async with watching(page_url, open_page) as (page, url, client):
        await page.context.set_offline(True)
        await page.wait_for_function("() => !state().playing", timeout=PATIENCE_MS)
        await segments_pass(client, f"{url}/main.m3u8", 8)
        await page.context.set_offline(False)
        await is_live_again(page)


async def test_platforms_player_stays_paused_where_the_listener_paused_a_picture_that_stood_still(
    page_url, open_page
):
    async with watching(page_url, open_page) as (page, url, client):
        await page.context.set_offline(True)
        await page.wait_for_function("() => !state().playing", timeout=PATIENCE_MS)
        await page.evaluate("document.querySelector('video').pause()")
        await segments_pass(client, f"{url}/main.m3u8", 8)
        await page.context.set_offline(False)
        await segments_pass(client, f"{url}/main.m3u8", 8)
        assert await page.evaluate("player.paused && document.querySelector('video').paused")
        await page.evaluate("document.querySelector('video').play()")
        await is_live_again(page)


async def test_platforms_player_is_live_again_after_the_machine_slept(page_url, open_page):
    # Longer than the playlist's window: nothing of what it would ask for next is there any more.
    six = timedelta(seconds=6)
    async with watching(page_url, open_page, window=six) as (page, url, client):
        async with asleep():
            await segments_pass(client, f"{url}/main.m3u8", 16)
        await is_live_again(page)


@contextlib.asynccontextmanager
async def origin_with_a_lecture(rtmp: str, http: str) -> AsyncIterator[None]:
    """An origin as a process, which is killed at the end, and its publisher."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "amphi", "origin", "--open", "--rtmp", rtmp, "--http", http,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient() as client:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                while not await answers(client, f"http://{http}/healthz"):  # noqa: ASYNC110 -- asked over HTTP
                    await asyncio.sleep(0.05)
            async with publishing(f"rtmp://{rtmp}/live/lecture", seconds=240):
                await ready(client, f"http://{http}/hls/lecture.m3u8")
                yield
                process.kill()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


async def test_platforms_player_is_live_again_after_the_live_server_began_anew(page_url, open_page):
    """The library asks again by itself, and finds another playlist at the same address, whose times begin at zero."""
    rtmp, http = (f"127.0.0.1:{ports.reserve()}" for _ in range(2))
    # Reading anew what stands still is not what brings the picture back here.
    page = await open_page(f"{page_url}platform", before="window.setInterval = () => 0;")
    is_back = asyncio.Event()

    async def hold(route):
        await is_back.wait()
        await route.continue_()

    async with origin_with_a_lecture(rtmp, http):
        await page.evaluate(f"play('http://{http}/hls/lecture.m3u8')")
        await page.wait_for_function("() => state().time > 6", timeout=PATIENCE_MS)
        await page.route("**/lecture/main.m3u8*", hold)
    async with origin_with_a_lecture(rtmp, http):
        await page.evaluate("window.before = state().time")
        is_back.set()
        # Its own times are those of a stream that has just begun.
        await page.wait_for_function("() => state().time < before", timeout=PATIENCE_MS)
        await page.wait_for_function("() => state().time < before && state().time > 1", timeout=PATIENCE_MS)
        begun = (await page.evaluate("state()"))["time"]
        await page.wait_for_function(f"() => state().time > {begun} + 1", timeout=PATIENCE_MS)
    await page.close()
