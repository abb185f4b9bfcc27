"""Answers requests of players without uvicorn's tasks and queues: most requests, and most of the origin's processor time."""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from amphi.origin.answers import Answer
from amphi.origin.coalescing import BlockedRequest, Coalesced, Scope, Words
from amphi.origin.waiting import Blocked
from amphi.system.http_heads import BoundedHTTPProtocol

JOINED_BYTES = 8_192
"""Shorter bodies are copied behind their head: one write costs more than that."""
WORDS_BYTES = 4_096
"""A longer request is read each time."""
_BEGUN, _QUICK, _ENDED = 1, 10, 100
_ONE_REQUEST = _BEGUN + _QUICK + _ENDED


class _Answered:
    """Stands for uvicorn's cycle of a request and its answer, where the answer was already written."""

    __slots__ = ()
    response_complete = True
    more_body = False
    keep_alive = True


_ANSWERED = _Answered()


class QuickHTTPProtocol(BoundedHTTPProtocol):
    """Asks the application's `at_once` before uvicorn makes a task and its queues for a request.

    Only a plain GET over HTTP/1.1, on a connection where nothing else waits to be sent, is answered here; everything else goes uvicorn's way.
    """

    _usual: ClassVar[list[tuple[bytes, bytes]]] = []
    _usual_bytes: ClassVar[bytes] = b""
    cycle: Any
    _waits: BlockedRequest | None = None
    _active_at = 0.0
    _usual_scope: dict[str, Any] | None = None
    _is_between = True
    """Whether the parser stands between two requests: so far each came in a piece of its own."""
    _steps = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._app = self.config.loaded_app
        self._words: Words = getattr(self._app, "words", None) or Words()

    def data_received(self, data: bytes) -> None:
        """Answer a request in words that were read before, or let it wait with others; else read it."""
        if (
            self._is_between
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and self._deadline is None
        ):
            if (group := self._words.waiting.get(data)) is not None:
                self._active_at = now = self.loop.time()
                self._waits = self.cycle = group.join(self, now)
                return
            if (scope := self._words.known.get(data)) is not None and self._answer_known(scope, data):
                return
        if not self._is_between:
            super().data_received(data)
            return
        self._steps = 0
        super().data_received(data)
        # One request from begin to end, and it was answered here: the parser would read it in the same way again.
        self._is_between = self._steps == _ONE_REQUEST
        if self._is_between and len(data) <= WORDS_BYTES:
            self._words.learn(data, self.scope)  # type: ignore[arg-type]  # asgiref knows no MutableMapping
            if self._waits is not None:
                self._let_join(self._waits, data)

    def _answer_known(self, scope: Scope, words: bytes) -> bool:
        """Answer, or wait. Returns False when somebody has to be asked."""
        found = self._app.at_once(scope)
        if found is None:
            return False
        self._active_at = now = self.loop.time()
        if isinstance(found, Blocked):
            group = Coalesced(self._app, scope, found)
            group.known_by(words)
            self._waits = self.cycle = group.join(self, now)
        else:
            self.cycle = _ANSWERED
            self._write(self.written(*found))
            self.on_response_complete()
        return True

    def _let_join(self, request: BlockedRequest, words: bytes) -> None:
        group = self._words.waiting.get(words)
        if group is None:
            request.group.known_by(words)
        elif group is not request.group:
            request.forget()
            request.response_complete = False
            group.add(request)

    def on_message_begin(self) -> None:
        """Begin a request: as uvicorn does, whose dictionary is the same for all requests of a connection but for two entries."""
        self._steps += _BEGUN
        if self._usual_scope is None:
            super().on_message_begin()
            self._usual_scope = dict(self.scope)
            return
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.scope = {**self._usual_scope, "headers": self.headers, "state": {}}  # type: ignore[typeddict-item]

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer that closes a connection without requests as it is: moving it with each request takes a tenth of a request's time."""
        self._active_at = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if nothing was asked for so long; else look again when that may be."""
        is_busy = self.cycle is not None and not self.cycle.response_complete
        left_s = self._active_at + self.timeout_keep_alive - self.loop.time()
        if is_busy or left_s > 0:
            left_s = self.timeout_keep_alive if is_busy else left_s
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def on_response_complete(self) -> None:
        """Note that a request was answered, and begin the next one that came meanwhile."""
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self._active_at = self.loop.time()
        self.flow.resume_reading()

    def on_headers_complete(self) -> None:
        """Answer, wait, or hand over to uvicorn."""
        if not self._may_be_quick():
            super().on_headers_complete()
            return
        self._steps += _QUICK
        path, _, query = self.url.partition(b"?")
        self.scope["method"], self.scope["path"] = "GET", path.decode("ascii")
        self.scope["query_string"] = query
        found = self._app.at_once(self.scope)
        if found is None:
            self._steps = 0
            super().on_headers_complete()
        elif isinstance(found, Blocked):
            group = Coalesced(self._app, dict(self.scope), found)
            self._waits = self.cycle = group.join(self, self._active_at)
        else:
            self.cycle = _Answered()  # a new one for each request, by which the base class counts them
            self._write(self.written(*found))
            self.on_response_complete()

    def on_message_complete(self) -> None:
        """Note that a request was read to its end."""
        self._steps += _ENDED
        if not self.cycle.response_complete:
            super().on_message_complete()

    def answer_late(self, request: BlockedRequest, data: list[bytes]) -> None:
        """Write the answer to a request that waited."""
        self._waits = None
        if self.transport.is_closing():
            return
        self._write(data)
        if request.keep_alive:
            self.on_response_complete()
        else:
            self.transport.close()

    def _write(self, data: list[bytes]) -> None:
        for piece in data:
            self.transport.write(piece)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a request that was answered, or waits: there is nobody to tell."""
        if self._waits is not None:
            self._waits.forget()
            self._waits = None
        if isinstance(self.cycle, _Answered):
            self.cycle = None
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def written(self, answer: Answer, head: bytes) -> list[bytes]:
        """What to write for an answer."""
        head = b"%b%b%b\r\n" % (STATUS_LINE[answer.status], self._usual_head(), head)
        if answer.size_bytes <= JOINED_BYTES:
            return [b"".join((head, *answer.body))]
        return [head, *answer.body]

    def _usual_head(self) -> bytes:
        """What uvicorn adds to each answer, such as the date; it makes a new list of that once a second."""
        usual = self.server_state.default_headers
        if usual is not QuickHTTPProtocol._usual:
            QuickHTTPProtocol._usual = usual
            QuickHTTPProtocol._usual_bytes = b"".join(b"%b: %b\r\n" % pair for pair in usual)
        return QuickHTTPProtocol._usual_bytes

    def _may_be_quick(self) -> bool:
        """Whether this request may be answered here."""
        parser, cycle = self.parser, self.cycle
        return (
            (cycle is None or cycle.response_complete)
            and not self.pipeline
            and not self.flow.write_paused
            and parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and self.url.startswith(b"/hls/")
            and b"%" not in self.url
            and self.url.isascii()
        )
