"""The camera, on a screen that the test draws."""

import asyncio
import mmap
from types import SimpleNamespace

import pytest

from amphi.gateway.camera import LOOK_EVERY_TICKS, OPENING_PICTURES, STILL_EVERY_TICKS, Camera
from amphi.gateway.packets import HEIGHT, WIDTH

FPS = 250
# Pictures are converted by Debian's libyuv.
pytestmark = pytest.mark.integration


class Screen:
    """White pixels, of which nothing is ever told."""

    def __init__(self):
        self.start, self.line_bytes = 0, 4 * WIDTH
        self.pixels = mmap.mmap(-1, 4 * WIDTH * HEIGHT)
        self.changes = SimpleNamespace(changed=lambda: None)
        self.fill(b"\xff")

    def fill(self, byte):
        self.pixels[:] = byte * len(self.pixels)


def test_screen_that_changes_without_a_word_is_seen(caplog):
    async def film():
        screen, pictures = Screen(), asyncio.Queue()
        camera = Camera(screen, SimpleNamespace(read=lambda: None), fps=FPS)
        camera.on_packet = pictures.put_nowait
        camera.start()
        camera.set_mode("live")
        async with asyncio.timeout(20):
            white = (await pictures.get()).data
            # Still ones, for longer than it takes until the screen is looked at again.
            for _ in range(OPENING_PICTURES + LOOK_EVERY_TICKS // STILL_EVERY_TICKS + 1):
                assert (await pictures.get()).data is white
            assert not caplog.messages
            screen.fill(b"\0")
            while (await pictures.get()).data == white:
                pass
        await camera.close()

    asyncio.run(film())
    assert caplog.messages == ["the browser's screen changed without a word"]


def test_live_server_soon_has_enough_pictures_to_begin_also_where_nothing_moves():
    sent = []
    camera = Camera(Screen(), SimpleNamespace(read=lambda: None), fps=FPS)
    camera.on_packet = lambda packet: sent.append(packet.pts_us)

    def film(ticks):
        for tick in ticks:
            camera._send(tick, tick)

    film(range(7))
    assert sent == []
    for begins in (7, 100):  # also after it was held
        camera.set_mode("live")
        film(range(begins, begins + 30))
        opening = list(range(begins, begins + OPENING_PICTURES))
        assert sent[:OPENING_PICTURES] == opening
        later = [tick for tick in range(opening[-1] + 1, begins + 30) if tick % STILL_EVERY_TICKS == 0]
        assert sent[OPENING_PICTURES:] == later
        camera.set_mode("hold")
        sent.clear()
