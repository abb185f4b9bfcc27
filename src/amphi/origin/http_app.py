"""HLS and the origin's state over HTTP. A plain ASGI application, for speed: each listener asks several times a second."""

import asyncio
import functools
import hmac
import importlib.metadata
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from amphi.origin.answers import (
    IMMUTABLE,
    MP4_TYPE,
    NEVER,
    OPEN_HEADS,
    PLAYLIST_TYPE,
    SHORT,
    SOUND_TYPE,
    TEXT_TYPE,
    Answer,
    as_json,
    packed,
    plain,
    refusal,
)
from amphi.origin.coalescing import Words
from amphi.origin.config import Config
from amphi.origin.directives import DirectiveError, Directives
from amphi.origin.hls.playlist import TooFarAheadError
from amphi.origin.measures import Measures
from amphi.origin.renditions.rendition import Rendition
from amphi.origin.stream import Stream
from amphi.origin.streams import Streams
from amphi.origin.ticket_questions import TicketQuestions
from amphi.origin.waiting import Blocked, WouldWaitError, gave_up
from amphi.system import metrics, tickets

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

VERSION = importlib.metadata.version("amphi")
# RFC 8216bis, B.1: an answer to a blocking request never changes, and may be cached for six target durations.
BLOCKED_TARGETS = 6
# 6.2.5.2: a request blocks for at most three target durations.
BLOCK_TARGETS = 3

MULTIVARIANT = re.compile(r"/hls/([A-Za-z0-9_-]+)\.m3u8")
MEDIA = re.compile(r"/hls/([A-Za-z0-9_-]+)/(main|sound|\d{3}p)\.m3u8")
# Each file has one address, so that caches keep it once: numbers have no leading zeros.
FILE = re.compile(
    r"/hls/([A-Za-z0-9_-]+)/([0-9a-f]+)/(?:([sp])(0|[1-9]\d{0,11})(a?)\.m4s|(i)(0|[1-9]\d{0,11})(a?)\.mp4)"
)
TICKETED = re.compile(r"/t/([^/]+)(/hls/.*)")
EVENT_HEADER = tickets.EVENT_HEADER.lower().encode()
HLS = re.compile(r"/hls/([A-Za-z0-9_-]+)(?:\.m3u8|/.*)")


class ViewerRefusedError(Exception):
    """This viewer may not see the requested file; the message says why."""


class ClientGoneError(Exception):
    """The client hung up while its request was blocked."""


class OriginApp:
    """The ASGI application.

    Args:
        config: the origin's settings.
        streams: the streams to serve.
        questions: asks the platform whether a ticket's holder may still watch; None to trust the ticket alone.
        measures: counts the answers; None: nobody reads them.
    """

    def __init__(
        self,
        config: Config,
        streams: Streams,
        questions: TicketQuestions | None = None,
        measures: Measures | None = None,
    ) -> None:
        self._streams = streams
        self._measures = measures or Measures(streams)
        self._metrics_token = config.metrics_token
        self._questions = questions
        self._ticket_key = config.ticket_key
        self._token = config.token
        self._cors = config.cors
        self._is_open = "*" in config.cors
        self.words = Words()
        """The requests that were read, and those that wait, by the bytes in which they were asked."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        method = scope["method"]
        if method == "OPTIONS":
            await self._send(scope, send, plain(204, TEXT_TYPE, NEVER, b""))
            return
        if method not in {"GET", "HEAD"}:
            await self._send(scope, send, refusal(405, "only GET, HEAD and OPTIONS"))
            return
        try:
            answer = await self._route(scope, receive)
        except ClientGoneError:
            return
        await self._send(scope, send, packed(answer, _header(scope, b"accept-encoding")))

    def at_once(self, scope: Scope, *, has_waited: bool = False) -> tuple[Answer, bytes] | Blocked | None:
        """The answer to a GET request, and its headers as bytes; or what it waits for, or None when somebody has to be asked.

        Args:
            scope: of the request.
            has_waited: it has blocked for as long as it may.
        """
        path, receive = scope["path"], gave_up if has_waited else None
        # Nearly all ask for this: one step less.
        routing = self._hls(path, scope, receive) if path.startswith("/hls/") else self._route(scope, receive)
        try:
            # Without anything to wait for, it ends at its first step.
            routing.send(None)
        except StopIteration as done:
            answer = packed(done.value, _header(scope, b"accept-encoding"))
            self.count(answer)
            return answer, self._head(scope, answer)
        except WouldWaitError as waits:
            return waits.blocked
        raise RuntimeError("it waited, though it was given nothing to wait for")

    def count(self, answer: Answer) -> None:
        """Note that somebody got this."""
        self._measures.note(answer.status, answer.size_bytes)

    def _head(self, scope: Scope, answer: Answer) -> bytes:
        if self._is_open:
            return OPEN_HEADS[answer.headers] % (answer.content_type, answer.size_bytes, answer.cache)
        return b"".join(b"%b: %b\r\n" % pair for pair in self._headers(scope, answer))

    def _headers(self, scope: Scope, answer: Answer) -> Headers:
        return [
            (b"content-type", answer.content_type),
            (b"content-length", b"%d" % answer.size_bytes),
            (b"cache-control", answer.cache),
            *answer.headers,
            *self._cors_headers(scope),
        ]

    async def _send(self, scope: Scope, send: Send, answer: Answer) -> None:
        headers = self._headers(scope, answer)
        self._measures.note(answer.status, answer.size_bytes)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        *first, last = answer.body if scope["method"] != "HEAD" else (b"",)
        for piece in first:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": last})

    def _cors_headers(self, scope: Scope) -> Headers:
        headers: Headers = []
        if self._is_open:
            headers.append((b"access-control-allow-origin", b"*"))
        else:
            headers.append((b"vary", b"Origin"))
            origin = _header(scope, b"origin")
            if origin.decode("latin-1") not in self._cors:
                return headers
            headers.append((b"access-control-allow-origin", origin))
        if scope["method"] == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
                (b"access-control-allow-headers", b"Range"),
                (b"access-control-max-age", b"86400"),
            ]
        return headers

    async def _route(self, scope: Scope, receive: Receive | None) -> Answer:
        path = scope["path"]
        if path == "/healthz":
            return as_json({"ok": True, "streams": len(self._streams), "version": VERSION})
        if path == "/streams":
            return self._list(scope)
        if path == metrics.PATH:
            return self._figures(scope)
        return await self._hls(path, scope, receive)

    async def _hls(self, path: str, scope: Scope, receive: Receive | None) -> Answer:
        ticketed = TICKETED.fullmatch(path) if path.startswith("/t/") else None
        if ticketed:
            path = ticketed[2]
        try:
            viewer_of = self._viewer_of(path, ticketed[1] if ticketed else "", scope)
            if ticketed and self._ticket_key:
                if receive is None:
                    raise WouldWaitError
                await self._ask_again(path, ticketed[1])
            query = scope["query_string"]
            directives = _directives(path, query) if query else None
            if not path.endswith(".m3u8") and (found := FILE.fullmatch(path)):
                stream = self._open_to(viewer_of, self._streams.session(found[1], found[2]))
                return await self._file(
                    found, stream.source_of(found[2]) if stream is not None else None, receive
                )
            if found := MEDIA.fullmatch(path):
                stream = self._open_to(viewer_of, self._streams.get(found[1]))
                return await self._media_playlist(stream, found[2], directives, receive)
            if found := MULTIVARIANT.fullmatch(path):
                return self._multivariant_playlist(self._open_to(viewer_of, self._streams.get(found[1])))
        except ViewerRefusedError as error:
            return refusal(403, str(error))
        except DirectiveError as error:
            return refusal(400, str(error))
        return refusal(404, "no such page")

    @staticmethod
    def _multivariant_playlist(stream: Stream | None) -> Answer:
        if stream is None or not stream.playlist.ready:
            return refusal(404, "no such stream", SHORT)
        return plain(200, PLAYLIST_TYPE, SHORT, stream.multivariant_playlist())

    def _list(self, scope: Scope) -> Answer:
        if not self._token:
            return refusal(404, "no such page")
        scheme, _, token = _header(scope, b"authorization").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token.encode()):
            return refusal(401, "a bearer token is needed")
        return as_json({"streams": [stream.statistics() for stream in self._streams.all()]})

    def _figures(self, scope: Scope) -> Answer:
        given = _header(scope, b"authorization").decode("latin-1")
        match metrics.status_for(given, self._metrics_token):
            case 200:
                return plain(200, metrics.CONTENT_TYPE.encode(), NEVER, self._measures.text())
            case 401:
                return refusal(401, "a bearer token is needed")
        return refusal(404, "no such page")

    def _viewer_of(self, path: str, ticket: str, scope: Scope) -> int | None:
        """The event that this viewer may watch; None when no ticket is required.

        Without a ticket key, an edge in front of the origin may have verified the ticket, and then names its event in a header.

        Raises:
            ViewerRefusedError: the ticket is not valid for this path.
        """
        if not self._ticket_key:
            named = _header(scope, EVENT_HEADER)
            return int(named) if named.isdigit() and len(named) < 19 else None  # noqa: PLR2004 -- fits 64 bits
        found = HLS.fullmatch(path)
        if found is None:
            return None
        try:
            held = tickets.verify(self._ticket_key, ticket, now=time.time())
        except tickets.InvalidTicketError as error:
            logger.debug("a ticket was refused: %s", error)
            raise ViewerRefusedError("a valid ticket is needed") from None
        if held.stream != found[1]:
            raise ViewerRefusedError("the ticket is for another stream")
        return held.event_id

    async def _ask_again(self, path: str, ticket: str) -> None:
        """Check that the right to watch was not withdrawn after the ticket was issued.

        Raises:
            ViewerRefusedError: it was withdrawn.
        """
        found = HLS.fullmatch(path)
        if self._questions is not None and found and not await self._questions.allow(ticket, found[1]):
            raise ViewerRefusedError("this ticket is not good now")

    @staticmethod
    def _open_to(viewer_of: int | None, stream: Stream | None) -> Stream | None:
        """Return `stream` if this viewer's event holds it.

        Raises:
            ViewerRefusedError: another event holds it.
        """
        if (
            stream is None
            or stream.event_id is None
            or viewer_of in {None, tickets.PLATFORM, stream.event_id}
        ):
            return stream
        raise ViewerRefusedError("this stream is another event's now")

    async def _media_playlist(
        self, stream: Stream | None, name: str, directives: Directives | None, receive: Receive | None
    ) -> Answer:
        sound = name == "sound"
        source: Stream | Rendition | None = stream
        if stream is None or not stream.playlist.ready or (sound and not stream.playlist.sound_inits):
            return refusal(404, "no such stream", SHORT)
        if name.endswith("p"):
            source = stream.renditions.want(name) if stream.renditions is not None else None
        if source is None:
            return refusal(404, "no such rendition", SHORT)
        cache = SHORT
        if directives is not None and directives.number is not None:
            number, part = directives.number, directives.part
            try:
                can_answer = functools.partial(source.playlist.can_answer, number, part)
                if not await self._until(source, can_answer, receive):
                    return self._nothing_new(stream, source, sound=sound)
            except TooFarAheadError as error:
                return refusal(400, str(error))
            # Otherwise useless requests, each with another address, could fill a cache.
            useful = source.playlist.lists(number, part)
            lifetime_s = BLOCKED_TARGETS * source.playlist.target_duration_s
            cache = b"public, max-age=%d" % lifetime_s if useful else NEVER
        skip = directives is not None and directives.skip
        return plain(200, PLAYLIST_TYPE, cache, source.media_playlist(skip=skip, sound=sound))

    @staticmethod
    def _nothing_new(stream: Stream, source: Stream | Rendition, *, sound: bool) -> Answer:
        """The answer to a blocked request after its time limit (RFC 8216bis, 6.2.5.2).

        While the stream waits for a lost publisher, the answer is the unchanged playlist: players give up after a few errors, but
        poll an unchanged playlist as long as it is open.
        """
        if stream.publisher is None:
            return plain(200, PLAYLIST_TYPE, NEVER, source.media_playlist(sound=sound))
        return refusal(503, "nothing new came in time")

    async def _file(
        self, found: re.Match[str], source: Stream | Rendition | None, receive: Receive | None
    ) -> Answer:
        kind, number = found[3] or found[6], int(found[4] or found[7])
        sound = bool(found[5] or found[8])
        if source is None:
            return refusal(404, "no such stream")
        playlist = source.playlist
        pieces: list[bytes] = []
        if kind == "p":
            if number == playlist.next_part:
                await self._until(source, lambda: number < playlist.next_part or playlist.ended, receive)
            part = playlist.part(number)
            pieces = [part.sound if sound else part.data] if part is not None else []
        elif kind == "s":
            segment = playlist.segment(number)
            parts = segment.parts if segment is not None else []
            pieces = [part.sound if sound else part.data for part in parts]
        else:
            pieces = [(playlist.sound_inits if sound else playlist.inits).get(number, b"")]
        size = sum(map(len, pieces))
        if not size:
            return refusal(404, "no such segment")
        return Answer(200, SOUND_TYPE if sound else MP4_TYPE, IMMUTABLE, pieces, size)

    async def _until(
        self, source: Stream | Rendition, ready: Callable[[], bool], receive: Receive | None
    ) -> bool:
        """Wait until `ready`, for at most three target durations. Returns whether it is ready.

        Raises:
            ClientGoneError: the client hung up.
            WouldWaitError: it has to wait, and there is no `receive`.
        """
        if ready():
            return True
        if self._streams.closed or receive is gave_up:
            return False
        seconds = BLOCK_TARGETS * source.playlist.target_duration_s
        if receive is None:
            raise WouldWaitError(Blocked(source, seconds))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        gone = loop.create_task(_disconnected(receive))
        try:
            while not ready():
                if self._streams.closed:
                    return False
                waiter = source.changed()
                try:
                    timeout = max(0.0, deadline - loop.time())
                    await asyncio.wait((waiter, gone), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    source.forget(waiter)
                if gone.done():
                    raise ClientGoneError
                if not waiter.done():
                    return False
        finally:
            gone.cancel()
        return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@functools.lru_cache(maxsize=256)
def _directives(path: str, query: bytes) -> Directives | None:
    """The directives of a request for a media playlist. Other files take none, so that each has one address.

    Players ask for the same in the same moment, so what was read last is kept.

    Raises:
        DirectiveError: a directive is invalid.
    """
    directives = Directives.parse(query)
    if directives is not None and not MEDIA.fullmatch(path):
        raise DirectiveError("delivery directives are for media playlists")
    return directives


def _header(scope: Scope, name: bytes) -> bytes:
    for known, value in scope["headers"]:
        if known == name:
            return bytes(value)
    return b""
