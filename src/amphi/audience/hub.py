"""Fan-out: one reader of the log for all listeners of this process. Each batch is encoded once and shared.

A listener has a position in the stream (`cursor`), not a queue. A slow one falls behind, gets one bigger batch when it is ready, and is
disconnected when it accepts nothing for a while. So memory is bounded by the backlog, and work by the number of listeners, whatever
the number of messages. This module does not know the database: see `Log`.
"""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from amphi.audience.channel import Channel, Reading, Row, encode, hand_over, tally
from amphi.audience.claims import Claim, Rights
from amphi.audience.crowd import Crowd, Limits, Listener, back_ms
from amphi.audience.exceptions import LogUnavailableError, TooManyListenersError
from amphi.audience.roll import Roll

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_ALIVE = b"event: alive\ndata: {}\n\n"
"""An SSE event, not a comment: browsers hide comments from pages, and the page must see that the connection is alive."""
AT_ONCE = 250
"""So many listeners are written to in one turn of the event loop: some milliseconds."""
READ_EVERY_S = 0.1
"""While a batch is spread over its period, what was published meanwhile is read so often, for those whose turn comes."""
_hubs: "weakref.WeakSet[Hub]" = weakref.WeakSet()


def turns(listeners: int, spread_s: float) -> Iterator[tuple[int, float]]:
    """The turns in which so many are written to: the number of the first of each, and how many seconds after the first turn it comes."""
    return ((first, spread_s * first / listeners) for first in range(0, listeners, AT_ONCE))


class Log(Protocol):
    """The source of messages. `between` is called in a thread of its own, at the same time as the others."""

    def opening(self, event_id: int, backlog: int) -> Reading | None:
        """Read the start of a channel; None when there is no such event."""

    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        """The rows after the known number of each channel, in order and without gaps."""

    def between(self, event_id: int, after: int, until: int) -> list[Row]:
        """The first rows strictly between two numbers, in order, as many as one read returns."""

    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        """Write how many viewers each event has in this process; all other events have none."""

    def close(self) -> None:
        """Close the connections."""


class Hub:
    """The listeners of this process and the one task that reads for them.

    Args:
        source: the source of messages.
        process: this process's name for the counts of viewers.
        limits: the limits of this process.
        rights: decides who may still listen; None: everybody with a ticket.
        roll: notes who listens, once a minute; None: nobody does.
    """

    def __init__(
        self,
        source: Log,
        *,
        process: str,
        limits: Limits | None = None,
        rights: Rights | None = None,
        roll: Roll | None = None,
    ) -> None:
        self._log = source
        self._roll = roll
        self._rights = rights
        self._checking: asyncio.Task[None] | None = None
        self._process = process
        self.limits = limits or Limits()
        self._channels: dict[int, Channel] = {}
        self._opening: dict[int, asyncio.Task[Channel | None]] = {}
        self._crowd = Crowd(self.limits)
        self._reader: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        # The events of which something was read that not all were told yet.
        self._untold: set[int] = set()
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audience")
        # Listeners who missed much read in this thread, in turns, so that they don't delay the others.
        self._gap_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audience-gaps")
        self._closed = False

    # --- for the streams

    def enter(self, listener: Listener) -> None:
        """Add a listener. When a viewer has too many streams, the oldest is ended: it may be a dead connection.

        Raises:
            TooManyListenersError: this process has its largest number of streams, or is stopping.
            TooManyFromOneAddressError: this address has its largest number of streams.
        """
        if self._closed:
            raise TooManyListenersError
        self._crowd.enter(listener)
        if self._reader is None or self._reader.done():
            self._loop = asyncio.get_running_loop()
            self._changed = asyncio.Event()
            self._reader = self._loop.create_task(self._read_on(self._changed))
            _hubs.add(self)

    async def attach(self, listener: Listener) -> Channel | None:
        """Open the listener's channel and set the listener's position; None when there is no such event.

        Raises:
            LogUnavailableError: the log can't be read now.
        """
        channel = self._channels.get(listener.event_id) or await self._open(listener.event_id)
        if channel is None:
            return None
        channel = self._channels.setdefault(listener.event_id, channel)
        # Before anything is waited for: a channel without listeners is closed meanwhile, and nobody reads for it any more.
        channel.listeners.add(listener)
        if listener.cursor is not None and listener.cursor > channel.head:
            # Another process told them already what this one is about to read.
            await self._catch_up()
        if listener.cursor is None or listener.cursor > channel.head:
            listener.cursor = channel.head
        return channel

    async def _catch_up(self) -> None:
        """Read now; those who ask at the same moment share one read."""
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._read_once())
        await asyncio.shield(self._catching_up)
        if self._untold:
            self.wake()

    async def missed(self, listener: Listener, channel: Channel) -> bytes:
        """Read some of the messages that the listener missed and the backlog no longer has; moves its cursor.

        Raises:
            LogUnavailableError: the log can't be read now.
        """
        after, until = listener.cursor or 0, channel.first
        rows = await asyncio.get_running_loop().run_in_executor(
            self._gap_thread, self._log.between, listener.event_id, after, until
        )
        listener.cursor = rows[-1].seq if rows else until - 1
        return b"".join(encode(row) for row in rows)

    def leave(self, listener: Listener) -> None:
        """Remove a listener; a channel without listeners is closed at the next sweep."""
        self._crowd.leave(listener)
        channel = self._channels.get(listener.event_id)
        if channel is not None:
            channel.listeners.discard(listener)

    # --- for the process

    def viewers(self) -> dict[int, int]:
        """How many different viewers each event has in this process."""
        return self._crowd.viewers()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._crowd.listeners)

    def wake(self) -> None:
        """Read now, since something was published. May be called from any thread."""
        if self._loop is not None and self._changed is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def close(self) -> None:
        """End all streams and refuse new ones."""
        if self._closed:
            return
        self._closed = True
        listeners = list(self._crowd.listeners)
        for listener in listeners:
            listener.close(back_ms=back_ms(len(listeners)))
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            await self._count({})
        await self._in_thread(self._log.close)
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._gap_thread.submit(self._log.close)
        self._gap_thread.shutdown(wait=False)
        if self._roll is not None:
            self._roll.finish(self._log.close)

    # --- reading

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _open(self, event_id: int) -> Channel | None:
        """Open a channel; several listeners at the same moment share one read."""
        task = self._opening.get(event_id)
        if task is None:
            task = asyncio.create_task(self._read_channel(event_id))
            self._opening[event_id] = task
            task.add_done_callback(lambda _: self._opening.pop(event_id, None))
        return await asyncio.shield(task)

    async def _read_channel(self, event_id: int) -> Channel | None:
        backlog = self.limits.backlog
        reading = await self._in_thread(lambda: self._log.opening(event_id, backlog))
        if reading is None:
            return None
        return self._channels.setdefault(event_id, Channel(event_id, reading, backlog))

    async def _read_on(self, changed: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        counted_at = -self.limits.count_s
        checked_at = loop.time()
        spread_s = 0.0
        while self._crowd.listeners:
            changed.clear()
            began = loop.time()
            await self._read_once()
            self._sweep(began)
            if began - counted_at >= self.limits.count_s:
                counted_at = began
                await self._count(self.viewers())
            if began - checked_at >= self.limits.rights_s and (
                self._checking is None or self._checking.done()
            ):
                checked_at = began
                self._checking = loop.create_task(self._check_rights())
            if self._roll is not None and self._roll.is_due():
                self._roll.call(self._crowd.present())
            if self._untold:
                period_s = self.limits.period_s(await self._tell_all(spread_s))
                # The next batch collects everything that comes within this time.
                await asyncio.sleep(max(0.0, began + period_s - loop.time()))
                spread_s = period_s
            else:
                spread_s = 0.0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), self.limits.batch_s)
        self._reader = None
        self._channels.clear()
        self._untold.clear()
        await self._count({})

    async def _read_once(self) -> None:
        """Read what is new, to be told to all listeners."""
        known = {event_id: channel.head for event_id, channel in self._channels.items()}
        if not known:
            return
        try:
            found = await self._in_thread(lambda: self._log.after(known))
        except LogUnavailableError as error:
            log.warning("the event streams wait for the database: %s", error)
            return
        for event_id, rows in found.items():
            channel = self._channels.get(event_id)
            fresh = [row for row in rows if channel is not None and row.seq > channel.head]
            if channel is not None and fresh:
                channel.append(fresh)
                self._untold.add(event_id)

    async def _tell_all(self, spread_s: float) -> float:
        """Write what is new to all who listen to its event; how long the writing took, without what came between.

        Where one batch follows another, thousands are not written to at once, which would hold up everything else on the machine: their turns are
        spread over this time, and whose turn comes later hears what was published meanwhile.
        """
        clock = asyncio.get_running_loop().time
        told, self._untold = self._untold, set()
        listeners = [
            one
            for event_id in told
            if event_id in self._channels
            for one in self._channels[event_id].listeners
        ]
        began = read_at = clock()
        wrote_s = 0.0
        for first, at_s in turns(len(listeners), spread_s):
            if first:
                # Requests for pages get their turn as well.
                await asyncio.sleep(max(0.0, began + at_s - clock()))
            now = clock()
            if spread_s and now - read_at >= READ_EVERY_S:
                await self._read_once()
                now = read_at = clock()
            for listener in listeners[first : first + AT_ONCE]:
                channel = self._channels.get(listener.event_id)
                if channel is not None and not hand_over(listener, channel, now):
                    listener.wake()
            wrote_s += clock() - now
        return wrote_s

    def _sweep(self, now: float) -> None:
        """Keep quiet streams alive, end those with expired tickets, drop those that accept nothing."""
        for listener in self._crowd.listeners:
            quiet_s = now - listener.written_at
            if now >= listener.expires_at:
                listener.close("ticket")
            elif listener.idle:
                if quiet_s >= self.limits.keep_alive_s:
                    listener.wake()
            elif listener.written_at and quiet_s >= self.limits.slow_s and listener.task is not None:
                listener.dropped = True
                tally.dropped += 1
                listener.task.cancel()
        for event_id in [one.event_id for one in self._channels.values() if not one.listeners]:
            del self._channels[event_id]

    async def may_listen(self, claim: Claim) -> bool:
        """Whether a ticket's holder may listen now."""
        return self._rights is None or await self._rights.allows(claim)

    async def _check_rights(self) -> None:
        """End the streams of listeners who may no longer listen."""
        if self._rights is None:
            return
        listeners = list(self._crowd.listeners)
        refused = await self._rights.refused([listener.claim for listener in listeners])
        for listener in listeners:
            if listener.claim in refused:
                listener.close("withdrawn")

    async def _count(self, viewers: Mapping[int, int]) -> None:
        try:
            await self._in_thread(lambda: self._log.count(self._process, viewers))
        except LogUnavailableError as error:
            log.warning("viewers are not counted: %s", error)


def streams() -> int:
    """How many event streams this process carries. May be called from any thread."""
    return sum(hub.streams for hub in list(_hubs))


def wake() -> None:
    """Have the hubs of this process read now, since something was published. May be called from any thread."""
    for hub in list(_hubs):
        hub.wake()
