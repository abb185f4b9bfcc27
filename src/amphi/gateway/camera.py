"""Films a browser's screen, with its sound: one picture for each tick of an exact clock in which something has changed."""

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from amphi.gateway.exceptions import SourceLostError
from amphi.gateway.packets import Packet, VideoPacket
from amphi.gateway.picture import EVERYTHING, Picture
from amphi.gateway.screen import Screen
from amphi.gateway.sound import Sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from amphi.gateway.x11 import Rectangle

logger = logging.getLogger(__name__)

STILL_EVERY_TICKS = 5
"""A still picture is sent again at a fifth of the rate: even timestamps, little work."""
OPENING_PICTURES = 8
"""So many come at full rate once it goes live, also where nothing moves: live servers wait for some before they begin."""
LOOK_EVERY_TICKS = 50
"""A still screen is held against the picture of it this often, lest a change that was not told leave a dead picture."""
REGRET_S = 0.4
"""What came onto the screen so shortly before the picture was to be held may be the reason for that: it is taken back."""


class Clock:
    """Decides at each tick whether a picture is sent."""

    def __init__(self) -> None:
        self._last = -1

    def is_due(self, tick: int, *, is_fresh: bool) -> bool:
        """Whether to send a picture at this tick.

        A still one goes at the first tick of each fifth, not at its very tick, which a busy machine may pass over.
        """
        if tick <= self._last:
            return False
        if not is_fresh and tick // STILL_EVERY_TICKS == self._last // STILL_EVERY_TICKS:
            return False
        self._last = tick
        return True


class Camera:
    """See the module.

    Args:
        screen: what to film.
        sound: what is heard with it.
        fps: ticks a second.

    Attributes:
        mode: ``live``; ``still``: the last picture that was sent, again and again; ``hold``: the same, and the sound is left out.
        on_packet: called with each picture, and at each tick with the sound since the last.
        on_lost: called with a sentence when the screen is gone.
    """

    def __init__(self, screen: Screen, sound: Sound, *, fps: int) -> None:
        self.on_packet: Callable[[Packet], None] = lambda _: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.mode = "hold"
        self._screen = screen
        self._sound = sound
        self._fps = fps
        self._picture = Picture(screen)
        self._changed: Rectangle | None = None
        self._sent: deque[tuple[float, bytes]] = deque()  # the newest, and those that may be gone back to
        self._clock = Clock()
        self._opening = 0
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            if not isinstance(error, SourceLostError):
                logger.error("a mistake of the gateway in filming", exc_info=error)
            self.on_lost(str(error) or "the gateway made a mistake")

    def set_mode(self, mode: str) -> None:
        if mode == "live" and self.mode != "live":
            self._changed = EVERYTHING
            self._opening = OPENING_PICTURES
        if mode == "hold" and self.mode == "live":
            self._take_back(time.monotonic() - REGRET_S)
        self.mode = mode

    def _take_back(self, until_s: float) -> None:
        while len(self._sent) > 1 and self._sent[-1][0] > until_s:
            self._sent.pop()

    async def _run(self) -> None:
        # Whole seconds of the day, so that the cameras of one machine tick together.
        start_s = time.monotonic() - time.time() % 1
        start_us = round((start_s - time.monotonic() + time.time()) * 1_000_000)
        tick = 0
        while True:
            tick = max(tick + 1, int((time.monotonic() - start_s) * self._fps))
            await asyncio.sleep(start_s + tick / self._fps - time.monotonic())
            self._listen()
            self._look()
            if tick % LOOK_EVERY_TICKS == 0:
                self._look_again()
            self._send(tick, start_us + tick * 1_000_000 // self._fps)

    def _listen(self) -> None:
        packet = self._sound.read()
        if packet is not None and self.mode != "hold":
            self.on_packet(packet)

    def _look(self) -> None:
        area = self._screen.changes.changed()
        if area is not None:
            self._changed = self._changed.with_(area) if self._changed else area

    def _look_again(self) -> None:
        """Find what has changed without a word."""
        if self.mode != "live" or self._changed is not None or not self._sent:
            return
        self._picture.update(EVERYTHING)
        if self._picture.differs_from(self._sent[-1][1]):
            self._look()
            if self._changed is None:
                logger.warning("the browser's screen changed without a word")
            self._changed = EVERYTHING

    def _send(self, tick: int, pts_us: int) -> None:
        is_fresh = self.mode == "live" and self._changed is not None
        is_wanted = is_fresh or self._opening > 0
        if not (is_fresh or self._sent) or not self._clock.is_due(tick, is_fresh=is_wanted):
            return
        self._opening -= self._opening > 0
        if is_fresh and self._changed is not None:
            self._picture.update(self._changed)
            self._changed = None
            now = time.monotonic()
            while len(self._sent) > 1 and self._sent[1][0] < now - REGRET_S:
                self._sent.popleft()
            self._sent.append((now, self._picture.copy()))
        self.on_packet(VideoPacket(pts_us, self._sent[-1][1]))

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
