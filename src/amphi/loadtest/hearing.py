"""What all the listeners hear: each message once and in order, and how long it took.

Most listeners get the same bytes, so each piece of a stream is parsed once, and a listener's share of the work is a look into a dictionary.
"""

import re
import time
from collections import Counter
from dataclasses import dataclass, field

from amphi.loadtest.connection import LAST_CHUNK, begun_chunks, unchunked
from amphi.loadtest.figures import Histogram

_MESSAGE = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: ([^\n]*)\n\n")
_NUMBER = re.compile(rb"\nid: (\d+)\nevent: ")
_SNAPSHOT = re.compile(rb'event: snapshot\ndata: \{"seq":(\d+)')
_RETRY = re.compile(rb"retry: (\d+)\n")
_BYE = re.compile(rb'event: bye\ndata: \{"reason":"(\w+)"')
_ENDS = (b"\n\n\r\n", LAST_CHUNK)
"""How a chunk ends that ends an event, and how the last one does: what has neither need not be looked at more closely."""
_MEMO = 512
MOST_REST_BYTES = 4 * 2**20


@dataclass(slots=True)
class Piece:
    """A piece of a stream.

    Attributes:
        first: the number of its first message; 0 when it has none.
        last: that of its last one.
        sent: when our own messages in it were sent; only where it is no beginning.
        is_beginning: the stream begins with it, so its messages are what the listener missed.
        head: the number of the newest message when the stream began; only of a beginning.
        retry_s: after how long to come back, if it says so.
        farewell: why the stream ends, if it says so.
        is_end: the stream ends with it; a proxy keeps the connection.
        heard: how many listeners got it at which millisecond.
    """

    first: int = 0
    last: int = 0
    sent: tuple[float, ...] = ()
    is_beginning: bool = False
    head: int = 0
    retry_s: float = 0.0
    farewell: str = ""
    is_end: bool = False
    heard: Counter[int] = field(default_factory=Counter)


class Hearing:
    """What all of them hear.

    Args:
        run: how messages of this run begin.

    Attributes:
        delays: from the sender to a listener; only while `counts`.
        slow_delays: the same to listeners with a slow line.
        deliveries: messages of any kind that were heard.
        caught_up: those of them that the listener had missed.
        lost: messages that a listener never heard though a later one came.
        doubled: messages that a listener heard twice.
        counts: whether delays are counted: once all are there.
    """

    def __init__(self, run: str) -> None:
        self._stamp = re.compile(rb'"text":"' + run.encode() + rb" \d+ (\d+\.\d+) ")
        self.delays = Histogram()
        self.slow_delays = Histogram()
        self.deliveries = 0
        self.caught_up = 0
        self.lost = 0
        self.doubled = 0
        self.counts = False
        self._pieces: dict[bytes, Piece] = {}
        self._newest = b""
        self._newest_piece: Piece | None = None

    def read(self, data: bytes) -> Piece | None:
        """The piece that `data`, in chunks, is; None when it is not whole."""
        # Most hear the same piece one after the other, and comparing it costs less than looking it up.
        if data == self._newest:
            return self._newest_piece
        if not data.endswith(_ENDS):
            return None
        piece = self._pieces.get(data) or self._parsed(data)
        if piece is not None and not piece.is_beginning:
            self._newest, self._newest_piece = data, piece
        return piece

    def _parsed(self, data: bytes) -> Piece | None:
        if len(self._pieces) >= _MEMO:
            self.settle()
        text = unchunked(data)
        if text is None or (text and not text.endswith(b"\n\n")):
            return None
        piece = self.parse(text, is_end=data.endswith(LAST_CHUNK))
        if not piece.is_beginning:
            self._pieces[data] = piece
        return piece

    def settle(self) -> None:
        """Count what was noted."""
        for piece in self._pieces.values():
            self.time(piece, self.delays)
        self._pieces.clear()
        self._newest, self._newest_piece = b"", None

    def time(self, piece: Piece, delays: Histogram) -> None:
        """Count how long its messages took."""
        for at_ms, count in piece.heard.items():
            for sent in piece.sent:
                delays.add(at_ms - 1000 * sent, count)

    def parse(self, text: bytes, *, is_end: bool) -> Piece:
        """The piece that whole events are."""
        retry, bye, snapshot = _RETRY.search(text), _BYE.search(text), _SNAPSHOT.search(text)
        piece = Piece(
            is_beginning=snapshot is not None,
            head=int(snapshot[1]) if snapshot else 0,
            retry_s=int(retry[1]) / 1000 if retry else 0.0,
            farewell=bye[1].decode() if bye else "",
            is_end=is_end,
        )
        if piece.is_beginning:
            # After a restart each listener missed something else: this is read for one alone. Nobody counts how long it took.
            numbers = _NUMBER.findall(text)
        else:
            found = list(_MESSAGE.finditer(text))
            numbers = [one[1] for one in found]
            piece.sent = tuple(float(stamp[1]) for one in found if (stamp := self._stamp.search(one[3])))
        if numbers:
            piece.first, piece.last = int(numbers[0]), int(numbers[-1])
            # The numbers of one piece have no gaps, or the listener's next one tells.
            self.lost += piece.last - piece.first + 1 - len(numbers)
        return piece


class Ear:
    """One listener's place in the stream.

    Args:
        hearing: of all listeners.
        told: the number of the last message that the listener's page has.
    """

    __slots__ = ("_rest", "_told", "farewell", "has_begun", "has_ended", "hearing", "last", "retry_s")

    def __init__(self, hearing: Hearing, told: int) -> None:
        self.hearing = hearing
        self.last = self._told = told
        self.retry_s = 2.0
        self.farewell = ""
        self.has_begun = self.has_ended = False
        self._rest = b""

    def tell(self, number: int) -> None:
        """The page was told all up to this number. What the stream may tell again of it, a page leaves out (`stream.js`)."""
        self._told = number
        self.last = max(self.last, number)

    def prepare(self) -> None:
        """A new stream is to come."""
        self._rest = b""
        self.farewell = ""
        self.has_begun = self.has_ended = False

    def hear(self, data: bytes) -> None:
        """Take what came."""
        if self._rest:
            data = self._rest + data
        piece = self.hearing.read(data)
        if piece is None:
            self._rest = data if len(data) <= MOST_REST_BYTES else b""
            return
        self._rest = b""
        self._heed(piece)

    def _heed(self, piece: Piece) -> None:
        if piece.is_beginning or piece.retry_s or piece.farewell or piece.is_end:
            self._note(piece)
        if piece.first:
            self._take(piece)

    def _note(self, piece: Piece) -> None:
        self.has_begun = self.has_begun or piece.is_beginning
        self.retry_s = piece.retry_s or self.retry_s
        self.has_ended = piece.is_end
        self.farewell = piece.farewell or self.farewell

    def _take(self, piece: Piece) -> None:
        hearing = self.hearing
        count = piece.last - piece.first + 1
        if piece.first != self.last + 1:
            hearing.lost += max(0, piece.first - self.last - 1)
            again = min(piece.last, self.last) - max(piece.first - 1, self._told)
            hearing.doubled += max(0, again)
        self.last = max(self.last, piece.last)
        hearing.deliveries += count
        if piece.is_beginning:
            hearing.caught_up += count
        elif piece.sent and hearing.counts:
            piece.heard[int(1000 * time.time())] += 1


class SlowEar(Ear):
    """The same at a slow line, where a batch comes bit by bit: each message is heard once it is whole, as in a browser."""

    __slots__ = ("_left", "_missed", "_text")

    def prepare(self) -> None:
        """A new stream is to come."""
        super().prepare()
        self._left = self._missed = 0
        self._text = b""

    def hear(self, data: bytes) -> None:
        """Take what came."""
        content, self._rest, self._left, is_end = begun_chunks(self._rest + data, self._left)
        text = self._text + content
        end = text.rfind(b"\n\n") + 2 if b"\n\n" in text else 0
        self._text = text[end:] if len(text) <= MOST_REST_BYTES else b""
        if not end and not is_end:
            return
        piece = self.hearing.parse(text[:end], is_end=is_end)
        self._missed = self._missed or piece.head
        self._heed(piece)
        if piece.last > self._missed:
            self.hearing.time(piece, self.hearing.slow_delays)
