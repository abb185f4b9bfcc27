"""A crowd: who comes when, who watches, who writes, who leaves and comes back."""

import asyncio
import contextlib
import gc
import itertools
import os
import random
import resource
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from amphi.loadtest.exceptions import ConnectionFailedError
from amphi.loadtest.figures import Histogram, Own, Report, Tally
from amphi.loadtest.hearing import Hearing
from amphi.loadtest.listener import Hall, Listener
from amphi.loadtest.place import Place
from amphi.loadtest.viewing import Viewer

# ruff: noqa: S311 -- whatever is random here guards nothing
MESSAGES_A_MINUTE = 8
"""Of one writer, below what the platform allows."""
TEXT = "Un message d’une longueur ordinaire, comme on en écrit en suivant un cours."
AWAY_S = (3.0, 20.0)
LEAVING_UNTIL = 0.6
"""In the last part of a run nobody leaves: all are to be there at the end."""
WELCOME_S = 0.05
REFUSED_S = 2.0
TICK_S = 0.05
TELL_S = 2.0
SETTLE_S = 2.5
EARLY = 0.01
"""Lateness is told from the earliest hundredth of the parts on: the earliest one of all is an odd one."""
MOST_ARRIVAL_S = 120.0
CREATED = 201
NEW_OBJECTS = 20_000
"""After so many new objects garbage is looked for; Python's own 700 come with a few listeners."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the crowd is, and what it does.

    Attributes:
        listeners: how many there are.
        viewers: how many of them fetch the picture.
        seconds: how long it lasts in all.
        messages: a second, of all together.
        leaving: the share that leaves once and comes back.
        slow: the share with a slow line.
        slow_bytes_per_s: what that carries.
    """

    listeners: int
    viewers: int
    seconds: float
    messages: float
    leaving: float
    slow: float
    slow_bytes_per_s: int = 16 * 1024

    @property
    def half_s(self) -> float:
        """Half of them are there after so long: two minutes, as in life, or a fifth of a shorter run."""
        return min(MOST_ARRIVAL_S, self.seconds / 5)

    @property
    def all_s(self) -> float:
        """All of them are there after so long."""
        return 2.5 * self.half_s

    @property
    def writers(self) -> int:
        """How many it takes to write the messages."""
        return min(self.listeners, round(60 * self.messages / MESSAGES_A_MINUTE))

    @property
    def connections(self) -> int:
        """The most that are open at once."""
        return self.listeners + 2 * self.viewers + self.writers

    def arrivals(self) -> list[float]:
        """When each comes, in seconds after the begin."""
        half_s, slower = self.half_s, self.all_s - self.half_s
        shares = ((number + random.random()) / self.listeners for number in range(self.listeners))
        return [2 * share * half_s if share < 0.5 else half_s + (2 * share - 1) * slower for share in shares]  # noqa: PLR2004


class Crowd:
    """All of them, in one event loop.

    Args:
        plan: what they do.
        place: where.
        tell: called with a line about how it goes, every two seconds.
    """

    def __init__(self, plan: Plan, place: Place, tell: Callable[[str], None]) -> None:
        self.plan = plan
        self._run = f"[{uuid.uuid4().hex[:6]}]"
        self._tell = tell
        self.hearing = Hearing(self._run.replace("[", r"\[").replace("]", r"\]"))
        self.tally = Tally()
        self._place = place
        self._hall = Hall(place, self.hearing, self.tally)
        self._listeners: list[Listener] = []
        self._writers: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._lags = Histogram()
        self._cpu_s = 0.0
        self._counted_s = 0.0
        self._behind = 0

    async def meet(self) -> Report:
        """Have all come, and tell what it was like."""
        began = time.monotonic()
        gc.set_threshold(NEW_OBJECTS)
        try:
            self._start(self._come())
            self._start(self._watch_itself())
            self._start(self._tell_on(began))
            if self.plan.messages:
                self._start(self._write_on())
                self._start(self._welcome_writers())
            await asyncio.sleep(self.plan.all_s)
            await self._count_for(self.plan.seconds - self.plan.all_s)
            return self._report()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _count_for(self, seconds: float) -> None:
        """Count while all are there; what is on its way at the end is heard."""
        # They stay: looking through all of them for garbage again and again would cost an eighth of the time.
        gc.freeze()
        self._lags = Histogram()
        self.hearing.counts = True
        own_s, began = time.process_time(), time.monotonic()
        self._start(self._step_out(seconds))
        await asyncio.sleep(seconds - SETTLE_S)
        told = max((one.heard for one in self._listeners), default=0)
        await asyncio.sleep(SETTLE_S)
        self._behind = sum(0 < one.heard < told for one in self._listeners)
        self._counted_s = time.monotonic() - began
        self._cpu_s = time.process_time() - own_s
        self.hearing.counts = False
        self.hearing.settle()

    # --- coming, watching, leaving

    async def _come(self) -> None:
        began = time.monotonic()
        watching, slow = (
            self._marks(self.plan.viewers),
            self._marks(round(self.plan.slow * self.plan.listeners)),
        )
        for due in self.plan.arrivals():
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            is_slow = next(slow)
            listener = Listener(self._hall, bytes_per_s=self.plan.slow_bytes_per_s if is_slow else 0)
            self._listeners.append(listener)
            self._start(listener.live())
            if next(watching):
                self._start(self._watch(listener, sound_alone=is_slow))

    def _marks(self, wanted: int) -> Iterator[bool]:
        """For each listener whether it is one of `wanted`, evenly spread."""
        count = self.plan.listeners
        return ((number + 1) * wanted // count > number * wanted // count for number in range(count))

    async def _watch(self, listener: Listener, *, sound_alone: bool) -> None:
        await listener.came.wait()
        if url := listener.facts.get("hls_url"):
            viewer = Viewer(
                self._place,
                listener.source,
                self.tally,
                sound_alone=sound_alone,
                counts=lambda: self.hearing.counts,
            )
            await viewer.watch(urljoin(self._place.page.geturl(), url))

    async def _step_out(self, seconds: float) -> None:
        """Some leave, each at a moment of its own, and come back before the end."""
        began = time.monotonic()
        leaving = random.sample(self._listeners, round(self.plan.leaving * len(self._listeners)))
        for number, listener in enumerate(leaving, start=1):
            # By the clock: this process is late now and then, and thousands of pauses, each a little longer, would last until the end.
            due = began + LEAVING_UNTIL * seconds * number / len(leaving)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            listener.step_out(min(random.uniform(*AWAY_S), seconds / 10))

    # --- writing

    async def _write_on(self) -> None:
        """Messages at an even pace, each by the next writer; whose place is still empty writes nothing."""
        began = time.monotonic()
        last_s = self.plan.seconds - 2 * SETTLE_S
        for number in itertools.count():
            due = number / self.plan.messages
            if due > last_s:
                return
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            place = number % self.plan.writers
            if place < len(self._writers):
                self._start(self._write(self._writers[place], number))

    async def _welcome_writers(self) -> None:
        """Listeners take a guest's name, one after the other, until there are enough to write."""
        while len(self._writers) < self.plan.writers:
            await asyncio.sleep(WELCOME_S)
            one = random.choice(self._listeners) if self._listeners else None
            if one is None or not one.is_here or one in self._writers:
                continue
            if not one.facts["chat"]["guests"]:
                self.tally.troubles["message: guests may not write at this live"] += 1
                return
            if not await self._welcome(one):
                await asyncio.sleep(REFUSED_S)

    async def _write(self, writer: Listener, number: int) -> None:
        text = f"{self._run} {number} {time.time():.3f} {TEXT}"
        try:
            status, said = await writer.post("messages", text=text, id=str(uuid.uuid4()))
        except ConnectionFailedError as error:
            self.tally.troubles[f"message: {error}"] += 1
            return
        if status == CREATED:
            self.tally.sent += 1
        else:
            self.tally.troubles[f"message: {said}"] += 1

    async def _welcome(self, one: Listener) -> bool:
        try:
            status, said = await one.post("guest", name=f"Essai {len(self._writers) + 1}")
        except ConnectionFailedError as error:
            self.tally.troubles[f"guest: {error}"] += 1
            return False
        if status == CREATED:
            self._writers.append(one)
        else:
            self.tally.troubles[f"guest: {said}"] += 1
        return status == CREATED

    # --- itself

    async def _watch_itself(self) -> None:
        loop, swept = asyncio.get_running_loop(), 0.0
        while True:
            before = loop.time()
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self._lags.add(1000 * max(0.0, now - before - TICK_S))
            if now - swept > 1:
                swept = now
                self._place.sweep()

    async def _tell_on(self, began: float) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            self._tell(self._line(time.monotonic() - began))

    def _line(self, at_s: float) -> str:
        tally, lag = self.tally, self._lags.percentile(0.99) or 0
        troubles = tally.troubles.total()
        return (
            f"{at_s:5.0f} s  {tally.listening:>6,} of {self.plan.listeners:,} listen  {tally.sent:>6,} messages  "
            f"{tally.parts:>8,} parts  {tally.stalls:,} stalls  {tally.dropped:,} dropped  {troubles:,} troubles  {lag} ms late myself"
        )

    def _own(self) -> Own:
        share = self._cpu_s / self._counted_s if self._counted_s else 0.0
        return Own(round(share, 2), self._lags.percentile(0.99) or 0, memory_mib())

    def _report(self) -> Report:
        tally, hearing = self.tally, self.hearing
        late = tally.ages.above(tally.ages.percentile(EARLY) or 0)
        lasted_s = tally.watched_s + tally.stalled_s
        return Report(
            listeners=self.plan.listeners,
            joined=tally.joined,
            absent=sum(not one.is_here for one in self._listeners),
            behind=self._behind,
            measured_s=round(self._counted_s, 1),
            join_p50_s=tally.joining.seconds(0.5),
            join_p99_s=tally.joining.seconds(0.99),
            messages=tally.sent,
            deliveries=hearing.deliveries,
            message_p50_ms=hearing.delays.percentile(0.5),
            message_p99_ms=hearing.delays.percentile(0.99),
            message_longest_ms=hearing.delays.percentile(1),
            slow_message_p50_ms=hearing.slow_delays.percentile(0.5),
            slow_message_p99_ms=hearing.slow_delays.percentile(0.99),
            lost=hearing.lost,
            doubled=hearing.doubled,
            came_and_went=tally.away,
            streams_dropped=tally.dropped,
            back_p50_s=tally.returning.seconds(0.5),
            back_longest_s=tally.returning.seconds(1),
            watching=self.plan.viewers,
            parts=tally.parts,
            media_mbit_s=round(8 * tally.media_bytes / 1e6 / self.plan.seconds, 1),
            picture_p99_s=tally.pictures.seconds(0.99),
            late_p50_ms=late.percentile(0.5),
            late_p99_ms=late.percentile(0.99),
            stalls=tally.stalls,
            stalled_percent=round(100 * tally.stalled_s / lasted_s, 2) if lasted_s else None,
            troubles=dict(tally.troubles),
            own=self._own(),
        )


def memory_mib() -> int:
    """What this process has in memory."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
