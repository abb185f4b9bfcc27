"""The robot's camera and microphone in a real Chromium, and its clock read back after a lossy codec."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from amphi.rehearsal import clock
from amphi.rehearsal.robots import CHROMIUM_ARGUMENTS, script
from amphi.rehearsal.stream_sample import read_clocks
from tests.browser import Chromium

pytestmark = pytest.mark.browser

ROBOT = {"id": 93, "title": "Répétition générale"}
NOW_MS = 1_790_000_123_450
ADDRESS = "http://localhost/robot"


def answer(route: Route) -> None:
    route.fulfill(
        body="<!doctype html><title>robot</title><video autoplay muted playsinline></video>",
        content_type="text/html",
    )


def robot_page(context: BrowserContext) -> Page:
    context.add_init_script(script("clock.js"))
    context.add_init_script(f"globalThis.rehearsalRobot = {json.dumps(ROBOT)};")
    context.add_init_script(script("camera.js"))
    page = context.new_page()
    page.route(ADDRESS, answer)
    page.goto(ADDRESS)
    return page


def test_camera_is_720p_and_its_clock_tells_the_time(chromium: Chromium) -> None:
    def visit(context: BrowserContext) -> Any:
        return robot_page(context).evaluate(
            """async () => {
              const video = document.querySelector('video');
              video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
              const reader = new rehearsalClock.Reader();
              const seen = [];
              await new Promise((done) => {
                const frame = () => {
                  const found = reader.read(video, video.videoWidth, video.videoHeight);
                  const now = Date.now();
                  if (found) seen.push({id: found.id, age: rehearsalClock.ageMs(found.time, now)});
                  if (seen.length < 10) video.requestVideoFrameCallback(frame); else done();
                };
                video.requestVideoFrameCallback(frame);
              });
              video.srcObject.getTracks().forEach((track) => track.stop());
              return {seen, width: video.videoWidth, height: video.videoHeight};
            }"""
        )

    told = chromium.run(visit)
    assert (told["width"], told["height"]) == (1280, 720)
    assert all(frame["id"] == 93 and 0 <= frame["age"] < 60_000 for frame in told["seen"])


def test_microphone_sounds_and_devices_have_names(chromium: Chromium) -> None:
    def visit(context: BrowserContext) -> Any:
        return robot_page(context).evaluate(
            """async () => {
              const devices = await navigator.mediaDevices.enumerateDevices();
              const stream = await navigator.mediaDevices.getUserMedia({audio: true});
              const audio = new AudioContext();
              await audio.resume();
              const analyser = new AnalyserNode(audio, {fftSize: 2048});
              audio.createMediaStreamSource(stream).connect(analyser);
              const samples = new Float32Array(2048);
              let loudest = 0;
              while (loudest < 0.3) {
                await new Promise((resolve) => setTimeout(resolve, 10));
                analyser.getFloatTimeDomainData(samples);
                loudest = Math.max(loudest, ...samples);
              }
              stream.getTracks().forEach((track) => track.stop());
              return {kinds: devices.map(({kind}) => kind), loudest};
            }"""
        )

    told = chromium.run(visit)
    assert told["kinds"] == ["audioinput", "videoinput"]
    assert told["loudest"] > 0.3


def encode(pictures: Path) -> Path:
    file = pictures / "small.nut"
    command = ["ffmpeg", "-loglevel", "error", "-framerate", "5", "-i", str(pictures / "%d.png")]
    command += ["-c:v", "libx264", "-crf", "32", "-pix_fmt", "yuv420p", "-y", str(file)]
    subprocess.run(command, check=True, timeout=60)
    return file


async def test_clock_survives_a_third_of_the_size_and_h264(chromium: Chromium, tmp_path: Path) -> None:
    """Each picture is drawn when the one before was taken, so that no machine is too slow for it."""
    times_ms = [NOW_MS + 200 * number for number in range(5)]

    def visit(context: BrowserContext) -> Any:
        page = robot_page(context)
        page.set_viewport_size({"width": 1280, "height": 720})
        page.set_content(
            "<style>body { margin: 0; background: #222 }"
            " canvas { width: 427px; position: absolute; left: 813px; top: 100px }</style>"
            "<canvas width=1280 height=720></canvas>"
        )
        for number, time_ms in enumerate(times_ms):
            page.evaluate(
                """([id, now]) => {
                  const context = document.querySelector('canvas').getContext('2d');
                  rehearsalClock.draw(context, 240, 180, rehearsalClock.encode(id, now));
                }""",
                [ROBOT["id"], time_ms],
            )
            page.screenshot(path=tmp_path / f"{number}.png")

    chromium.run(visit)
    shown = [shown for _, shown in await read_clocks(encode(tmp_path), 93)]
    assert shown == [time_ms % (clock.PERIOD * clock.UNIT_MS) for time_ms in times_ms]


def test_robots_are_not_slowed_down_in_the_background() -> None:
    assert {
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
        "--disable-backgrounding-occluded-windows",
        "--autoplay-policy=no-user-gesture-required",
    } <= set(CHROMIUM_ARGUMENTS)
