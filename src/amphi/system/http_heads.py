"""Bounds the size and time of request heads.

Uvicorn accepts a head of any length and waits for its end without limit. All our servers use this protocol instead of uvicorn's:
``uvicorn.Config(…, http=BoundedHTTPProtocol)``.
"""

import asyncio
from datetime import timedelta
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT = timedelta(seconds=20)
# Parsed piece by piece, so that a head is refused before it is read whole.
SLICE_BYTES = 16 * 1024


class BoundedHTTPProtocol(HttpToolsProtocol):
    """HTTP/1.1 with bounded heads, trailers and chunk headers: at most 64 KiB, and 20 s for each head.

    A new `cycle` marks the end of a head. Uvicorn's parser calls only the callbacks that are defined, and each call slows every
    request, so nothing is counted while requests arrive whole.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first head."""
        super().connection_made(transport)
        self._unparsed_bytes = 0
        self._body_came = False
        self._deadline: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit, and tell the request that runs. Uvicorn tells only the newest one, which may wait behind it."""
        self._clear_deadline()
        running, self._running = self._running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse `data`; close the connection when a head is too long."""
        if len(data) <= SLICE_BYTES:
            self._parse(data)
            return
        for at in range(0, len(data), SLICE_BYTES):
            if not self.transport.is_closing() and self in self.connections:
                self._parse(data[at : at + SLICE_BYTES])

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body_came = True
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _parse(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        is_new = self.cycle is not before
        body_came, self._body_came = self._body_came, False
        if is_new and self._deadline is None and not self._unparsed_bytes:
            return
        if self.transport.is_closing() or self not in self.connections:  # closed, or a WebSocket's now
            self._clear_deadline()
            return
        if is_new or body_came:
            self._unparsed_bytes = 0
            self._clear_deadline()
            return
        self._unparsed_bytes += len(data)
        if self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif self._deadline is None and (not self.cycle.more_body or self.cycle.response_complete):
            self._set_deadline()

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
