"""One event's stream in this process: its newest messages, each batch of them encoded once, and what a listener gets of it."""

import json
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from amphi.audience.crowd import Listener
from amphi.audience.redaction import hides_names, redacted, taken_back, unnamed, without_names, without_quote


class Row(NamedTuple):
    """One message of the log; `data` is JSON text."""

    seq: int
    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The start of a channel: its last number, its newest rows, and the current facts."""

    head: int
    rows: list[Row]
    snapshot: dict[str, object]


def encode(row: Row) -> bytes:
    """One message as ``text/event-stream`` (WHATWG HTML, section 9.2)."""
    return f"id: {row.seq}\nevent: {row.kind}\ndata: {row.data}\n\n".encode()


class Channel:
    """One event's stream: its newest messages, encoded, and the current facts."""

    def __init__(self, event_id: int, reading: Reading, backlog: int) -> None:
        self.event_id = event_id
        self.head = reading.head
        self.listeners: set[Listener] = set()
        self._snapshot = reading.snapshot
        self._backlog: deque[tuple[Row, bytes]] = deque(maxlen=backlog)
        self._batches: dict[int, bytes] = {}
        self._chunks: dict[int, bytes] = {}
        for row in reading.rows:
            self._backlog.append((row, encode(row)))

    @property
    def first(self) -> int:
        """The number of the oldest message that is kept, or else of the next message."""
        return self._backlog[0][0].seq if self._backlog else self.head + 1

    def snapshot(self) -> bytes:
        """The current facts, as a message. It has no ``id:``, so it does not change a listener's position."""
        data = json.dumps({"seq": self.head, **self._snapshot}, ensure_ascii=False, separators=(",", ":"))
        return f"event: snapshot\ndata: {data}\n\n".encode()

    def append(self, rows: list[Row]) -> None:
        """Append new messages, and update the current facts."""
        for row in rows:
            self._forget(taken_back(row.kind, row.data))
            if hides_names(row.kind, row.data):
                self._forget_names()
            self._backlog.append((row, encode(row)))
            if row.kind == "state":
                self._snapshot = {**self._snapshot, **json.loads(row.data)}
            elif row.kind == "chat":
                self._snapshot = {**self._snapshot, "chat": json.loads(row.data)}
            elif row.kind == "pin":
                self._snapshot = {**self._snapshot, "pinned": json.loads(row.data)["message"]}
            elif row.kind == "listeners":
                self._snapshot = {**self._snapshot, "listeners": json.loads(row.data)["about"]}
        self.head = rows[-1].seq
        self._batches.clear()
        self._chunks.clear()

    def _forget(self, gone: frozenset[str]) -> None:
        """Keep the text of what was just taken back from those who resume."""
        if not gone:
            return
        for at, (row, _encoded) in enumerate(self._backlog):
            kind, data = redacted(row.kind, row.data, gone)
            if data != row.data:
                clean = Row(row.seq, kind, data)
                self._backlog[at] = (clean, encode(clean))
        pinned = self._snapshot.get("pinned")
        if isinstance(pinned, dict):
            self._snapshot = {**self._snapshot, "pinned": without_quote(pinned, gone)}

    def _forget_names(self) -> None:
        """Keep the names of listeners from those who resume."""
        for at, (row, _encoded) in enumerate(self._backlog):
            clean = row._replace(data=unnamed(row.kind, row.data))
            if clean != row:
                self._backlog[at] = (clean, encode(clean))
        pinned = self._snapshot.get("pinned")
        if isinstance(pinned, dict):
            self._snapshot = {**self._snapshot, "pinned": without_names(pinned)}

    def since(self, cursor: int) -> bytes:
        """Everything after `cursor`, as one bytes object that all listeners at that position share."""
        batch = self._batches.get(cursor)
        if batch is None:
            skipped = max(0, cursor + 1 - self.first)
            batch = b"".join(message for _, message in list(self._backlog)[skipped:])
            self._batches[cursor] = batch
        return batch

    def chunk_since(self, cursor: int) -> bytes:
        """The same as one chunk of an HTTP/1.1 answer (RFC 9112, 7.1)."""
        chunk = self._chunks.get(cursor)
        if chunk is None:
            batch = self.since(cursor)
            chunk = self._chunks[cursor] = b"%x\r\n%b\r\n" % (len(batch), batch)
        return chunk


class Tally:
    """What this process did since it began.

    Attributes:
        messages: how many it wrote to listeners, each as often as it was written.
        dropped: streams that it cut because their listener took nothing.
    """

    def __init__(self) -> None:
        self.messages = 0
        self.dropped = 0


tally = Tally()


def take(listener: Listener, channel: Channel) -> bytes:
    """The bytes for a listener; moves its cursor past them."""
    if listener.cursor == channel.head:
        return b""
    tally.messages += channel.head - (listener.cursor or 0)
    batch = channel.since(listener.cursor or 0)
    listener.cursor = channel.head
    return batch


def hand_over(listener: Listener, channel: Channel, now: float) -> bool:
    """Write the newest messages to a listener without a turn of its task, which costs three times as much as the writing.

    Returns:
        Whether that was done: its task does nothing just now, it lacks nothing else, and its line takes what is written.
    """
    cursor = listener.cursor or 0
    if not listener.idle or listener.closing or listener.write is None or cursor + 1 < channel.first:
        return False
    if cursor != channel.head:
        if not listener.write(channel.chunk_since(cursor)):
            return False
        tally.messages += channel.head - cursor
        listener.cursor = channel.head
        listener.written_at = now
    return True
