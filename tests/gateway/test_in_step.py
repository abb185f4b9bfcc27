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
  const camera = { track: { kind: "video", readyState: "live" }, jitterBufferTarget: null };
  globalThis.said = { voice, camera };
  for (const receiver of [voice, camera]) {
    const connection = new RTCPeerConnection();
    connection.getReceivers = () => [receiver];
    connection.setRemoteDescription({ type: "offer", sdp: "" }).catch(() => {});
  }
}"""


async def test_cameras_wait_for_voices(context):  # noqa: F811
    page = await context.new_page()
    await page.add_init_script(meeting_page.script())
    await page.goto("data:text/html,<title>meeting</title>")
    await page.evaluate(CONNECTIONS)
    # What the buffer and the sound server hold, less what a picture takes to the screen; never too long.
    for buffered_s, wait_ms in ((0.08, 115), (0.2, 235), (2, 400), (0, 35)):
        await page.evaluate("(seconds) => { said.voice.bufferedS = seconds }", buffered_s)
        await page.wait_for_function("(ms) => Math.abs(said.camera.jitterBufferTarget - ms) < 1", arg=wait_ms)
    await page.close()
