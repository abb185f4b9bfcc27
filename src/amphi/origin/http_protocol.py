"""Answers requests of players without uvicorn's tasks and queues: most requests, and most of the origin's processor time."""

from collections.abc import MutableMapping
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from amphi.origin.answers import Answer
from amphi.origin.waiting import Blocked
from amphi.system.http_heads import BoundedHTTPProtocol

JOINED_BYTES = 8_192
"""Shorter bodies are copied behind their head: one write costs more than that."""


class _NoMessage:
    """Stands for the event by which uvicorn tells a request's task that more of it came."""

    __slots__ = ()

    def set(self) -> None: ...


class _Answered:
    """Stands for uvicorn's cycle of a request and its answer, where the answer was already written."""

    __slots__ = ()
    response_complete = True
    more_body = False
    keep_alive = True


class _Waits:
    """Stands for uvicorn's cycle of a request that blocks until something new is there.

    Args:
        protocol: of its connection.
        scope: its own.
        blocked: what it waits for.
    """

    __slots__ = (
        "_asked",
        "_blocked",
        "_protocol",
        "_scope",
        "_timer",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
    )
    message_event = _NoMessage()

    def __init__(
        self, protocol: "QuickHTTPProtocol", scope: MutableMapping[str, Any], blocked: Blocked
    ) -> None:
        self._protocol = protocol
        self._scope = scope
        self._blocked = blocked
        # All that an answer may depend on.
        self._asked = (protocol.url, *scope["headers"])
        self._timer = protocol.loop.call_later(blocked.seconds, self._give_up)
        self.body = b""
        self.disconnected = False
        self.keep_alive = True
        self.more_body = False
        self.response_complete = False
        blocked.source.call_at_change(self.again)

    def again(self, known: dict[Any, Any]) -> None:
        """Something changed: answer, if that was it. Whoever asked for the same gets the same answer."""
        if self.response_complete:
            return
        found = known.get(self._asked)
        if found is not None:
            self._protocol.config.loaded_app.count(found[0])
            self.forget()
            self._protocol.answer_late(self, found[1])
            return
        found = self._protocol.config.loaded_app.at_once(self._scope)
        if isinstance(found, Blocked):
            self._blocked.source.forget_caller(self.again)
            self._blocked = found
            found.source.call_at_change(self.again)
            return
        data = self._protocol.written(*found)
        known[self._asked] = (found[0], data)
        self.forget()
        self._protocol.answer_late(self, data)

    def _give_up(self) -> None:
        """Answer what there is: it waited for as long as it may."""
        if not self.response_complete:
            found = self._protocol.config.loaded_app.at_once(self._scope, has_waited=True)
            self.forget()
            self._protocol.answer_late(self, self._protocol.written(*found))

    def forget(self) -> None:
        """Wait no longer."""
        self._timer.cancel()
        self._blocked.source.forget_caller(self.again)
        self.response_complete = True


class QuickHTTPProtocol(BoundedHTTPProtocol):
    """Asks the application's `at_once` before uvicorn makes a task and its queues for a request.

    Only a plain GET over HTTP/1.1, on a connection where nothing else waits to be sent, is answered here; everything else goes uvicorn's way.
    """

    _usual: ClassVar[list[tuple[bytes, bytes]]] = []
    _usual_bytes: ClassVar[bytes] = b""
    _waits: _Waits | None = None
    _active_at = 0.0
    _usual_scope: dict[str, Any] | None = None

    def on_message_begin(self) -> None:
        """Begin a request: as uvicorn does, whose dictionary is the same for all requests of a connection but for two entries."""
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
        path, _, query = self.url.partition(b"?")
        self.scope["method"], self.scope["path"] = "GET", path.decode("ascii")
        self.scope["query_string"] = query
        found = self.config.loaded_app.at_once(self.scope)
        if found is None:
            super().on_headers_complete()
        elif isinstance(found, Blocked):
            waits = _Waits(self, dict(self.scope), found)
            self._waits = waits
            self.cycle: Any = waits
        else:
            self.cycle = _Answered()  # a new one for each request, by which the base class counts them
            for piece in self.written(*found):
                self.transport.write(piece)
            self.on_response_complete()

    def answer_late(self, waits: _Waits, data: list[bytes]) -> None:
        """Answer the request that waited."""
        self._waits = None
        if self.transport.is_closing():
            return
        for piece in data:
            self.transport.write(piece)
        if waits.keep_alive:
            self.on_response_complete()
        else:
            self.transport.close()

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
