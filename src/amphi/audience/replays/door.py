"""Serves replays to those whose ticket opens them: the playlist, and the files where no web server in front does it.

nginx sends the addresses of playlists here and serves the files itself, once `amphi.audience.edge` said that the ticket is good
(``deploy/nginx/amphi.conf``). Without it, as in the demo, files come from here too. A file that is in the bucket alone is answered with an
address of the bucket that is good for a short time; nobody else's servers are asked for that.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from amphi.audience.claims import Rights, claim_of
from amphi.audience.exceptions import LogUnavailableError
from amphi.system import recordings, tickets

log = logging.getLogger(__name__)

PATH = re.compile(r"/t/([^/]+)/replay/(\d{1,18})/(?:(main\.m3u8)|([A-Za-z0-9-]+)/([A-Za-z0-9_.-]+))")
PLAYLIST_TYPE = b"application/vnd.apple.mpegurl"
TYPES = {".jpg": b"image/jpeg"}
MP4_TYPE = b"video/mp4"
FRESH_S = 1.0
"""How old a playlist may be, in seconds."""
PLAYLISTS = 256
"""So many playlists are remembered."""
PIECE_BYTES = 256 * 1024
THREADS = 4
RANGE = re.compile(rb"bytes=(\d{1,15})-(\d{0,15})")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ReplayDoor:
    """Answers addresses of replays.

    Args:
        key: the key that signs tickets.
        rights: decides who may still watch.
        root: the folder of recordings; None when nothing is recorded.
        read: returns a replay's playlist, None when there is none; raises `LogUnavailableError`.
        away: signs the address at which an object of the bucket can be read; gets its name and HTTP's method. None without a bucket.
    """

    def __init__(
        self,
        key: bytes,
        rights: Rights,
        root: Path | None,
        read: Callable[[int], bytes | None],
        away: Callable[[str, str], str] | None = None,
    ) -> None:
        self._key = key
        self._rights = rights
        self._root = root
        self._read = read
        self._away = away
        self._known: dict[int, tuple[bytes | None, float]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="replays")
        self._files = ThreadPoolExecutor(THREADS, thread_name_prefix="replay-files")

    async def __call__(self, scope: Scope, send: Send, found: re.Match[str]) -> None:
        """Answer one request, for an address that `PATH` matches."""
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405)
            return
        held = self._held(found[1], int(found[2]))
        if held is None or not await self._rights.allows(claim_of(held)):
            await _answer(send, 403)
        elif found[3]:
            await self._playlist(scope, send, held.replay_id)
        else:
            await self._file(scope, send, held.event_id, found[4], found[5])

    def finish(self, call: Callable[[], object]) -> None:
        """Make one last call in the reading thread, for example to close its connection."""
        self._reader.submit(call)
        for pool in (self._reader, self._files):
            pool.shutdown(wait=False)

    def _held(self, text: str, replay_id: int) -> tickets.Ticket | None:
        try:
            held = tickets.verify(self._key, text, now=time.time())
        except tickets.InvalidTicketError:
            return None
        return held if held.replay_id == replay_id else None

    async def _playlist(self, scope: Scope, send: Send, replay_id: int) -> None:
        content, read_at = self._known.get(replay_id, (None, float("-inf")))
        if time.monotonic() - read_at > FRESH_S:
            try:
                loop = asyncio.get_running_loop()
                content = await loop.run_in_executor(self._reader, self._read, replay_id)
            except LogUnavailableError as error:
                log.warning("a replay can't be read: %s", error)
                await _answer(send, 503)
                return
            if len(self._known) >= PLAYLISTS:
                self._known.clear()
            self._known[replay_id] = (content, time.monotonic())
        if content is None:
            await _answer(send, 404)
            return
        headers = [(b"content-type", PLAYLIST_TYPE), (b"content-length", b"%d" % len(content))]
        await _answer(send, 200, headers, b"" if scope["method"] == "HEAD" else content)

    async def _file(self, scope: Scope, send: Send, event_id: int, recording: str, name: str) -> None:
        is_folder = recording == recordings.FILES or recordings.RECORDING.fullmatch(recording)
        if self._root is None or not is_folder or not recordings.NAME.fullmatch(name):
            await _answer(send, 404)
            return
        path = self._root / str(event_id) / recording / name
        try:
            file, size = await self._in_thread(_open, path)
        except OSError:
            await self._lead_away(scope, send, f"{event_id}/{recording}/{name}")
            return
        try:
            await self._send_file(scope, send, file, size, TYPES.get(path.suffix, MP4_TYPE))
        finally:
            await self._in_thread(file.close)

    async def _lead_away(self, scope: Scope, send: Send, name: str) -> None:
        """Lead to the bucket, where there is one; small pictures are in the folder alone."""
        if self._away is None or name.endswith(".jpg"):
            await _answer(send, 404)
        else:
            await _answer(send, 302, [(b"location", self._away(name, scope["method"]).encode())])

    async def _send_file(
        self, scope: Scope, send: Send, file: BinaryIO, size: int, content_type: bytes
    ) -> None:
        asked = RANGE.fullmatch(next((value for name, value in scope["headers"] if name == b"range"), b""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]) if asked and asked[2] else size - 1, size - 1)
        if asked and (first > last):
            await _answer(send, 416, [(b"content-range", b"bytes */%d" % size)])
            return
        headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % (last - first + 1)),
            (b"accept-ranges", b"bytes"),
            (b"cache-control", b"private, max-age=86400"),
        ]
        if asked:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
        await send({"type": "http.response.start", "status": 206 if asked else 200, "headers": headers})
        left = 0 if scope["method"] == "HEAD" else last - first + 1
        await self._in_thread(file.seek, first)
        while left > 0:
            piece = await self._in_thread(file.read, min(left, PIECE_BYTES))
            if not piece:
                break
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _in_thread(self, call: Callable[..., Any], *arguments: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._files, call, *arguments)


def _open(path: Path) -> tuple[BinaryIO, int]:
    return path.open("rb"), path.stat().st_size


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b""
) -> None:
    if headers is None or not any(name == b"content-length" for name, _value in headers):
        headers = [*(headers or []), (b"content-length", b"%d" % len(body))]
    headers = [*headers, (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
