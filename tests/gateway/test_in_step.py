"""Cameras wait as long as voices are heard late, in a real Chromium, with connections that say what the test wants."""

import pytest

from amphi.gateway import meeting_page

from .visits import context  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Voice and camera come by connections of their own, as BigBlueButton's do.
CONNECTIONS = """() => {
  const voice = { track: { kind: "audio", readyState: "live" }, bufferedS: 0, heldS: 0, samples: 0 };
  voice.getStats = async () => {
    voice.samples += 48000;
    voice.heldS += 48000 * voice.bufferedS;
    return new Map([
      ["heard", { type: "inbound-rtp", jitterBufferDelay: voice.heldS, jitterBufferEmittedCount: voice.samples }],
      ["played", { type: "media-playout", totalPlayoutDelay: voice.samples * 0.06, totalSamplesCount: voice.samples }],
    ]);
  };
  // Held for less than it was told to be, as by Chromium, and never for less than the network asks for.
  const camera = { track: { kind: "video", readyState: "live" }, jitterBufferTarget: null, heldS: 0, pictures: 0 };
  camera.holdsMs = () => Math.max(20, camera.jitterBufferTarget - 30);
  camera.getStats = async () => {
    camera.pictures += 25;
    camera.heldS += 25 * camera.holdsMs() / 1000;
    return new Map([["seen", { type: "inbound-rtp", jitterBufferDelay: camera.heldS, jitterBufferEmittedCount: camera.pictures }]]);
  };
  globalThis.said = { voice, camera };
  for (const receiver of [voice, camera]) {
    const connection = new RTCPeerConnection();
    connection.getReceivers = () => [receiver];
    connection.setRemoteDescription({ type: "offer", sdp: "" }).catch(() => {});
  }
}"""


async def test_cameras_wait_for_voices(context):  # noqa: F811
    page = await context.new_page()
    await page.clock.install()
    await page.add_init_script(meeting_page.script())
    await page.goto("data:text/html,<title>meeting</title>")
    await page.evaluate(CONNECTIONS)
    # What the buffer and the sound server hold, less what a picture takes to the screen, by 15 ms; never too long.
    for buffered_s, wait_ms in ((0.08, 107), (0.2, 227), (2, 370), (0, 27)):
        await page.evaluate("(seconds) => { said.voice.bufferedS = seconds }", buffered_s)
        seen = []
        for _ in range(15):
            await page.clock.run_for(1000)
            seen.append(await page.evaluate("said.camera.holdsMs()"))
        assert seen[-1] == pytest.approx(wait_ms, abs=15)
        # Each change makes a picture stutter: few of them, and none for nothing.
        assert len(set(seen)) <= 3
        assert len(set(seen[-5:])) == 1
    await page.close()
