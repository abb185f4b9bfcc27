"""RTMP on sockets: a thin shell around `amphi.origin.rtmp.connection.Connection`."""

import asyncio
import contextlib
import hmac
import itertools
import logging
import re
import socket
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from amphi.origin.access import Publication, PublishAccess
from amphi.origin.config import Config
from amphi.origin.exceptions import MediaError, PublishRefusedError, RTMPError
from amphi.origin.rtmp.connection import Connection, State
from amphi.origin.rtmp.events import (
    AudioReceived,
    Event,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    VideoReceived,
)
from amphi.origin.shares import Share
from amphi.origin.strangers import in_excess
from amphi.origin.streams import Streams

if TYPE_CHECKING:
    from amphi.origin.stream import Stream

logger = logging.getLogger(__name__)

APP = "live"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
READ_BYTES = 65_536
SLICE_BYTES = 2_048
"""So much is read from the bytes at a time, before others have their turn where it took long: it may be thousands of messages."""
HANDSHAKE_TIMEOUT = timedelta(seconds=5)
START_TIMEOUT = timedelta(seconds=10)
SILENCE_TIMEOUT = timedelta(seconds=30)
CLOSE_TIMEOUT = timedelta(seconds=1)
MAX_PUBLISHERS = 256


class PublisherConnection:
    """One publisher's connection, from its first byte to its last.

    Args:
        server: its server.
        reader: its socket.
        writer: its socket.
        number: its number in the log.
    """

    def __init__(
        self, server: "RTMPServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._number = number
        self._protocol = Connection()
        self._clean = False
        self.address = str((writer.get_extra_info("peername") or ["?"])[0])
        self.stream: Stream | None = None
        self.publication: Publication | None = None
        self.last_received = monotonic()
        self._has_sent = False
        self._share = Share()

    async def run(self) -> None:
        """Serve the connection until it ends. Errors affect no other connection."""
        try:
            await self._serve()
        except RTMPError as error:
            logger.warning("%s: closed: %s", self, error)
        except MediaError as error:
            logger.warning("%s: closed: %s", self, error)
            self._protocol.stop_publish(str(error))
        except PublishRefusedError as error:
            logger.warning("%s: refused: %s", self, error)
        except TimeoutError:
            logger.warning("%s: closed: nothing was received for too long", self)
        except OSError as error:
            logger.info("%s: connection lost: %s", self, error)
        finally:
            self._leave()
            await self._close()

    def __str__(self) -> str:
        name = f" ({self.publication.request.name})" if self.publication else ""
        return f"publisher {self._number} from {self.address}{name}"

    @property
    def progress(self) -> int | None:
        """How far the protocol has come; None while the publisher waits for our answer."""
        state = self._protocol.state
        return None if state is State.ASKING else state.value if self._has_sent else 0

    def drop(self, reason: str) -> None:
        """Cut the connection at once."""
        logger.log(logging.INFO if self.stream is None else logging.WARNING, "%s: dropped: %s", self, reason)
        self._leave()
        self._writer.transport.abort()

    async def _serve(self) -> None:
        started = monotonic()
        while True:
            async with asyncio.timeout(self._patience_s(started)):
                data = await self._reader.read(READ_BYTES)
            if not data:
                return
            self._has_sent = True
            self.last_received = monotonic()
            self._server.received_bytes += len(data)
            self._share.begin()
            for at in range(0, len(data), SLICE_BYTES):
                await self._handle(self._protocol.receive_data(data[at : at + SLICE_BYTES]))
                await self._share.give_way()
            await self._share.end()
            if self.stream is not None:
                started = monotonic()
            async with asyncio.timeout(START_TIMEOUT.total_seconds()):
                await self._send()

    def _patience_s(self, started: float) -> float:
        """How long to wait for the next bytes, in seconds. Before it publishes, the limit counts from the connection's start."""
        if self.stream is not None:
            return SILENCE_TIMEOUT.total_seconds()
        shaking = self._protocol.state is State.HANDSHAKE
        limit = HANDSHAKE_TIMEOUT if shaking else START_TIMEOUT
        return limit.total_seconds() - (monotonic() - started)

    async def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case PublishRequested():
                    await self._send()
                    more = await self._ask(event)
                    self._share.begin()
                    await self._handle(more)
                case PublishEnded():
                    self._clean = True
                    self._leave()
                case _:
                    self._receive(event)
                    await self._share.give_way()

    def _receive(self, event: Event) -> None:
        stream = self.stream
        if stream is None:
            return
        kept = stream.standby if stream.publisher is not self else None
        receive, into = (stream.receive, stream.segmenter) if kept is None else (stream.stand_by, kept)
        match event:
            case VideoReceived(timestamp, payload):
                receive(into.receive_video, timestamp, payload)
            case AudioReceived(timestamp, payload):
                receive(into.receive_audio, timestamp, payload)
            case MetadataReceived(values):
                into.receive_metadata(values)

    async def _ask(self, request: PublishRequested) -> list[Event]:
        publication = Publication(request, self.address, self._number)
        try:
            _check_address(request)
            admission = await self._server.access.check(publication)
            self._server.make_room(publication, admission.event_id)
        except PublishRefusedError as error:
            # Only the log has the reason, since a stranger must not learn what is live here.
            self._protocol.refuse_publish("refused")
            raise PublishRefusedError(f"{request.app}/{request.name}"[:100] + f": {error}") from None
        self._clean = False
        self.publication = publication
        self.stream = self._server.streams.begin(
            request.name,
            self,
            event_id=admission.event_id,
            is_kept=admission.is_kept,
            title=admission.title,
        )
        stands_by = self.stream.publisher is not self
        logger.info("%s: %s", self, "is the standby" if stands_by else "publishes")
        events = self._protocol.accept_publish()
        await self._send()
        return events

    def _leave(self) -> None:
        stream, self.stream = self.stream, None
        if stream is None or self.publication is None:
            return
        logger.info("%s: %s", self, "ended" if self._clean else "was lost")
        self._server.streams.leave(stream, self, clean=self._clean)
        self._server.access.announce_done(
            self.publication, on_unwanted=lambda: self._server.streams.stop_waiting(stream)
        )

    async def _send(self) -> None:
        data = self._protocol.data_to_send()
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def _close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT.total_seconds()):
                await self._send()
                self._writer.close()
                await self._writer.wait_closed()
        self._writer.transport.abort()


class RTMPServer:
    """Accepts publishers' connections.

    Args:
        config: the origin's settings.
        streams: receives what publishers send.
        access: decides who may publish.
    """

    def __init__(self, config: Config, streams: Streams, access: PublishAccess) -> None:
        self._config = config
        self.streams = streams
        self.access = access
        self.received_bytes = 0
        self._numbers = itertools.count(1)
        self._connections: dict[asyncio.Task[None], PublisherConnection] = {}
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Listen on a bound socket."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=READ_BYTES * 4)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        newcomer = PublisherConnection(self, reader, writer, next(self._numbers))
        gone = in_excess([found for found in self._connections.values() if found.stream is None], newcomer)
        if gone is not None:
            gone.drop("too many connections that don't publish")
        if gone is newcomer:
            return
        task = asyncio.get_running_loop().create_task(newcomer.run())
        self._connections[task] = newcomer
        task.add_done_callback(self._connections.pop)

    def make_room(self, publication: Publication, event_id: int | None) -> None:
        """Make sure that its place at that name is free, and that another publisher may come.

        A name has two places: one for a publisher that says that it is the standby, one for any other. Both may be taken at once by
        publishers with the same key and for the same event. Which of them the stream shows is another matter: whoever is there goes on.
        A publisher that has been silent for a few seconds is probably a dead connection, so one with the same key replaces it.

        Args:
            publication: who wants to publish.
            event_id: the event for which it may.

        Raises:
            PublishRefusedError: the name is being published by a live connection, or with another key; or there are too many publishers.
        """
        if sum(found.stream is not None for found in self._connections.values()) >= MAX_PUBLISHERS:
            raise PublishRefusedError(f"there are {MAX_PUBLISHERS} publishers already")
        stream = self.streams.get(publication.request.name)
        if stream is None:
            return
        for holder in [stream.publisher, stream.standby.publisher if stream.standby else None]:
            if not isinstance(holder, PublisherConnection) or holder.publication is None:
                continue
            same_key = hmac.compare_digest(holder.publication.key.encode(), publication.key.encode())
            other_place = holder.publication.is_standby != publication.is_standby
            if same_key and other_place and stream.event_id == event_id:
                continue
            silent_s = monotonic() - holder.last_received
            if not same_key or silent_s < self._config.stale.total_seconds():
                raise PublishRefusedError("somebody else publishes it")
            holder.drop(f"silent for {silent_s:.1f} s, and its key publishes anew")

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


def _check_address(request: PublishRequested) -> None:
    if request.app != APP or not NAME.fullmatch(request.name):
        raise PublishRefusedError(f"the address must be /{APP}/NAME, with a name of [A-Za-z0-9_-]")
