"""Answers at once what needs no waiting: most requests of players, and most of the origin's processor time."""

from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from amphi.system.http_heads import BoundedHTTPProtocol

JOINED_BYTES = 8_192
"""Shorter bodies are copied behind their head: one write costs more than that."""


class _Answered:
    """Stands for uvicorn's cycle of a request and its answer, where the answer was already written."""

    __slots__ = ()
    response_complete = True
    more_body = False
    keep_alive = True


class QuickHTTPProtocol(BoundedHTTPProtocol):
    """Asks the application's `at_once` before uvicorn makes a task and its queues for a request.

    Only a plain GET over HTTP/1.1, on a connection where nothing else waits to be sent, is answered here; everything else goes uvicorn's way.
    """

    _usual: ClassVar[list[tuple[bytes, bytes]]] = []
    _usual_bytes: ClassVar[bytes] = b""

    def on_headers_complete(self) -> None:
        """Answer, or hand over to uvicorn."""
        if not self._may_be_quick():
            super().on_headers_complete()
            return
        path, _, query = self.url.partition(b"?")
        self.scope["method"], self.scope["path"] = "GET", path.decode("ascii")
        self.scope["query_string"] = query
        found = self.config.loaded_app.at_once(self.scope)
        if found is None:
            super().on_headers_complete()
            return
        answer, head = found
        self.cycle: Any = _Answered()  # a new one for each request, by which the base class counts them
        head = b"%b%b%b\r\n" % (STATUS_LINE[answer.status], self._usual_head(), head)
        if answer.size_bytes <= JOINED_BYTES:
            self.transport.write(b"".join((head, *answer.body)))
        else:
            self.transport.write(head)
            for piece in answer.body:
                self.transport.write(piece)
        self.on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a request that was answered: there is nobody to tell."""
        if isinstance(self.cycle, _Answered):
            self.cycle = None
        super().connection_lost(exc)

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
