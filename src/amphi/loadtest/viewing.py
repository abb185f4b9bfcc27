"""A listener's picture: low-latency HLS as hls.js asks for it in `player.js`.

That is the multivariant playlist, the media playlist, the init segment, the parts from the hold-back on; then again and again a
request for the playlist with the next part, which the server answers once that is there (RFC 8216bis, 6.2.5.2), as a delta update,
while the part before is fetched. hls.js reads the preload hint and fetches a part once it is listed, so that is done here as well.
"""

import asyncio
import random
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urljoin, urlsplit

from amphi.loadtest.connection import Answer, Connection
from amphi.loadtest.exceptions import ConnectionFailedError, RefusedError
from amphi.loadtest.figures import Tally
from amphi.loadtest.place import Place
from amphi.loadtest.playlists import MediaPlaylist, Part, media_playlist, variants

# ruff: noqa: S311 -- whatever is random here guards nothing
OK = 200
PAUSE_S = (0.4, 4.0)
"""`player.js` tries again after 0.4 s, and after 4 s at most."""
SHORT_S = 0.02
"""Shorter than a frame: nobody sees a picture stand still for that."""


class Viewer:
    """One player.

    Args:
        place: the way to the server.
        source: the listener's address.
        tally: of all listeners.
        sound_alone: fetch the sound without the picture, as on a slow line.
        counts: whether figures are counted now.
    """

    __slots__ = (
        "_base", "_counts", "_file_words", "_files", "_held_s", "_list_words", "_lists", "_place", "_sound_alone", "_source", "_started_at", "_stood_s", "_tally",
    )  # fmt: skip

    def __init__(
        self, place: Place, source: str, tally: Tally, *, sound_alone: bool, counts: Callable[[], bool]
    ) -> None:
        self._place = place
        self._source = source
        self._tally = tally
        self._sound_alone = sound_alone
        self._counts = counts
        # One waits for the next playlist while the other fetches parts.
        self._lists = self._files = Connection(place.overdue)
        self._turn_to(urlsplit(""))
        self._started_at = 0.0
        self._held_s = 0.0
        self._stood_s = 0.0

    async def watch(self, url: str) -> None:
        """Play what is at `url`, a multivariant or a media playlist, until cancelled."""
        pause_s = PAUSE_S[0]
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._play(url)
                except (ConnectionFailedError, RefusedError, ValueError) as error:
                    self._tally.troubles[f"picture: {error}"] += 1
                pause_s = (
                    PAUSE_S[0] if time.monotonic() - began > PAUSE_S[1] else min(2 * pause_s, PAUSE_S[1])
                )
                self.close()
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
        finally:
            self.close()

    def close(self) -> None:
        """Close the connections."""
        self._lists.close()
        self._files.close()

    async def _play(self, url: str) -> None:
        asked_at = time.monotonic()
        self._turn_to(urlsplit(url))
        body = self._body(await (await self._ask(self._base.query.encode())))
        if found := variants(body):
            self._turn_to(urlsplit(urljoin(url, found[-1] if self._sound_alone else found[0])))
            body = self._body(await (await self._ask(self._base.query.encode())))
        playlist = media_playlist(body)
        await self._fetch(playlist.init)
        self._started_at = self._held_s = self._stood_s = 0.0
        for part in playlist.beginning():
            await self._take(part, is_old=True)
            if not self._started_at:
                self._started_at = time.monotonic()
                self._tally.pictures.add(1000 * (self._started_at - asked_at))
        await self._go_on(playlist)

    async def _go_on(self, last: MediaPlaylist) -> None:
        """Ask for the playlist with the next part, and fetch the parts that are new meanwhile, until the end."""
        fresh: list[Part] = []
        while not last.has_ended:
            if not last.blocks:
                await asyncio.sleep(1)
            coming = await self._ask(last.asks)
            for part in fresh:
                await self._take(part)
            playlist = media_playlist(self._body(await coming))
            fresh = playlist.since(last.next)
            last = playlist

    async def _take(self, part: Part, *, is_old: bool = False) -> None:
        await self._fetch(part.uri)
        self._tally.parts += 1
        if not self._counts():
            self._held_s += part.duration_s
            return
        if part.ends_at and not is_old:
            self._tally.ages.add(1000 * (time.time() - part.ends_at))
        self._play_on(part.duration_s)

    def _play_on(self, duration_s: float) -> None:
        """A part more is there: had the picture come to the end of what there was?"""
        now = time.monotonic()
        if self._started_at:
            short_s = now - self._started_at - self._stood_s - self._held_s
            if short_s > SHORT_S:
                self._tally.stalls += 1
                self._tally.stalled_s += short_s
            self._stood_s += max(0.0, short_s)
        self._held_s += duration_s
        self._tally.watched_s += duration_s

    def _turn_to(self, base: SplitResult) -> None:
        """From now on the playlist is at `base`, and files beside it. What their requests have in common is put together once."""
        self._base = base
        head = f" HTTP/1.1\r\nHost: {base.netloc}\r\n"
        folder = base.path.rpartition("/")[0]
        self._list_words = f"GET {base.path}".encode(), f"{head}Accept-Encoding: gzip\r\n\r\n".encode()
        self._file_words = f"GET {folder}/".encode(), f"{head}\r\n".encode()

    async def _ask(self, query: bytes) -> asyncio.Future[Answer]:
        """Ask for the playlist; servers close connections after so many requests, and browsers open another."""
        if not self._lists.is_open:
            self._lists = await self._place.connect(self._base, self._source)
        before, after = self._list_words
        return self._lists.ask(b"%b?%b%b" % (before, query, after) if query else before + after)

    def _body(self, answer: Answer) -> bytes:
        if answer.status != OK:
            raise RefusedError("playlist", answer.status)
        self._tally.media_bytes += answer.size_bytes
        return answer.body

    async def _fetch(self, uri: str) -> None:
        if not uri:
            return
        if not self._files.is_open:
            self._files = await self._place.connect(self._base, self._source)
        before, after = self._file_words
        answer = await self._files.ask(b"%b%b%b" % (before, uri.encode(), after), keeps=False)
        if answer.status != OK:
            raise RefusedError("part", answer.status)
        self._tally.media_bytes += answer.size_bytes
