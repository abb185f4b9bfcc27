"""Fan-out: one reader of the log for all the listeners of this process, each batch encoded once and shared.

A listener is a place in the stream (`cursor`), not a queue: whoever is slow is simply behind, takes one bigger batch when ready,
and is let go after taking nothing for a while. So memory is bounded by the backlog, and work by the listeners, whatever the
number of messages. Nothing here knows the database: see `Log`.
"""

import asyncio
import contextlib
import json
import logging
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from amphi.audience.claims import Claim, Rights
from amphi.audience.crowd import Crowd, Limits, Listener
from amphi.audience.exceptions import LogUnavailableError, TooManyListenersError

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_ALIVE = b"event: alive\ndata: {}\n\n"
"""An event, not a comment: a page sees that it is still heard, and a browser tells a page of no comment."""
_hubs: "weakref.WeakSet[Hub]" = weakref.WeakSet()


class Row(NamedTuple):
    """One message of the log; `data` is JSON already."""

    seq: int
    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a channel starts from: its last number, its newest rows, and what is true now."""

    head: int
    rows: list[Row]
    snapshot: dict[str, object]


class Log(Protocol):
    """Where messages come from. `between` is called in a thread of its own, beside the others'."""

    def opening(self, event_id: int, backlog: int) -> Reading | None:
        """What a channel starts from; None when there is no such event."""

    def after(self, known: Mapping[int, int]) -> dict[int, list[Row]]:
        """The rows after the number known of each channel, in order, without a gap."""

    def between(self, event_id: int, after: int, until: int) -> list[Row]:
        """The first rows strictly between two numbers, in order, as many as one reading takes."""

    def count(self, process: str, viewers: Mapping[int, int]) -> None:
        """Note how many viewers each event has in this process, and no other event any."""

    def close(self) -> None:
        """Give up what reading needed."""


def encode(row: Row) -> bytes:
    """One message as ``text/event-stream`` (WHATWG HTML, section 9.2)."""
    return f"id: {row.seq}\nevent: {row.kind}\ndata: {row.data}\n\n".encode()


class Channel:
    """One event's stream: its newest messages, encoded, and what is true now."""

    def __init__(self, event_id: int, reading: Reading, backlog: int) -> None:
        self.event_id = event_id
        self.head = reading.head
        self.listeners: set[Listener] = set()
        self._snapshot = reading.snapshot
        self._backlog: deque[tuple[int, bytes]] = deque(maxlen=backlog)
        self._batches: dict[int, bytes] = {}
        for row in reading.rows:
            self._backlog.append((row.seq, encode(row)))

    @property
    def first(self) -> int:
        """The number of the oldest message that is still here, or the next one's."""
        return self._backlog[0][0] if self._backlog else self.head + 1

    def snapshot(self) -> bytes:
        """What is true now. It has no ``id:``, so that it moves nobody's place in the stream."""
        data = json.dumps({"seq": self.head, **self._snapshot}, ensure_ascii=False, separators=(",", ":"))
        return f"event: snapshot\ndata: {data}\n\n".encode()

    def append(self, rows: list[Row]) -> None:
        """Take new messages, and keep what is true now in step."""
        for row in rows:
            self._backlog.append((row.seq, encode(row)))
            if row.kind == "state":
                self._snapshot = {**self._snapshot, **json.loads(row.data)}
            elif row.kind == "chat":
                self._snapshot = {**self._snapshot, "chat": json.loads(row.data)}
        self.head = rows[-1].seq
        self._batches.clear()

    def since(self, cursor: int) -> bytes:
        """Everything after `cursor`, as one piece of bytes that all the listeners at that place share."""
        batch = self._batches.get(cursor)
        if batch is None:
            skipped = max(0, cursor + 1 - self.first)
            batch = b"".join(message for _, message in list(self._backlog)[skipped:])
            self._batches[cursor] = batch
        return batch


def take(listener: Listener, channel: Channel) -> bytes:
    """What there is for a listener, who then has it."""
    if listener.cursor == channel.head:
        return b""
    batch = channel.since(listener.cursor or 0)
    listener.cursor = channel.head
    return batch


class Hub:
    """The listeners of this process and the one task that reads for them.

    Args:
        source: where messages come from.
        process: what this process is called where viewers are counted.
        limits: how much it carries.
        rights: who may still listen; None: everybody who has a ticket.
    """

    def __init__(
        self, source: Log, *, process: str, limits: Limits | None = None, rights: Rights | None = None
    ) -> None:
        self._log = source
        self._rights = rights
        self._checking: asyncio.Task[None] | None = None
        self._process = process
        self.limits = limits or Limits()
        self._channels: dict[int, Channel] = {}
        self._opening: dict[int, asyncio.Task[Channel | None]] = {}
        self._crowd = Crowd(self.limits)
        self._reader: asyncio.Task[None] | None = None
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audience")
        # Who missed much reads here, in turns, and holds up nobody who missed nothing.
        self._gap_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audience-gaps")
        self._closed = False

    # --- for the streams

    def enter(self, listener: Listener) -> None:
        """Take a listener. Of one viewer's streams the oldest ends when there are too many: it may be a dead one.

        Raises:
            TooManyListenersError: this process carries as many as it may, or is stopping.
            TooManyFromOneAddressError: or as many from this address.
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
        """Open the listener's channel and put the listener at its place in it; None when there is no such event.

        Raises:
            LogUnavailableError: the log can't be read just now.
        """
        channel = self._channels.get(listener.event_id) or await self._open(listener.event_id)
        if channel is None:
            return None
        channel = self._channels.setdefault(listener.event_id, channel)
        if listener.cursor is None or listener.cursor > channel.head:
            listener.cursor = channel.head
        channel.listeners.add(listener)
        return channel

    async def missed(self, listener: Listener, channel: Channel) -> bytes:
        """What the listener missed that the backlog no longer holds, one reading of it; moves the listener on.

        Raises:
            LogUnavailableError: the log can't be read just now.
        """
        after, until = listener.cursor or 0, channel.first
        rows = await asyncio.get_running_loop().run_in_executor(
            self._gap_thread, self._log.between, listener.event_id, after, until
        )
        listener.cursor = rows[-1].seq if rows else until - 1
        return b"".join(encode(row) for row in rows)

    def leave(self, listener: Listener) -> None:
        """Forget a listener; a channel without any is closed at the next sweep."""
        self._crowd.leave(listener)
        channel = self._channels.get(listener.event_id)
        if channel is not None:
            channel.listeners.discard(listener)

    # --- for the process

    def viewers(self) -> dict[int, int]:
        """How many different viewers each event has in this process."""
        return self._crowd.viewers()

    def wake(self) -> None:
        """Read now, since something was published; from any thread."""
        if self._loop is not None and self._changed is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def close(self) -> None:
        """End every stream; new ones are refused."""
        if self._closed:
            return
        self._closed = True
        for listener in list(self._crowd.listeners):
            listener.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            await self._count({})
        await self._in_thread(self._log.close)
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._gap_thread.submit(self._log.close)
        self._gap_thread.shutdown(wait=False)

    # --- reading

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _open(self, event_id: int) -> Channel | None:
        """Open a channel once, however many listeners ask at the same moment."""
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
        while self._crowd.listeners:
            changed.clear()
            wrote = await self._read_once()
            now = loop.time()
            self._sweep(now)
            if now - counted_at >= self.limits.count_s:
                counted_at = now
                await self._count(self.viewers())
            if now - checked_at >= self.limits.rights_s and (self._checking is None or self._checking.done()):
                checked_at = now
                self._checking = loop.create_task(self._check_rights())
            if wrote:
                # The next batch gathers what comes within this time, however often somebody publishes.
                await asyncio.sleep(self.limits.batch_s)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), self.limits.batch_s)
        self._reader = None
        self._channels.clear()
        await self._count({})

    async def _read_once(self) -> bool:
        known = {event_id: channel.head for event_id, channel in self._channels.items()}
        if not known:
            return False
        try:
            found = await self._in_thread(lambda: self._log.after(known))
        except LogUnavailableError as error:
            log.warning("the event streams wait for the database: %s", error)
            return False
        wrote = False
        for event_id, rows in found.items():
            channel = self._channels.get(event_id)
            fresh = [row for row in rows if channel is not None and row.seq > channel.head]
            if channel is not None and fresh:
                channel.append(fresh)
                wrote = True
                for listener in channel.listeners:
                    listener.wake()
        return wrote

    def _sweep(self, now: float) -> None:
        """Keep quiet streams alive, end those whose ticket expired, drop those that take nothing."""
        for listener in self._crowd.listeners:
            quiet_s = now - listener.written_at
            if now >= listener.expires_at:
                listener.close("ticket")
            elif listener.idle:
                if quiet_s >= self.limits.keep_alive_s:
                    listener.wake()
            elif listener.written_at and quiet_s >= self.limits.slow_s and listener.task is not None:
                listener.dropped = True
                listener.task.cancel()
        for event_id in [one.event_id for one in self._channels.values() if not one.listeners]:
            del self._channels[event_id]

    async def may_listen(self, claim: Claim) -> bool:
        """Whether the holder of a ticket may listen now."""
        return self._rights is None or await self._rights.allows(claim)

    async def _check_rights(self) -> None:
        """End the streams of those who may no longer listen."""
        listeners = list(self._crowd.listeners)
        allowed = await asyncio.gather(*(self.may_listen(listener.claim) for listener in listeners))
        for listener, good in zip(listeners, allowed, strict=True):
            if not good:
                listener.close("withdrawn")

    async def _count(self, viewers: Mapping[int, int]) -> None:
        try:
            await self._in_thread(lambda: self._log.count(self._process, viewers))
        except LogUnavailableError as error:
            log.warning("viewers are not counted: %s", error)


def wake() -> None:
    """Tell the hubs of this process that something was published; from any thread."""
    for hub in list(_hubs):
        hub.wake()
