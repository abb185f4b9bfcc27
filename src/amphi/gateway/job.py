"""One job: streams one meeting to one RTMP address until it is told to stop or the meeting ends."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from amphi.gateway.addresses import redacted
from amphi.gateway.chat import one_line
from amphi.gateway.client_versions import log_report
from amphi.gateway.config import Config
from amphi.gateway.entry import EntryDeadline
from amphi.gateway.exceptions import (
    CaptureFailedError,
    ChatRefusedError,
    ClientFailingError,
    NotInMeetingError,
    SourceLostError,
)
from amphi.gateway.gauge import Gauge
from amphi.gateway.job_state import State, Status, Trigger, advance, remark
from amphi.gateway.layouts import Layout
from amphi.gateway.meeting_page import Observation
from amphi.gateway.packets import Packet
from amphi.gateway.process_load import ProcessLoad
from amphi.gateway.sink import RtmpSink
from amphi.gateway.source import BOT_NAME, ChromiumSource
from amphi.gateway.watchdog import Watchdog

logger = logging.getLogger(__name__)

GLANCE_EVERY_S = 0.25
ENTRY_GLANCE_EVERY_S = 0.1
"""On the way in, where each glance may press a button, and everybody waits."""
MEASURE_EVERY_S = 3
FIRST_PICTURES_S = 0.1
"""Once the page says that it is in the meeting, its picture is on the screen within this time."""

AWAY_PATIENCE_S = 8
RECONNECT_PATIENCE_S = 20
"""How long a meeting's page may try to reconnect by itself, in seconds."""
MAX_REJOINS = 5
MAX_FAULTS = 3
"""How often the meeting's client may show an unexplained error while joining."""
FAULT_PAUSE_S = 2.0
STEADY = timedelta(minutes=2)
"""Crashes are counted together only when less than this lies between them."""


@dataclass(frozen=True)
class JobSpec:
    """What to stream, and where to."""

    job_id: str
    join_url: str
    rtmp_url: str
    room: str
    show_chat: bool | None
    """None: as the page shows it."""
    layout: Layout = Layout.SLIDES_AND_CAMERAS

    def is_same_as(self, other: "JobSpec") -> bool:
        """Whether both mean the same webinar. Join addresses may differ, since each is signed anew."""
        mine, its = (self.rtmp_url, self.room), (other.rtmp_url, other.room)
        return mine == its and (bool(self.room) or self.join_url == other.join_url)


class Sent(NamedTuple):
    """What went to a live server."""

    frames: int
    frames_dropped: int
    sent_bytes: int

    def plus(self, other: "Sent") -> "Sent":
        return Sent(*(mine + its for mine, its in zip(self, other, strict=True)))


class Browsers(Protocol):
    """Where a job gets its browsers."""

    async def take(self) -> ChromiumSource: ...

    async def discard(self, source: ChromiumSource) -> None: ...


class Job:
    """See the module.

    Args:
        spec: what to stream, and where to.
        config: the gateway's settings.
        browsers: where to get browsers.
        on_change: called when the job's state changes.
        sharers: how many jobs share the gateway's own processor time.
    """

    def __init__(
        self,
        spec: JobSpec,
        config: Config,
        browsers: Browsers,
        *,
        on_change: Callable[[], None],
        sharers: Callable[[], int],
    ) -> None:
        self._sharers = sharers
        self.spec = spec
        self.chat_shown = spec.show_chat
        self._layout = spec.layout
        self._layout_shown: Layout | None = None
        self.name = BOT_NAME
        self._toggle_at_entry = False
        self.status = Status(State.JOINING, datetime.now(UTC))
        self._config = config
        self._browsers = browsers
        self._on_change = on_change
        self._source: ChromiumSource | None = None
        self._loss: asyncio.Future[str] | None = None
        self._faults = 0
        self._away_since: float | None = None
        self._reconnecting_since: float | None = None
        self._chat = asyncio.Lock()
        self._sink = RtmpSink(
            spec.rtmp_url,
            ffmpeg=config.ffmpeg,
            ca_file=config.ca_file,
            fps=config.fps,
            bitrate_kbps=config.bitrate_kbps,
            on_trigger=self.post,
        )
        self._gauge = Gauge(time.monotonic())
        self._watchdog = Watchdog()
        self._load = ProcessLoad()
        self._kbps = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._clearing: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        logger.info("job %s: to %s", self.spec.job_id, redacted(self.spec.rtmp_url))
        self._sink.start()
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._give_up)
        self._background(self._measure())

    def stop(self) -> None:
        """Close RTMP at once, then the browser. Does nothing when the job has ended."""
        self.post(Trigger.STOP, "asked to stop")

    async def ended(self) -> None:
        """Wait until the job is idle."""
        while self.status.state is not State.IDLE:
            if self._ending is not None:
                await asyncio.wait([self._ending])
            else:
                await asyncio.sleep(GLANCE_EVERY_S)

    def post(self, trigger: Trigger, detail: str = "", *, reason: str = "") -> None:
        """Apply a trigger from any part of the job; `reason` is a more precise code than the trigger's own."""
        before = self.status
        self.status = advance(before, trigger, now=datetime.now(UTC), detail=detail, reason=reason)
        if self.status is before:
            return
        logger.info(
            "job %s: %s -> %s (%s) %s", self.spec.job_id, before.state, self.status.state, trigger, detail
        )
        self._on_change()
        if self.status.state is State.STOPPING and self._ending is None:
            self._ending = asyncio.create_task(self._end())
            self._ending.add_done_callback(self._let_go)
        elif self.status.in_meeting and not before.in_meeting and self._sink.is_up:
            self.post(Trigger.PUBLISHED)

    async def _run(self) -> None:
        crashes: list[datetime] = []
        while not self.status.is_ending:
            try:
                await self._attend()
            except ClientFailingError as error:
                self._faults += 1
                trigger = Trigger.JOIN_REFUSED if self._faults >= MAX_FAULTS else Trigger.PAGE_CRASHED
                self.post(trigger, str(error), reason=error.reason)
                await asyncio.sleep(FAULT_PAUSE_S)
            except SourceLostError as error:
                now = datetime.now(UTC)
                crashes = [*(at for at in crashes if now - at < STEADY), now]
                self.post(Trigger.GAVE_UP if len(crashes) > MAX_REJOINS else Trigger.PAGE_CRASHED, str(error))
                await asyncio.sleep(0.5 * (len(crashes) - 1))
            except CaptureFailedError as error:
                self.post(Trigger.CAPTURE_FAILED, str(error))

    async def _attend(self) -> None:
        """Join, and watch the meeting until it ends.

        Raises:
            SourceLostError: the page or the browser is gone; another attempt may work.
            CaptureFailedError: another attempt would fail too.
        """
        self._loss = asyncio.get_running_loop().create_future()
        self._away_since = self._reconnecting_since = None
        source = await self._ready_source()
        source.record("hold")
        await source.join(self.spec.join_url)
        deadline = EntryDeadline(self._config.join_timeout_s)
        while not self.status.is_ending:
            seen = await self._glance(source)
            if not self.status.in_meeting and (why := deadline.overdue(seen)):
                self.post(Trigger.JOIN_TIMEOUT, why)
            every_s = GLANCE_EVERY_S if self.status.in_meeting else ENTRY_GLANCE_EVERY_S
            await asyncio.wait([self._loss], timeout=every_s)
            if self._loss.done():
                raise SourceLostError(self._loss.result())

    async def _ready_source(self) -> ChromiumSource:
        if self._source is not None and self._source.is_alive:
            return self._source
        if self._source is not None:
            # It takes a second to clear away, in which the next one is on its way already.
            lost, self._source = self._source, None
            clearing = asyncio.create_task(self._browsers.discard(lost))
            self._clearing.add(clearing)
            clearing.add_done_callback(self._clearing.discard)
            clearing.add_done_callback(self._has_failed)
            # A new browser has a new clock, so its stream starts anew; meanwhile the live server waits for it.
            await self._sink.close(clean=False)
            self._sink.start()
        source = self._source = await self._browsers.take()
        source.on_packet = self._send
        source.on_lost = self._note_loss
        return source

    def _send(self, packet: Packet) -> None:
        self._gauge.note(packet, time.monotonic())
        self._sink.send(packet)

    def _watch(self, seen: Observation) -> Observation:
        """Hold what the meeting says against what is sent.

        Raises:
            SourceLostError: the picture or the sound is dead, and joining anew may help.
        """
        now = time.monotonic()
        if not self.status.in_meeting or seen.state != "joined" or self._chat.locked():
            self._gauge.begin(now)  # what is held back then says nothing
            self._watchdog.begin()
            return seen
        found = self._watchdog.look(self._gauge.sight(seen, now), now)
        if found is not None and found.must_rejoin:
            raise SourceLostError(found.words)
        return replace(seen, reason=found.alarm, detail=found.words) if found and not seen.reason else seen

    def _note_loss(self, detail: str) -> None:
        if self._loss is not None and not self._loss.done():
            self._loss.set_result(detail)

    async def _glance(self, source: ChromiumSource) -> Observation:
        seen = await source.observe(self.name, self._layout)
        if seen.state == "joined":
            self._layout_shown = seen.layout
        if self.status.in_meeting and not seen.is_over:
            await self._stay_on_the_meeting(source, seen)
        elif seen.state == "failing":
            raise ClientFailingError(seen.detail, seen.reason)
        elif seen.trigger is not None:
            if seen.trigger is Trigger.ENTERED:
                await self._enter(source, seen)
            self.post(seen.trigger, seen.detail, reason=seen.reason)
        seen = self._watch(seen)
        self._remark(seen)
        return seen

    async def _enter(self, source: ChromiumSource, seen: Observation) -> None:
        self._faults = 0
        if seen.kind == "bigbluebutton":
            log_report(self.spec.job_id, await source.report())
        await self._settle_chat(source)
        self._layout_shown = await source.show_layout(self._layout)
        await asyncio.sleep(FIRST_PICTURES_S)
        source.record("live")

    def _remark(self, seen: Observation) -> None:
        """Keep what the page says about its progress, for the API and the log."""
        before, self.status = self.status, remark(self.status, reason=seen.reason, detail=seen.detail)
        if self.status is not before:
            said = (self.status.reason, self.status.detail or "all is well")
            logger.info("job %s: %s: %s %s", self.spec.job_id, self.status.state, *said)

    async def _stay_on_the_meeting(self, source: ChromiumSource, seen: Observation) -> None:
        """Hide the page when it leaves the meeting, for example for a login page."""
        now = time.monotonic()
        if seen.is_there:
            if self._away_since is not None:
                source.record("live")
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
            source.record("hold")
        elif now - self._away_since > AWAY_PATIENCE_S:
            raise SourceLostError(f"the page shows no meeting any more: {seen.detail}")
        if seen.state != "reconnecting":
            self._reconnecting_since = None
        elif self._reconnecting_since is None:
            self._reconnecting_since = now
        elif now - self._reconnecting_since > RECONNECT_PATIENCE_S:
            raise SourceLostError(f"not reconnected after {RECONNECT_PATIENCE_S} s: {seen.detail}")

    def _give_up(self, task: asyncio.Task[None]) -> None:
        """End the job after an unexpected exception: otherwise it would stay on air while nothing watches its meeting."""
        if self._has_failed(task):
            self.post(Trigger.GAVE_UP, f"the gateway made a mistake: {type(task.exception()).__name__}")

    def _let_go(self, task: asyncio.Task[None]) -> None:
        """Free the job's place, even when closing it failed."""
        self._has_failed(task)
        self.post(Trigger.CLOSED)

    def _has_failed(self, task: asyncio.Task[None]) -> bool:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("job %s: a mistake of the gateway", self.spec.job_id, exc_info=error)
        return error is not None

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
        try:
            await self._sink.close()
            if self._running is not None:
                await asyncio.wait([self._running])
        finally:
            for task in self._tasks:
                task.cancel()
            source, self._source = self._source, None
            if source is not None:
                await self._browsers.discard(source)
            await asyncio.gather(*self._clearing, return_exceptions=True)

    async def _measure(self) -> None:
        sent_bytes, share_s, own_s = 0, 0.0, time.process_time()
        while True:
            roots = [*(self._source.pids if self._source else []), self._sink.pid]
            share_s += (time.process_time() - own_s) / max(1, self._sharers())
            own_s = time.process_time()
            await asyncio.to_thread(self._load.sample, roots, extra_s=share_s)
            self._kbps = round((self._sink.bytes_sent - sent_bytes) * 8 / 1000 / MEASURE_EVERY_S)
            sent_bytes = self._sink.bytes_sent
            await asyncio.sleep(MEASURE_EVERY_S)

    def _background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._has_failed)

    async def send_chat(self, text: str, *, author: str) -> None:
        """Write into the meeting's chat.

        Raises:
            NotInMeetingError: the bot is not in the meeting.
            ChatRefusedError: the chat refused the message; the text says why.
            SourceLostError: the page hangs or is gone.
        """
        async with self._chat:
            source = self._in_meeting()
            is_seen = await source.is_writing_seen() and self._away_since is None
            if is_seen:
                source.record("still")  # so that the audience does not see the panel open and close
            try:
                # One line: a second line could look like a message of somebody else.
                await source.send_chat(one_line(f"{author}: {text}" if author else text))
            except ChatRefusedError as error:
                logger.info("job %s: a message was not taken: %s", self.spec.job_id, error)
                raise
            finally:
                if is_seen:
                    await asyncio.sleep(FIRST_PICTURES_S)
                    source.record("hold" if self._away_since is not None else "live")

    async def show_chat(self, *, shown: bool) -> bool:
        """Show or hide the chat in the picture. Before the bot has joined, this is remembered for then."""
        self.chat_shown = shown
        if self.status.in_meeting:
            async with self._chat:
                await self._bring_chat(self._in_meeting(), shown=shown)
        return self.chat_shown

    async def _bring_chat(self, source: ChromiumSource, *, shown: bool | None) -> None:
        self.chat_shown = await source.show_chat(shown=shown)
        if shown is not None and self.chat_shown is not shown:
            wanted = "shown" if shown else "hidden"
            logger.warning("job %s: the meeting's chat can't be %s", self.spec.job_id, wanted)

    async def toggle_chat(self) -> None:
        """Show the chat if it is hidden, hide it if it is shown. Before the bot has joined, this is remembered for then.

        Raises:
            NotInMeetingError: the job is over.
            SourceLostError: the page hangs or is gone.
        """
        if self.status.is_ending:
            raise NotInMeetingError("the job is over")
        if self.status.in_meeting:
            async with self._chat:
                source = self._in_meeting()
                await self._bring_chat(source, shown=not await source.show_chat(shown=None))
        elif self.chat_shown is not None:
            self.chat_shown = not self.chat_shown
        else:
            self._toggle_at_entry = not self._toggle_at_entry

    async def _settle_chat(self, source: ChromiumSource) -> None:
        await self._bring_chat(source, shown=self.chat_shown)
        if self._toggle_at_entry:
            self._toggle_at_entry = False
            await self._bring_chat(source, shown=not self.chat_shown)

    async def show_layout(self, layout: Layout) -> Layout | None:
        """Bring slides, cameras or both into the picture, and keep it so. Before the bot has joined, this is remembered for then.

        Returns:
            What the picture has now: not yet the layout where nobody has a camera on, or nothing is shared. None: it can't be told.
        """
        self._layout = layout
        if self.status.in_meeting:
            self._layout_shown = await self._in_meeting().show_layout(layout)
        return self._layout_shown

    def _in_meeting(self) -> ChromiumSource:
        if self._source is None or not self.status.in_meeting:
            raise NotInMeetingError("the bot is not in the meeting now")
        return self._source

    @property
    def sent(self) -> Sent:
        return Sent(self._sink.frames, self._sink.frames_dropped, self._sink.bytes_sent)

    @property
    def cpu_cores(self) -> float:
        """Processor cores that the job takes, with its browser."""
        return round(self._load.cores, 2)

    def describe(self) -> dict[str, Any]:
        """The job's JSON object in the API."""
        return {
            "job_id": self.spec.job_id,
            "state": self.status.public_state,
            "reason": self.status.reason,
            "detail": self.status.detail,
            "since": self.status.since.isoformat(timespec="milliseconds"),
            "room": self.spec.room,
            "chat_shown": bool(self.chat_shown),
            "layout": self._layout,
            "layout_shown": self._layout_shown,
            "stats": {
                "cpu_cores": self.cpu_cores,
                "frames": self._sink.frames,
                "frames_dropped": self._sink.frames_dropped,
                "kbps": self._kbps,
            },
        }
