"""The input of a job: one Chromium that shows the meeting on a screen of its own, which is filmed, and plays it into a pipe."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Error, Page, Request

from amphi.gateway import children, fonts, meeting_page
from amphi.gateway.addresses import is_host_among
from amphi.gateway.camera import Camera
from amphi.gateway.config import Config
from amphi.gateway.exceptions import SourceLostError
from amphi.gateway.inner_addresses import keep_out
from amphi.gateway.layouts import Layout
from amphi.gateway.meeting_page import Observation, Report
from amphi.gateway.packets import Packet
from amphi.gateway.screen import Screen
from amphi.gateway.sound import Sound

logger = logging.getLogger(__name__)

T = TypeVar("T")

BOT_NAME = "streaming"
PATIENCE_S = 5
"""A page that does not answer within this many seconds counts as hung."""
ENTRY_PATIENCE_S = 15
"""The same while joining: the client must first load megabytes of code, perhaps on a busy machine."""
CHAT_PATIENCE_S = 15
"""How long opening the chat, writing and hiding it again may take, in seconds."""
LAUNCH_PATIENCE_S = 20


class Source(Protocol):
    """Picture and sound of a meeting.

    Attributes:
        on_packet: called with each packet, from the first ``live`` on.
        on_lost: called with a sentence when the page or the browser is gone.
    """

    on_packet: Callable[[Packet], None]
    on_lost: Callable[[str], None]

    async def join(self, join_url: str) -> None:
        """Begin to open the meeting; opens it again if it is open."""

    async def observe(self, name: str, layout: Layout | None = None) -> Observation:
        """Look at the meeting's page once, and keep the picture's layout; `name` is the bot's name, for pages that ask."""

    async def report(self) -> Report:
        """Which client the meeting has."""

    def record(self, mode: str) -> None:
        """Set what is sent: ``live``; ``still`` (repeat the last picture); ``hold`` (the same without sound)."""

    async def is_writing_seen(self) -> bool:
        """Whether writing into the chat makes a hidden panel visible."""

    async def send_chat(self, text: str) -> None:
        """Write into the meeting's chat."""

    async def show_chat(self, *, shown: bool | None) -> bool:
        """Show or hide the chat; None leaves it. Returns whether it is shown now."""

    async def show_layout(self, layout: Layout) -> Layout | None:
        """Bring slides, cameras or both into the picture. Returns which it has now; None: it can't be told."""

    async def close(self) -> None:
        """End the browser."""


@dataclass(frozen=True)
class Studio:
    """Where a browser's meeting is filmed.

    Attributes:
        folder: the browser's profile, sockets and secrets; only we may read it, and it goes with the browser.
    """

    folder: Path
    screen: Screen
    camera: Camera
    sound: Sound
    _parts: contextlib.AsyncExitStack

    @classmethod
    async def open(cls, *, fps: int) -> "Studio":
        """Start a screen and a sound server.

        Raises:
            CaptureFailedError: one does not start.
            SourceLostError: one ended at once.
        """
        async with contextlib.AsyncExitStack() as parts:
            folder = Path(tempfile.mkdtemp(prefix="amphi-browser-"))
            parts.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)

            async def open_sound() -> Sound:
                sound = await Sound.open(folder)
                parts.push_async_callback(sound.close)
                return sound

            async def open_screen() -> Screen:
                screen = await Screen.open(folder)
                parts.push_async_callback(screen.close)
                return screen

            sound, screen = await children.both(open_sound(), open_screen())
            camera = Camera(screen, sound, fps=fps)
            parts.push_async_callback(camera.close)
            return cls(folder, screen, camera, sound, parts.pop_all())

    async def close(self) -> None:
        await self._parts.aclose()


class ChromiumSource:
    """One browser for one job. See `Source`.

    Attributes:
        is_alive: nothing of it has been lost.
    """

    def __init__(self, browser: BrowserContext, studio: Studio, *, pid: int | None, config: Config) -> None:
        self.on_packet: Callable[[Packet], None] = lambda _: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.is_alive = True
        self._pid = pid
        self._config = config
        self._browser = browser
        self._studio = studio
        self._meeting: Page | None = None
        self._opening: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._refusal = ""
        self._unopened = ""
        self._patience_s = ENTRY_PATIENCE_S
        studio.camera.on_packet = self._pass_on
        studio.camera.on_lost = studio.sound.on_lost = self._lose
        browser.on("close", lambda _: self._lose("the browser is gone"))
        browser.on("page", self._shut)

    @property
    def pids(self) -> list[int | None]:
        """The process ids of the browser, its screen and its sound; None for one that could not be found."""
        return [self._pid, self._studio.screen.process.pid, self._studio.sound.process.pid]

    def _pass_on(self, packet: Packet) -> None:
        self.on_packet(packet)

    def _lose(self, detail: str) -> None:
        self.is_alive = False
        self._miss(detail)

    def _miss(self, detail: str) -> None:
        self._studio.camera.set_mode("hold")  # at once: nobody need see what a browser shows of a crash
        self.on_lost(detail)

    def _shut(self, page: Page) -> None:
        """Close a window that a page has opened: it would lie over the meeting."""

        async def shut() -> None:
            with contextlib.suppress(Error):
                if await page.opener() is not None:
                    await page.close()

        task = asyncio.create_task(shut())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def join(self, join_url: str) -> None:
        """Open the meeting in a new tab.

        Raises:
            SourceLostError: the browser is gone.
        """
        try:
            async with asyncio.timeout(LAUNCH_PATIENCE_S):
                # The last tab to be closed would close the browser.
                before, self._meeting = self._meeting, await self._browser.new_page()
                await self._close_page(before)
                page = self._meeting
                page.on("crash", lambda _: self._miss("the meeting's page crashed"))
                self._refusal = self._unopened = ""
                self._patience_s = ENTRY_PATIENCE_S
                page.on("requestfailed", self._note_untrusted)
                await page.add_init_script(meeting_page.script())
                await keep_out(page, join_url, self._note_trespass)
        except TimeoutError:
            self.is_alive = False  # it may hang for ever: another takes its place
            raise SourceLostError("the browser hangs") from None
        except Error as error:
            raise SourceLostError(f"the browser failed: {_first_line(error)}") from error
        self._opening = asyncio.create_task(self._open(page, join_url))

    def _note_trespass(self, detail: str) -> None:
        self._refusal = detail

    def _note_untrusted(self, request: Request) -> None:
        """Note a page with an untrusted certificate. The browser shows a warning instead, which the audience must not see."""
        failure = request.failure or ""
        if "ERR_CERT_" in failure and request.is_navigation_request() and request.frame.parent_frame is None:
            host = urlsplit(request.url).netloc
            self._refusal = f"the certificate of {host} is not trusted: {failure.removeprefix('net::')}"

    async def _open(self, page: Page, join_url: str) -> None:
        # Retry a page that fails to load: the meeting server may be restarting.
        while not page.is_closed() and not self._refusal:
            try:
                await page.goto(join_url, wait_until="commit", timeout=20_000)
            except Error as error:
                self._unopened = f"the meeting's page does not load: {_first_line(error).split(' at ')[0]}"
                logger.info("%s", self._unopened)
                await asyncio.sleep(1)
            else:
                self._unopened = ""
                return

    async def observe(self, name: str, layout: Layout | None = None) -> Observation:
        """Look at the meeting's page once.

        Args:
            name: the bot's name, for pages that ask.
            layout: what the picture is to have; None leaves it.

        Raises:
            SourceLostError: the page hangs or is gone.
        """
        page = self._current()
        if self._refusal:
            return _barred(self._refusal)
        if not self._may_be_joined(page.url):
            host = urlsplit(page.url).hostname
            return _barred(f"{host} is not among AMPHI_GATEWAY_JOIN_HOSTS")
        try:
            async with asyncio.timeout(self._patience_s):
                config = self._config
                seen = await meeting_page.observe(
                    page,
                    any_page=config.any_page,
                    classroom=config.classroom,
                    name=name,
                    layout=layout,
                )
        except TimeoutError:
            raise SourceLostError("the meeting's page hangs") from None
        except Error as error:
            if self.is_alive and not page.is_closed() and "navigation" in str(error):
                return Observation(detail="another page is loading")
            raise SourceLostError(f"the meeting's page failed: {_first_line(error)}") from error
        self._patience_s = PATIENCE_S if seen.is_there else self._patience_s
        return seen if seen.kind else replace(seen, detail=self._unopened or _stranger(page.url))

    def _may_be_joined(self, address: str) -> bool:
        """Whether a job may film this page: redirects may have led away from the checked address."""
        parts = urlsplit(address)
        return parts.scheme not in {"http", "https"} or is_host_among(address, self._config.join_hosts)

    async def missing_scripts(self) -> list[str]:
        """The scripts that the browser has no font for.

        Raises:
            SourceLostError: the browser hangs or is gone.
        """
        return await self._ask(fonts.missing(self._browser.pages[0]))

    async def report(self) -> Report:
        """Which client the meeting has.

        Raises:
            SourceLostError: the page hangs or is gone.
        """
        return await self._ask(meeting_page.report(self._current()))

    def record(self, mode: str) -> None:
        """Set what is sent: ``live``, ``still`` or ``hold``."""
        self._studio.camera.set_mode(mode)

    async def is_writing_seen(self) -> bool:
        """Whether writing into the chat makes a hidden panel visible.

        Raises:
            SourceLostError: the page hangs or is gone.
        """
        return await self._ask(meeting_page.is_writing_seen(self._current()))

    async def send_chat(self, text: str) -> None:
        """Write into the chat.

        Raises:
            ChatRefusedError: the chat refused it.
            SourceLostError: the page hangs or is gone.
        """
        await self._ask(meeting_page.send_chat(self._current(), text))

    async def show_chat(self, *, shown: bool | None) -> bool:
        """Show or hide the chat.

        Raises:
            SourceLostError: the page hangs or is gone.
        """
        return await self._ask(meeting_page.show_chat(self._current(), shown=shown))

    async def show_layout(self, layout: Layout) -> Layout | None:
        """Bring slides, cameras or both into the picture. Returns which it has now.

        Raises:
            SourceLostError: the page hangs or is gone.
        """
        return await self._ask(meeting_page.show_layout(self._current(), layout))

    async def _ask(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(CHAT_PATIENCE_S):
                return await work
        except (Error, TimeoutError) as error:
            raise SourceLostError(f"the meeting's page failed: {_first_line(error)}") from error

    def _current(self) -> Page:
        if self._meeting is None:
            raise SourceLostError("no meeting was joined")
        return self._meeting

    async def _close_page(self, page: Page | None) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if page is not None:
            # A crashed page may never answer; closing the browser later ends it.
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(2):
                    await page.close()

    async def close(self) -> None:
        """Close the browser; kill it when it does not end by itself."""
        self.on_lost = lambda _: None
        self.on_packet = lambda _: None
        if self._opening is not None:
            self._opening.cancel()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._browser.close()
        except (Error, TimeoutError):
            logger.warning("a browser did not close; it is killed")
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        await self._studio.close()


def _barred(detail: str) -> Observation:
    return Observation("barred", "join_refused", detail)


def _stranger(address: str) -> str:
    host = urlsplit(address).hostname
    return f"the page of {host} shows no meeting" if host else "no page was loaded yet"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
