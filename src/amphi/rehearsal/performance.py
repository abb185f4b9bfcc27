"""A rehearsal from start to end."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from playwright.async_api import Browser
from playwright.async_api import Error as PlaywrightError

from amphi.rehearsal import stage as staging
from amphi.rehearsal import stream_sample
from amphi.rehearsal.exceptions import NoAnswerError, RehearsalError, UnreadableError
from amphi.rehearsal.measures import Measures, Report, percentile
from amphi.rehearsal.robots import Listener, Presenter, Robot, chromium, heard
from amphi.rehearsal.stage import Stage
from amphi.sipmediagw import GatewayError
from amphi.system.terminal import say
from amphi.worker import probe

LIVE_TIMEOUT_S = 60.0
OVER_TIMEOUT_S = staging.STOP_TIMEOUT_S
OPEN_TIMEOUT_S = 60.0
ON_AIR_MARGIN_S = 120.0
CHAT_ROUNDS = 3
SAMPLE_S = 15.0
SETTLE_S = 3.0
_STATUS_EVERY_S = 2.0
_WARM_UP_S = 5.0
"""Not measured: in its first seconds the gateway starts its browser."""


class Performance:
    """One rehearsal.

    Args:
        stage: the webinar and its accounts.
        seconds: how long the live is measured.
        tell: prints a line of progress.
        pictures: a folder for screenshots of both windows after a failure; None for none.
    """

    def __init__(
        self, stage: Stage, seconds: float, tell: Callable[[str], None], pictures: Path | None = None
    ) -> None:
        self.pictures = pictures
        self.stage = stage
        self.seconds = seconds
        self.tell = tell
        self.report = Report()
        self.measures: Measures = self.report.measures

    async def hold(self) -> None:
        """Hold the whole rehearsal.

        Raises:
            RehearsalError: it can't go on.
        """
        async with chromium() as browser:
            try:
                async with _at_most(OPEN_TIMEOUT_S, "The web part did not answer in time."):
                    presenter, listener = await self._open(browser)
                async with _at_most(
                    2 * LIVE_TIMEOUT_S, "Going live took too long; a robot's browser may hang."
                ):
                    await self._go_live(presenter, listener)
                limit_s = self.seconds + ON_AIR_MARGIN_S
                async with _at_most(limit_s, "The time on air took too long; a robot's browser may hang."):
                    await self._on_air(presenter, listener)
                async with _at_most(
                    2 * OVER_TIMEOUT_S, "Stopping took too long; a robot's browser may hang."
                ):
                    await self._stop(presenter, listener)
                limit_s = 2 * (LIVE_TIMEOUT_S + OVER_TIMEOUT_S)
                async with _at_most(
                    limit_s, "Starting again and ending took too long; a robot's browser may hang."
                ):
                    await self._end(presenter, listener)
            except (RehearsalError, PlaywrightError):
                await self._keep_pictures(browser)
                raise

    async def _keep_pictures(self, browser: Browser) -> None:
        if self.pictures is None:
            return
        for at, context in enumerate(browser.contexts):
            for page in context.pages:
                file = self.pictures / f"{self.stage.token}-{('listener', 'presenter')[at]}.png"
                with contextlib.suppress(PlaywrightError):
                    await page.screenshot(path=file, timeout=5000)
                self.tell(f"{page.url.split('?')[0]} → {file}")

    async def _open(self, browser: Browser) -> tuple[Presenter, Listener]:
        name = settings.SESSION_COOKIE_NAME
        stage = self.stage
        listener = await Listener.open(
            browser, stage.event_url, (name, stage.listener_session), rehearsal=stage.rehearsal
        )
        presenter = await Presenter.open(
            browser,
            stage.meeting_url,
            (name, stage.presenter_session),
            rehearsal=stage.rehearsal,
            title=stage.title,
        )
        self.tell(
            say(en="The listener waits on the live page.", fr="L’auditrice attend sur la page du direct.")
        )
        return presenter, listener

    async def _go_live(self, presenter: Presenter, listener: Listener) -> None:
        clicked = await presenter.start()
        entering = asyncio.create_task(presenter.enter())
        try:
            seen = await self._first_frame(listener)
        finally:
            if not entering.done() or entering.exception() is not None:
                await entering
        self.measures.click_to_live_s = round(seen - clicked, 2)
        self.tell(
            say(
                en=f"Live after {self.measures.click_to_live_s:.1f} s.",
                fr=f"En direct après {self.measures.click_to_live_s:.1f} s.",
            )
        )

    async def _first_frame(self, listener: Listener) -> float:
        try:
            return await listener.first_frame("", LIVE_TIMEOUT_S)
        except NoAnswerError:
            raise NoAnswerError(await self._why_not_live(listener)) from None

    async def _why_not_live(self, listener: Listener) -> str:
        """Find out why no picture reached the listener, and name the part."""
        said = await asyncio.to_thread(staging.explain, self.stage)
        try:
            job = await asyncio.to_thread(staging.job_status, self.stage)
        except GatewayError as error:
            return f"The gateway did not answer ({error}); {said}."
        if job is None or job.state == "unknown":
            return f"The worker did not start a job at the gateway; {said}."
        if job.state != "on_air":
            return f"The gateway is “{job.state}” ({job.reason or 'no reason'}: {job.detail}); {said}."
        state = await listener.page.evaluate("document.documentElement.dataset.liveState")
        if state != "live":
            return f"The gateway is on air, but the listener's page says “{state}”; {said}."
        return f"The gateway is on air, but the player shows no picture of the origin within {LIVE_TIMEOUT_S:g} s."

    # --- on air

    async def _on_air(self, presenter: Presenter, listener: Listener) -> None:
        readable = "rehearsalWatch.frames.length > 0"
        await listener.wait(readable, "The picture came, but the presenter's camera is not in it.")
        playlist = await asyncio.to_thread(probe.read, self.stage.hls_url)
        self.report.low_latency = playlist is None or playlist.low_latency
        with tempfile.TemporaryDirectory(prefix="amphi-rehearsal-") as folder:
            sample = Path(folder) / "sample.nut"
            length_s = min(SAMPLE_S, max(6.0, self.seconds - 2 * SETTLE_S))
            recording = asyncio.create_task(self._record(sample, length_s))
            watching = asyncio.create_task(self._watch_gateway())
            try:
                await self._chat_along(presenter, listener)
                watching.cancel()
                await recording
            finally:
                watching.cancel()
                recording.cancel()
                await asyncio.gather(watching, recording, return_exceptions=True)
            if await listener.strangers():
                self.report.failures.append("The listener was shown the picture of another webinar.")
            ages = await listener.ages_s()
            self._note_ages(ages, int(await listener.watched("watch.unread")))
            await self._measure_offset(sample)

    async def _record(self, sample: Path, length_s: float) -> None:
        await asyncio.sleep(SETTLE_S)
        try:
            await stream_sample.record(self.stage.hls_url, sample, length_s=length_s)
        except UnreadableError as error:
            self.report.failures.append(f"{error}.")

    async def _measure_offset(self, sample: Path) -> None:
        if not await asyncio.to_thread(sample.exists):
            return
        try:
            found = await stream_sample.measure(sample, self.stage.rehearsal)
        except UnreadableError as error:
            self.report.failures.append(f"Sound against picture: {error}.")
            return
        self.measures.av_offset_ms = round(found.ms)
        self.tell(
            say(
                en=f"Sound is {found.ms:+.0f} ms from the picture ({found.tones} tones).",
                fr=f"Le son est à {found.ms:+.0f} ms de l’image ({found.tones} sons).",
            )
        )

    def _note_ages(self, ages: list[float], unread: int) -> None:
        p50, p95 = percentile(ages, 0.5), percentile(ages, 0.95)
        if p50 is None or p95 is None:
            self.report.failures.append("The clock in the listener's picture could not be read.")
            return
        self.measures.glass_to_glass_p50_s, self.measures.glass_to_glass_p95_s = round(p50, 2), round(p95, 2)
        self.tell(
            say(
                en=f"From camera to screen: {p50:.2f} s, 95 % within {p95:.2f} s ({len(ages)} pictures, {unread} unread).",
                fr=f"De la caméra à l’écran\u202f: {p50:.2f} s, 95\u202f% en moins de {p95:.2f} s ({len(ages)} images, {unread} non lues).",
            )
        )

    async def _watch_gateway(self) -> None:
        """Record the gateway's load and dropped frames until cancelled."""
        started = time.monotonic()
        cores: list[float] = []
        while True:
            await asyncio.sleep(_STATUS_EVERY_S)
            try:
                job = await asyncio.to_thread(staging.job_status, self.stage)
            except GatewayError as error:
                self.tell(say(en=f"The gateway: {error}", fr=f"La passerelle\u202f: {error}"))
                continue
            if job is None:
                continue
            if job.cpu_cores is not None and time.monotonic() - started > _WARM_UP_S:
                cores.append(job.cpu_cores)
                self.measures.gateway_cpu_cores = round(statistics.median(cores), 2)
            if job.frames and job.frames_dropped is not None:
                total = job.frames + job.frames_dropped
                self.measures.frames_dropped_ratio = round(job.frames_dropped / total, 4)

    async def _chat_along(self, presenter: Presenter, listener: Listener) -> None:
        """Send chat messages both ways, spread over the time on air."""
        began = time.monotonic()
        to_meeting, to_listener = [], []
        for turn in range(CHAT_ROUNDS):
            await _until(began + self.seconds * (turn + 0.5) / CHAT_ROUNDS)
            question, answer = chat_lines(turn + 1, self.stage.token)
            late = "A listener's message did not reach the meeting"
            to_meeting.append(await self._chat_delay_ms(listener.write(question), presenter, question, late))
            late = "A presenter's message did not reach the listener"
            to_listener.append(await self._chat_delay_ms(presenter.say(answer), listener, answer, late))
        self.measures.chat_to_meeting_ms = round(statistics.median(to_meeting))
        self.measures.chat_to_listener_ms = round(statistics.median(to_listener))
        self.tell(
            say(
                en=f"Chat: {self.measures.chat_to_meeting_ms} ms to the meeting, {self.measures.chat_to_listener_ms} ms back.",
                fr=f"Conversation\u202f: {self.measures.chat_to_meeting_ms} ms vers la réunion, {self.measures.chat_to_listener_ms} ms au retour.",
            )
        )
        await _until(began + self.seconds)

    async def _chat_delay_ms(self, sending: Awaitable[float], hearer: Robot, text: str, late: str) -> float:
        """Milliseconds from sending a chat message until it stands on the other's page."""
        hearing = asyncio.create_task(heard(hearer, text))
        try:
            sent = await sending
            return (await hearing - sent) * 1000
        except TimeoutError:
            known = await asyncio.to_thread(staging.explain_message, self.stage, text)
            raise NoAnswerError(f"{late}: {known}.") from None
        finally:
            hearing.cancel()

    # --- off air

    async def _stop(self, presenter: Presenter, listener: Listener) -> None:
        at = await presenter.stop_live()
        still = "The live was stopped, but the listener's page does not say that it is over."
        over = await listener.over(at, still, OVER_TIMEOUT_S)
        self.measures.stop_to_offline_s = round(over - at, 2)
        self.tell(
            say(
                en=f"Stopped: over for the listener after {over - at:.1f} s.",
                fr=f"Arrêt\u202f: terminé pour l’auditrice après {over - at:.1f} s.",
            )
        )

    async def _end(self, presenter: Presenter, listener: Listener) -> None:
        await listener.watched("void watch.again()")
        await presenter.start_again(OVER_TIMEOUT_S)
        await self._first_frame(listener)
        self.tell(say(en="Live again.", fr="De nouveau en direct."))
        at = await presenter.end_meeting()
        still = "The meeting was ended, but the listener's page does not say that the live is over."
        over = await listener.over(at, still, OVER_TIMEOUT_S)
        self.measures.meeting_end_to_offline_s = round(over - at, 2)
        self.tell(
            say(
                en=f"Meeting ended: over for the listener after {over - at:.1f} s.",
                fr=f"Réunion terminée\u202f: fini pour l’auditrice après {over - at:.1f} s.",
            )
        )


@asynccontextmanager
async def _at_most(limit_s: float, what: str) -> AsyncIterator[None]:
    """Limit the time of a whole step, since a browser that hangs never answers."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError:
        raise NoAnswerError(what) from None


def chat_lines(turn: int, token: str) -> tuple[str, str]:
    """The listener's question and the presenter's answer, in characters that no gateway changes."""
    return f"Question {turn}, {token}", f"Réponse {turn}, {token}"


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def rehearse(seconds: float, tell: Callable[[str], None], pictures: Path | None = None) -> Report:
    """Hold a rehearsal on the configured systems, and remove everything it made, also after an interruption.

    Args:
        seconds: how long the live is measured, at least 20.
        tell: prints a line of progress.
        pictures: a folder for screenshots of both windows after a failure.
    """
    try:
        stage = await asyncio.to_thread(staging.set_up, seconds)
    except (RehearsalError, DatabaseError) as error:
        reason = (
            f"The database did not answer as it should: {error}."
            if isinstance(error, DatabaseError)
            else str(error)
        )
        return Report(failures=[reason])
    performance = Performance(stage, seconds, tell, pictures)
    try:
        await performance.hold()
    except RehearsalError as error:
        performance.report.failures.append(str(error))
    except PlaywrightError as error:
        performance.report.failures.append(f"A robot's browser failed: {str(error).splitlines()[0]}")
    finally:
        left = await asyncio.shield(asyncio.to_thread(staging.tear_down, stage.token))
        if left:
            performance.report.failures.append(left)
    performance.report.judge()
    return performance.report
