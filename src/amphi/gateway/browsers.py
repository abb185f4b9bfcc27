"""Starts a browser for each job, and keeps some ready for the next jobs."""

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Iterable
from contextvars import Context

import psutil
from playwright.async_api import Error, Playwright, async_playwright

from amphi.gateway import children
from amphi.gateway.config import Config
from amphi.gateway.exceptions import CaptureFailedError, SourceLostError
from amphi.gateway.packets import HEIGHT, WIDTH
from amphi.gateway.source import LAUNCH_PATIENCE_S, ChromiumSource, Studio
from amphi.system.browser_features import WITHOUT_FEATURES

logger = logging.getLogger(__name__)

_ARGUMENTS = (
    "--autoplay-policy=no-user-gesture-required",
    "--deny-permission-prompts",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--hide-scrollbars",
    "--kiosk",
    "--no-first-run",
    "--test-type",  # no bar that warns of other arguments
    "--window-position=0,0",
    f"--window-size={WIDTH},{HEIGHT}",
    WITHOUT_FEATURES,
)
# Of Playwright's arguments, those that would show: a bar of its own, and windows over the meeting's.
_UNWANTED = ("--enable-automation", "--disable-popup-blocking", "--mute-audio")

# What would otherwise lie over the meeting: the preview of a print, the question whether to open another program, the offer to translate a page.
_PREFERENCES = {
    "printing": {"enabled": False},
    "translate": {"enabled": False},
    "policy": {
        "url_blocklist": ["*"],
        "url_allowlist": ["http://*", "https://*", "about:*", "blob:*", "data:*", "filesystem:*"],
    },
}


class BrowserReserve:
    """One Playwright driver and its browsers; `take` returns one that is ready to join."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._playwright: Playwright | None = None
        self._driver_lock = asyncio.Lock()
        self._ready: list[ChromiumSource] = []
        self._has_ready = asyncio.Event()
        self._wanted = 0
        self._filling: asyncio.Task[None] | None = None
        self._is_closed = False

    def refill(self, *, wanted: int) -> None:
        """Start browsers in the background until `wanted` are ready."""
        self._wanted = wanted
        if self._filling is None or self._filling.done():
            # For jobs to come: nothing of the request that happened to make room is theirs.
            self._filling = asyncio.create_task(self._fill(), context=Context())

    async def _fill(self) -> None:
        while len(self._ready) < self._wanted and not self._is_closed:
            try:
                self._ready.append(await self._launch())
                self._has_ready.set()
            except (SourceLostError, CaptureFailedError) as error:
                logger.warning("no browser could be kept ready: %s", error)
                return

    async def take(self) -> ChromiumSource:
        """A browser that is ready to join.

        Raises:
            SourceLostError: no browser could be started.
            CaptureFailedError: it can't be filmed on this machine.
        """
        # The others can wait: their start would take the processor from this job's first pictures.
        self._wanted = 0
        if not self._ready and self._filling is not None and not self._filling.done():
            self._has_ready.clear()
            ready = asyncio.create_task(self._has_ready.wait())
            await asyncio.wait([self._filling, ready], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
        while self._ready:
            source = self._ready.pop()
            if source.is_alive:
                return source
            await self.discard(source)
        return await self._launch()

    async def discard(self, source: ChromiumSource) -> None:
        """Close a browser that was taken."""
        await source.close()

    async def _launch(self) -> ChromiumSource:
        try:
            async with asyncio.timeout(LAUNCH_PATIENCE_S):
                return await self._launch_in_studio()
        except TimeoutError:
            raise SourceLostError("the browser did not start in time") from None
        except Error as error:
            if "Connection closed" in str(error):
                self._playwright = None  # the driver died: the next launch starts another
            raise SourceLostError(
                f"the browser did not start: {str(error).partition(chr(10))[0][:200]}"
            ) from error

    async def _driver(self) -> Playwright:
        async with self._driver_lock:
            if self._playwright is None:
                self._playwright = await asyncio.create_task(async_playwright().start(), context=Context())
            return self._playwright

    async def _launch_in_studio(self) -> ChromiumSource:
        async with contextlib.AsyncExitStack() as opened:

            async def open_studio() -> Studio:
                studio = await Studio.open(fps=self._config.fps)
                opened.push_async_callback(studio.close)
                return studio

            # Both take their time, which counts when the gateway has just been restarted in the middle of a live.
            playwright, studio = await children.both(self._driver(), open_studio())
            source = await self._launch_with(playwright, studio)
            opened.pop_all()
            return source

    async def _launch_with(self, playwright: Playwright, studio: Studio) -> ChromiumSource:
        profile = studio.folder / "profile"
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(_PREFERENCES))
        browser = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=self._config.chromium,
            args=[*_ARGUMENTS, *self._config.chromium_arguments],
            ignore_default_args=list(_UNWANTED),
            chromium_sandbox=os.geteuid() != 0,  # Chromium refuses to sandbox root
            headless=False,
            env={**os.environ, **studio.screen.environment, **studio.sound.environment},
            no_viewport=True,
            locale="fr-FR",
            accept_downloads=False,  # a page could fill the disk
        )
        pid = _pid_of(f"--user-data-dir={profile}", psutil.Process().children(recursive=True))
        studio.camera.start()
        return ChromiumSource(browser, studio, pid=pid, config=self._config)

    async def close(self) -> None:
        self._is_closed = True
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait([self._filling])
        await asyncio.gather(*(self.discard(source) for source in self._ready))
        if self._playwright is not None:
            await self._playwright.stop()


def _pid_of(flag: str, processes: Iterable[psutil.Process]) -> int | None:
    """The process id of the browser started with `flag`. Its child processes also have it, but with ``--type``."""
    for process in processes:
        try:
            arguments = process.cmdline()
        except psutil.Error:
            continue
        if flag in arguments and not any(argument.startswith("--type=") for argument in arguments):
            return process.pid
    return None
