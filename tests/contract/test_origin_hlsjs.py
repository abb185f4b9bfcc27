"""hls.js in a real Chromium plays the origin's stream in low-latency mode."""

import asyncio
import dataclasses

import httpx
import pytest
import pytest_asyncio

from amphi.origin.config import Config
from tests.contract.flv_file import VIDEO, Tag, encode, send
from tests.contract.origin_ffmpeg import publishing
from tests.contract.player_page import PATIENCE_MS, PLAYS_ON
from tests.origin.running import Publisher, eventually, ready, running_origin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

# From the origin taking a picture to the screen; about a second on an idle machine.
SANE_AGE_S = 10.0
# A busy machine's picture may stand still for a moment.
STANDS_STILL = {"bufferStalledError", "bufferSeekOverHole", "bufferNudgeOnStall"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tags(tmp_path_factory) -> list[Tag]:
    """A minute of a lecture."""
    return await encode(tmp_path_factory.mktemp("lecture") / "lecture.flv", seconds=60)


async def test_hlsjs_plays_in_low_latency_mode(page_url, open_page):
    async with (
        running_origin(Config(open=True)) as origin,
        publishing(f"{origin.rtmp}/lecture", seconds=60),
        httpx.AsyncClient() as client,
    ):
        page = await open_page(page_url)
        await ready(client, f"{origin.http}/hls/lecture.m3u8")
        await page.evaluate(f"play('{origin.http}/hls/lecture.m3u8')")
        await page.wait_for_function(
            "() => state().time > 3 && state().parts > 10 && state().blocking > 5", timeout=PATIENCE_MS
        )
        state = await page.evaluate("state()")
        await page.evaluate(
            # What the first player said, or leaves off at its end, is no error of the second.
            "hls.removeAllListeners(); hls.destroy(); seen.parts = seen.blocking = 0; seen.errors = [];"
            f"play('{origin.http}/hls/lecture/sound.m3u8')"
        )
        await page.wait_for_function(
            "() => state().time > 1 && state().parts > 5 && state().blocking > 3 && state().heard > 5000",
            timeout=PATIENCE_MS,
        )
        alone = await page.evaluate("state()")
        await page.close()
    assert (alone["width"], alone["frames"]) == (0, 0)
    assert set(alone["errors"]) <= STANDS_STILL, alone
    assert 0 < alone["age"] < SANE_AGE_S, alone
    assert state["width"] == 320
    assert state["frames"] > 0
    assert 0 < state["age"] < SANE_AGE_S, state


async def test_hlsjs_plays_a_slate_while_a_lost_publisher_is_away_and_goes_on(page_url, open_page, tags):
    async with (
        running_origin(Config(open=True, slate=True)) as origin,
        httpx.AsyncClient() as client,
    ):
        page = await open_page(page_url)
        url = f"{origin.http}/hls/lecture.m3u8"
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        # Lost just after a keyframe: a last segment of one picture, without its sound.
        sending = asyncio.create_task(send(publisher, tags, lambda tag: tag.timestamp < 4_030))
        await ready(client, url)
        await page.evaluate(f"play('{url}')")
        await page.wait_for_function("() => state().time > 1", timeout=PATIENCE_MS)
        await sending
        publisher.writer.transport.abort()
        stream = origin.origin.streams.get("lecture")
        await eventually(lambda: stream.shows_slate)
        killed_at = (await page.evaluate("state()"))["time"]
        await page.wait_for_function(f"() => state().time > {killed_at + 5}", timeout=PATIENCE_MS)
        assert stream.shows_slate, "the player went on only when the stream had ended"
        async with publishing(f"{origin.rtmp}/lecture", seconds=60):
            await eventually(lambda: not stream.shows_slate)
            back_at = (await page.evaluate("state()"))["time"]
            await page.wait_for_function(f"() => state().time > {back_at + 4}", timeout=PATIENCE_MS)
        state = await page.evaluate("state()")
        await page.close()
    # The library waits 0.8 s for the next part, whatever it is told; a busy machine's slate may need longer, and it asks again.
    assert set(state["errors"]) <= STANDS_STILL | {"levelLoadTimeOut"}, state


@pytest.mark.parametrize("sound", ["48000", "44100"])
async def test_killed_publisher_is_followed_by_the_standby_and_the_player_goes_on(page_url, open_page, sound):
    """With the same configuration players notice nothing; with another one it is a discontinuity, which costs no reload either."""
    async with (
        running_origin(Config(open=True, slate=True)) as origin,
        publishing(f"{origin.rtmp}/lecture?key=k", seconds=120) as first,
        httpx.AsyncClient() as client,
    ):
        url = f"{origin.http}/hls/lecture.m3u8"
        await ready(client, url)
        stream = origin.origin.streams.get("lecture")
        async with publishing(
            f"{origin.rtmp}/lecture?key=k&standby=1", seconds=120, extra=("-ar", sound)
        ) as second:
            await eventually(lambda: stream.standby and stream.standby.resume(stream.last_media_at).tags)
            page = await open_page(page_url)
            await page.evaluate(f"play('{url}')")
            await page.wait_for_function("() => state().time > 3 && state().parts > 10", timeout=PATIENCE_MS)
            await page.evaluate("seen.still = 0")
            before = await page.evaluate("state()")
            first.kill()
            await eventually(lambda: stream.standby is None)
            await page.wait_for_function(f"() => state().time > {before['time'] + 5}", timeout=PATIENCE_MS)
            state = await page.evaluate("state()")
            text = (await client.get(f"{origin.http}/hls/lecture/main.m3u8")).text
            await page.close()
            assert second.returncode is None
    errors = state["errors"][len(before["errors"]) :]
    assert state["loads"] == 1
    # Where the sound changes, the library asks twice for a part that has little of it.
    assert set(errors) <= STANDS_STILL | ({"bufferAppendNoProgress"} if sound != "48000" else set()), state
    assert state["heard"] > before["heard"]
    assert text.count("#EXT-X-DISCONTINUITY\n") == (sound != "48000")
    assert len(stream.playlist.inits) == 1 + (sound != "48000")
    assert "# amphi: slate" not in text


async def test_a_stream_whose_sound_is_only_announced_plays_and_is_heard_once_it_comes(
    page_url, open_page, tags
):
    silent = asyncio.Event()
    async with (
        running_origin(Config(open=True)) as origin,
        httpx.AsyncClient() as client,
    ):
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        sending = asyncio.create_task(
            send(publisher, tags, lambda tag: tag.type_id == VIDEO or silent.is_set())
        )
        url = f"{origin.http}/hls/lecture.m3u8"
        await ready(client, url)
        assert 'CODECS="avc1.64000c"' in (await client.get(url)).text
        pages = [await open_page(page_url), await open_page(f"{page_url}platform")]
        for page in pages:
            await page.evaluate(f"play('{url}')")
            await page.wait_for_function("() => state().time > 2 && state().frames > 25", timeout=PATIENCE_MS)
        assert set((await pages[0].evaluate("state()"))["errors"]) <= STANDS_STILL
        silent.set()
        await pages[1].wait_for_function(
            "() => state().heard > 10000 && state().playing", timeout=PATIENCE_MS
        )
        assert 'CODECS="avc1.64000c,mp4a.40.2"' in (await client.get(url)).text
        sending.cancel()
        await publisher.close()
        for page in pages:
            await page.close()


async def test_picture_goes_on_when_the_sound_ends(page_url, open_page, tags):
    silent = asyncio.Event()
    async with (
        running_origin(Config(open=True)) as origin,
        httpx.AsyncClient() as client,
    ):
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        sending = asyncio.create_task(
            send(publisher, tags, lambda tag: tag.type_id == VIDEO or not silent.is_set())
        )
        url = f"{origin.http}/hls/lecture.m3u8"
        await ready(client, url)
        page = await open_page(f"{page_url}platform")
        await page.evaluate(f"play('{url}')")
        await page.wait_for_function("() => state().heard > 1000 && state().frames > 25", timeout=PATIENCE_MS)
        silent.set()
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while "mp4a" in (await client.get(url)).text:  # noqa: ASYNC110 -- asked over HTTP
                await asyncio.sleep(0.05)
        await page.wait_for_function(PLAYS_ON, timeout=PATIENCE_MS)
        # Who joins now is told of the picture alone.
        joined = await open_page(f"{page_url}platform")
        await joined.evaluate(f"play('{url}')")
        await joined.wait_for_function(PLAYS_ON, timeout=PATIENCE_MS)
        sending.cancel()
        await publisher.close()
        for each in (page, joined):
            await each.close()


async def test_every_join_plays_a_stream_whose_sound_began_before_its_picture(page_url, open_page, tags):
    late = [
        dataclasses.replace(
            tag, timestamp=tag.timestamp + 1500 * (tag.type_id == VIDEO and not tag.is_header)
        )
        for tag in tags
    ]
    late.sort(key=lambda tag: tag.timestamp)
    async with (
        running_origin(Config(open=True)) as origin,
        httpx.AsyncClient() as client,
    ):
        publisher = await Publisher.connect(origin.rtmp_port)
        await publisher.publish("lecture")
        sending = asyncio.create_task(send(publisher, late, lambda _: True))
        url = f"{origin.http}/hls/lecture.m3u8"
        await ready(client, url)
        page = await open_page(page_url)
        for _ in range(4):
            await page.goto(page_url)
            await page.evaluate(f"play('{url}')")
            await page.wait_for_function(
                "() => state().time > 0 && state().frames > 30 && state().heard > 0", timeout=PATIENCE_MS
            )
        sending.cancel()
        await publisher.close()
        await page.close()
