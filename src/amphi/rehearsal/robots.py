"""The robots: a presenter and a listener, each in a Chromium window, who act like people."""

import asyncio
import contextlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from amphi.rehearsal.exceptions import NoAnswerError, SetUpError
from amphi.system import environment as env
from amphi.system.browser_features import WITHOUT_FEATURES

STATIC = Path(__file__).parent / "static"
# Chromium must not slow down windows that nobody sees, and must play sound without a click.
CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--no-proxy-server",
    WITHOUT_FEATURES,
]
STEP_S = 40.0
"""How long one step of a robot may take, in seconds. After that it fails with the name of the part it waits for."""

LEAVES_S = 3.0
"""How long a window that has done its work may take to load its last page, and to close. Nothing depends on either."""

HEARD_S = 60.0
_POLL_S = 0.05


def script(name: str) -> str:
    """The text of one of the robots' scripts."""
    return (STATIC / name).read_text(encoding="utf-8")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium for the robots.

    Raises:
        SetUpError: it is not installed, or does not start.
    """
    program = env.text("AMPHI_CHROMIUM") or shutil.which("chromium")
    if not program:
        raise SetUpError("Chromium is not installed: the robots need it. Install it, or set AMPHI_CHROMIUM.")
    arguments = [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        try:
            # Only this program handles Ctrl-C, so that the robots leave in order.
            browser = await playwright.chromium.launch(
                executable_path=program,
                args=arguments,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except PlaywrightError as error:
            raise SetUpError(f"Chromium did not start: {str(error).splitlines()[0]}") from error
        try:
            yield browser
        finally:
            await browser.close()


class Robot:
    """A person at a window.

    Args:
        page: the window.
        role: its name in messages.
    """

    def __init__(self, page: Page, role: str) -> None:
        self.page = page
        self.role = role

    async def wait(
        self, condition: str, what: str, *, page: Page | None = None, timeout_s: float = STEP_S
    ) -> None:
        """Wait until the JavaScript `condition` holds on the page.

        Raises:
            NoAnswerError: it did not hold in time; the message is `what`.
        """
        # Polled from outside, since the pages' content security policy forbids waiting inside them.
        deadline = time.monotonic() + timeout_s
        while not await self._holds(condition, page or self.page):
            if time.monotonic() > deadline:
                raise NoAnswerError(what)
            await asyncio.sleep(_POLL_S)

    async def _holds(self, condition: str, page: Page) -> bool:
        try:
            return bool(await page.evaluate(f"Boolean({condition})"))
        except PlaywrightError as error:
            if "Execution context was destroyed" in str(error):
                return False  # the page is being replaced by the next
            raise

    async def click(
        self, selector: str, what: str, *, page: Page | None = None, timeout_s: float = STEP_S
    ) -> float:
        """Press a button, once it is there; returns when, in seconds since 1970.

        Raises:
            NoAnswerError: it did not appear in time; the message is `what`.
        """
        button = (page or self.page).locator(selector).first
        try:
            await button.wait_for(state="visible", timeout=timeout_s * 1000)
            at = time.time()
            await button.click(timeout=STEP_S * 1000, no_wait_after=True)
        except PlaywrightTimeoutError:
            raise NoAnswerError(what) from None
        return at

    async def go(self, url: str, what: str, *, page: Page | None = None) -> None:
        """Open an address.

        Raises:
            NoAnswerError: it does not answer, or answers with an error; `what` names it.
        """
        try:
            answer = await (page or self.page).goto(url, timeout=STEP_S * 1000, wait_until="domcontentloaded")
        except PlaywrightError as error:
            raise NoAnswerError(f"{what} did not answer at {url}: {str(error).splitlines()[0]}") from None
        if answer is not None and not answer.ok:
            raise NoAnswerError(f"{what} answered {answer.status} at {url}.")

    async def watched(self, what: str) -> Any:
        """The value of a JavaScript expression about ``watch``, the object in which `watch.js` records what it sees."""
        return await self.page.evaluate(
            f"(() => {{ const watch = globalThis.rehearsalWatch; return {what}; }})()"
        )


async def _context(
    browser: Browser, url: str, cookie: tuple[str, str], size: tuple[int, int]
) -> BrowserContext:
    context = await browser.new_context(
        locale="fr-FR", viewport={"width": size[0], "height": size[1]}, ignore_https_errors=False
    )
    parts = urlsplit(url)
    await context.add_cookies(
        [{"name": cookie[0], "value": cookie[1], "url": f"{parts.scheme}://{parts.netloc}/"}]
    )
    # A page with camera and microphone permission tells peers its real address, so WebRTC works without multicast DNS.
    await context.grant_permissions(["camera", "microphone"])
    await context.add_init_script(script("clock.js"))
    await context.add_init_script(script("watch.js"))
    return context


async def _accept(dialog: Dialog) -> None:
    await dialog.accept()


class Presenter(Robot):
    """The presenter: starts the webinar on its page, speaks in the meeting, stops and ends."""

    @classmethod
    async def open(
        cls,
        browser: Browser,
        meeting_url: str,
        cookie: tuple[str, str],
        *,
        title: str,
        rehearsal: int = 0,
        slides: Sequence[tuple[str, str]] = (),
    ) -> "Presenter":
        """A presenter on the meeting's page.

        Args:
            browser: where the page opens.
            meeting_url: the page.
            cookie: name and value of the session.
            title: of the webinar, in the picture.
            rehearsal: the number in the picture's clock.
            slides: what the camera shows to people, heading and line, instead of the clock and tones for machines.
        """
        context = await _context(browser, meeting_url, cookie, (900, 640))
        robot = json.dumps({"id": rehearsal, "title": title, "slides": slides})
        await context.add_init_script(f"globalThis.rehearsalRobot = {robot};")
        await context.add_init_script(script("speaker.js" if slides else "camera.js"))
        page = await context.new_page()
        page.on("dialog", _accept)
        presenter = cls(page, "presenter")
        presenter.meeting_url = meeting_url
        await presenter.go(meeting_url, "The web part")
        return presenter

    meeting_url: str = ""

    async def start(self) -> float:
        """Press « Démarrer le webinaire »; returns when."""
        return await self.click(
            '[data-offer="start"] button', "The web part did not offer to start the webinar."
        )

    async def enter(self) -> None:
        """Enter the classroom with microphone and camera."""
        refused = await self._not_joined()
        host = urlsplit(self.page.url).netloc
        await self.wait(
            "document.documentElement.dataset.meetingState !== undefined",
            f"What opened at {host} is not a room of `amphi classroom`, the only one in which the robots present. "
            "On BigBlueButton, rehearse by hand: docs/rehearsal.md says how.",
            timeout_s=STEP_S,
        )
        await self.take_devices(refused)

    async def take_devices(self, refused: str) -> None:
        """Take microphone and camera in the classroom, once its page is in the meeting; `refused` is said when it is not."""
        await self.wait('document.documentElement.dataset.meetingState === "joined"', refused)
        await self.click("#join-microphone", "The classroom did not offer the microphone.")
        await self.click("#camera-button", "The classroom did not offer the camera.")
        pressed = 'document.querySelector("#camera-button").getAttribute("aria-pressed") === "true"'
        await self.wait(pressed, "The classroom did not take the camera.")

    async def _not_joined(self) -> str:
        try:
            await self.page.wait_for_url(
                lambda url: not url.startswith(self.meeting_url), timeout=STEP_S * 1000
            )
        except PlaywrightTimeoutError:
            said = self.page.locator(".alert").first
            words = " ".join((await said.inner_text()).split()) if await said.count() else "nothing was said"
            raise NoAnswerError(f"The webinar did not start: {words}") from None
        return "The classroom did not let the presenter in."

    async def say(self, text: str) -> float:
        """Write in the meeting's chat; returns when it was sent, in seconds since 1970."""
        if not await self.page.locator("#chat-input").is_visible():
            await self.click("#panel-button", "The classroom did not open its chat.")
        return await _send(self, "#chat-input", text, "The classroom's chat can't be written in.")

    async def start_again(self, timeout_s: float) -> float:
        """Press « Relancer le direct » on the panel once it is offered; returns when. The meeting went on meanwhile.

        Args:
            timeout_s: the longest that the gateway may take to stop.
        """
        missing = "The panel did not offer to start the live again."
        return await self._on_panel('[data-offer="restart"] button', missing, timeout_s=timeout_s)

    async def stop_live(self) -> float:
        """Press « Arrêter seulement le direct » on the panel; returns when."""
        missing = "The panel did not offer to stop the live."
        return await self._on_panel(
            '#stop-dialog [type="submit"]', missing, opener='[data-offer="stop"] button'
        )

    async def _on_panel(
        self, button: str, missing: str, *, opener: str = "", timeout_s: float = STEP_S
    ) -> float:
        """Press a button of the panel in a separate window, so that the classroom's window stays open.

        Args:
            button: what sends the order.
            missing: what is said when it is not there.
            opener: what is pressed before, to be asked whether one is sure.
            timeout_s: the longest that one may take to come.
        """
        page = await self.page.context.new_page()
        await self.go(self.meeting_url, "The web part", page=page)
        if opener:
            await self.click(opener, missing, page=page, timeout_s=timeout_s)
        try:
            async with page.expect_response(
                lambda answer: answer.request.method == "POST", timeout=(timeout_s + STEP_S) * 1000
            ):
                at = await self.click(button, missing, page=page, timeout_s=timeout_s)
        except PlaywrightTimeoutError:
            raise NoAnswerError("The web part did not answer to a button of the panel.") from None
        # A window closed while it loads a page may never report that it is closed.
        with contextlib.suppress(PlaywrightTimeoutError):
            await page.wait_for_load_state("load", timeout=LEAVES_S * 1000)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(page.close(), LEAVES_S)
        return at

    async def end_meeting(self) -> float:
        """End the meeting for all in the classroom; returns when."""
        return await self.click("#end-button", "The classroom did not offer to end the meeting.")


class Listener(Robot):
    """A listener on the live page."""

    @classmethod
    async def open(
        cls, browser: Browser, event_url: str, cookie: tuple[str, str], *, rehearsal: int
    ) -> "Listener":
        """A listener who waits on the live page."""
        context = await _context(browser, event_url, cookie, (1280, 720))
        listener = cls(await context.new_page(), "listener")
        await listener.go(event_url, "The web part")
        await listener.page.evaluate("rehearsalWatch.picture()")
        waits = "document.documentElement.dataset.liveState === 'waiting'"
        await listener.wait(waits, "The live page did not come to life: its event stream says nothing.")
        listener.rehearsal = rehearsal
        return listener

    rehearsal: int = 0

    async def first_frame(self, explain: str, timeout_s: float) -> float:
        """Wait until the picture moves; returns since when, in seconds since 1970."""
        await self.wait("rehearsalWatch.firstFrameAt !== null", explain, timeout_s=timeout_s)
        return float(await self.watched("watch.firstFrameAt")) / 1000

    async def strangers(self) -> int:
        """How many pictures came from another rehearsal."""
        frames = await self.watched("watch.frames")
        return sum(frame["id"] != self.rehearsal for frame in frames)

    async def ages_s(self) -> list[float]:
        """The age of each picture whose clock could be read, in seconds."""
        frames = await self.watched("watch.frames")
        return [frame["age"] / 1000 for frame in frames if frame["id"] == self.rehearsal]

    async def write(self, text: str) -> float:
        """Write in the live page's chat; returns when it was sent, in seconds since 1970."""
        await self.wait(
            "!document.querySelector('#chat-text')?.disabled", "The live page's chat did not open."
        )
        return await _send(self, "#chat-text", text, "The live page's chat can't be written in.")

    async def over(self, since_s: float, what: str, timeout_s: float) -> float:
        """Wait until the page says that the live is over and its picture stands still.

        Args:
            since_s: seconds since 1970; an end seen before does not count.
            what: the sentence when it does not.
            timeout_s: how long to wait.

        Returns:
            When both were true, in seconds since 1970.
        """
        seen = f'rehearsalWatch.states.find(({{state, at}}) => state === "over" && at >= {since_s * 1000})'
        await self.wait(f"Boolean({seen})", what, timeout_s=timeout_s)
        over_ms = float(await self.page.evaluate(f"({seen}).at"))
        # The picture must stop when the page says so: look whether it still moves after a quarter of a second.
        await asyncio.sleep(0.25)
        last_ms = float(await self.watched("watch.lastFrameAt ?? 0"))
        still = time.time() * 1000 - last_ms > 200  # noqa: PLR2004 -- five frames
        if not still:
            raise NoAnswerError("The live page says that the live is over, and its picture still moves.")
        return max(over_ms, last_ms) / 1000


async def _send(robot: Robot, field: str, text: str, what: str) -> float:
    try:
        await robot.page.fill(field, text, timeout=STEP_S * 1000)
    except PlaywrightTimeoutError:
        raise NoAnswerError(what) from None
    await robot.click("#chat-send", what)
    return float(await robot.watched("watch.clicks['chat-send']")) / 1000


async def heard(robot: Robot, text: str) -> float:
    """Wait until `text` is on the robot's page; returns when, in seconds since 1970.

    Raises:
        TimeoutError: it did not appear in time.
    """
    watching = robot.page.evaluate("(text) => rehearsalWatch.textAt(text)", text)
    return float(await asyncio.wait_for(watching, HEARD_S)) / 1000
