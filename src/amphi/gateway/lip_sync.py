"""Measures how much later a browser's sound arrives than its picture: by flashes and beeps, before it joins a meeting."""

import asyncio
import statistics
from dataclasses import dataclass, field

from playwright.async_api import Page

from amphi.gateway.camera import Camera
from amphi.gateway.packets import FRAME_BYTES, RATE, WIDTH, AudioPacket, Packet, VideoPacket

USUAL_US = 20_000
"""Until it was measured on this machine."""
FLASHES = 6
# No multiple of a picture's time, so that flashes come at all moments between two pictures.
_EVERY_MS = 190
_LONG_MS = 70
_SETTLING_MS = 500  # the first sound of a browser takes longer
_FEWEST = 4
_FARTHEST_US = 400_000
_LOUD = 3000  # a tenth of full scale
_BRIGHT = 128
_PLACE = 300 * WIDTH + 600

_FLASH = """async ({ count, everyMs, longMs, settlingMs }) => {
  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, { frequency: 1000 });
  const gain = new GainNode(sound, { gain: 0 });
  tone.connect(gain).connect(sound.destination);
  tone.start();
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const { style } = document.documentElement;
  style.background = "#000";
  await pause(settlingMs);
  for (let number = 0; number < count; number += 1) {
    gain.gain.setValueAtTime(0.8, sound.currentTime);
    gain.gain.setValueAtTime(0, sound.currentTime + longMs / 1000);
    style.background = "#fff";
    await pause(longMs);
    style.background = "#000";
    await pause(everyMs - longMs);
  }
  await sound.close();
  style.background = "";
}"""


@dataclass
class Moments:
    """When flashes were seen and beeps heard, in µs."""

    flashes: list[int] = field(default_factory=list)
    beeps: list[int] = field(default_factory=list)
    _was_bright: bool = False
    _was_loud: bool = False

    def note(self, packet: Packet) -> None:
        if isinstance(packet, VideoPacket):
            is_bright = packet.data[_PLACE] > _BRIGHT
            if is_bright and not self._was_bright:
                self.flashes.append(packet.pts_us)
            self._was_bright = is_bright
        else:
            self._note_sound(packet)

    def _note_sound(self, packet: AudioPacket) -> None:
        left = memoryview(packet.data).cast("h")[:: FRAME_BYTES // 2].tolist()
        loud = next((index for index, sample in enumerate(left) if abs(sample) > _LOUD), None)
        if loud is not None and not self._was_loud:
            self.beeps.append(packet.pts_us + loud * 1_000_000 // RATE)
        self._was_loud = loud is not None

    def lateness_us(self) -> int | None:
        """How much later than its flash a beep comes, in the middle of the cases; None when too few were found."""
        if len(self.beeps) == len(self.flashes):
            found = [beep - flash for beep, flash in zip(self.beeps, self.flashes, strict=True)]
        else:
            found = [min((beep - flash for beep in self.beeps), key=abs, default=0) for flash in self.flashes]
        found = [late for late in found if abs(late) < _FARTHEST_US and self.beeps]
        return round(statistics.median(found)) if len(found) >= _FEWEST else None


async def measure(page: Page, camera: Camera) -> int | None:
    """How much later than its picture this browser's sound arrives, in µs; None when that can't be told.

    Args:
        page: a blank page of the browser, which is shown.
        camera: films that browser.
    """
    moments, on_packet = Moments(), camera.on_packet
    camera.on_packet = moments.note
    camera.set_mode("live")
    try:
        timing = {"count": FLASHES, "everyMs": _EVERY_MS, "longMs": _LONG_MS, "settlingMs": _SETTLING_MS}
        await page.evaluate(_FLASH, timing)
        await asyncio.sleep(0.2)  # what is on its way
    finally:
        camera.set_mode("hold")
        camera.on_packet = on_packet
        camera.forget()
    return moments.lateness_us()
