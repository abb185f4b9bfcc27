"""Bounds what a client can make a server of ours hold before its request is a request.

Uvicorn's parser keeps a head for as long as it grows, and waits for it for ever. All our servers take this protocol in place of
uvicorn's own: ``uvicorn.Config(…, http=BoundedHTTPProtocol)``.
"""

import asyncio
from datetime import timedelta

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT = timedelta(seconds=20)


class BoundedHTTPProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose heads, trailers and chunk headers end: 64 KiB long at most, each head within 20 s of its beginning."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._head_is_open = True
        self._unparsed_bytes = 0
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless more came than can be of use before it made sense."""
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            self._clear_deadline()
        elif self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif self._head_is_open and self._unparsed_bytes and self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """Count a new head."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        self._count_head(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._head_is_open = False
        self._unparsed_bytes = 0
        self._clear_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to wait for the next head, once a byte of it comes."""
        self._head_is_open = True
        self._unparsed_bytes = 0
        super().on_message_complete()

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            # The parser turns it into an invalid request, which is answered 400.
            raise ValueError(f"a head of more than {MAX_HEAD_BYTES} bytes")

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_TIMEOUT.total_seconds(), self._refuse, 408)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        self._clear_deadline()
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
