"""Serves the recorder page to our own browsers, on loopback, and receives what they record."""

import asyncio
import logging
import secrets
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from amphi.gateway.exceptions import CaptureFailedError, SourceLostError
from amphi.gateway.packets import Packet, parse_packet

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 4_000_000
_FILES = {"recorder.html": "text/html; charset=utf-8", "recorder.js": "text/javascript; charset=utf-8"}


class RecorderLine:
    """The connection to one recorder page.

    Attributes:
        on_packet: called with each packet.
        on_lost: called with a sentence when the page is gone.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.on_packet: Callable[[Packet], None] = lambda _: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self._connection: ServerConnection | None = None

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def send(self, command: str) -> None:
        """Send ``live``, ``still``, ``hold`` or ``key`` to the page.

        Raises:
            SourceLostError: the page is not connected.
        """
        if self._connection is None:
            raise SourceLostError("the recorder page is not connected")
        try:
            await self._connection.send(command)
        except ConnectionClosed as error:
            raise SourceLostError("the recorder page is gone") from error

    async def attend(self, connection: ServerConnection) -> None:
        self._connection = connection
        reason = "the recorder page is gone"
        try:
            async for message in connection:
                if isinstance(message, bytes):
                    self.on_packet(parse_packet(message))
        except ConnectionClosed as error:
            logger.debug("recorder page closed: %s", error)
        except CaptureFailedError as error:
            reason = str(error)
        finally:  # also after an unexpected exception: the job must learn that no more pictures come
            self._connection = None
            self.on_lost(connection.close_reason or reason)


class RecorderServer:
    """The server for all browsers of the gateway; each browser gets a secret address."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._lines: dict[str, RecorderLine] = {}
        static = resources.files("amphi.gateway") / "static"
        self._files = {name: (static / name).read_bytes() for name in _FILES}

    async def open(self) -> None:
        self._server = await serve(
            self._attend,
            "127.0.0.1",
            0,
            process_request=self._answer,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            ping_interval=None,  # a busy page answers late; the job watches its browser itself
            close_timeout=1,
        )

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def new_line(self) -> RecorderLine:
        assert self._server is not None  # noqa: S101 -- open() comes first
        port = next(iter(self._server.sockets)).getsockname()[1]
        secret = secrets.token_urlsafe(24)
        line = RecorderLine(f"http://127.0.0.1:{port}/{secret}/recorder.html")
        self._lines[secret] = line
        return line

    def forget(self, line: RecorderLine) -> None:
        self._lines.pop(line.address.split("/")[3], None)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        _, secret, name = [*request.path.split("/"), "", ""][:3]
        if secret not in self._lines:
            return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
        if name in self._files:
            body = self._files[name]
            headers = Headers(
                {"Content-Type": _FILES[name], "Content-Length": str(len(body)), "Connection": "close"}
            )
            return Response(HTTPStatus.OK, "OK", headers, body)
        return None if name == "socket" else connection.respond(HTTPStatus.NOT_FOUND, "not found\n")

    async def _attend(self, connection: ServerConnection) -> None:
        request = connection.request
        line = self._lines.get(request.path.split("/")[1]) if request else None
        if line is None:
            await asyncio.wait_for(connection.close(), 1)
            return
        await line.attend(connection)
