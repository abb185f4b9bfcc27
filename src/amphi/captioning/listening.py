"""Fetches the sound of a live as it comes, from the newest on, by plain HTTP as any player does."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from amphi.captioning import playlists
from amphi.captioning.exceptions import SoundError
from amphi.captioning.playlists import Playlist, Unit
from amphi.system import outbound

TIMEOUT_S = 10.0
"""Longer than a live server holds back an answer: three target durations."""
ADDRESS_LASTS_S = 30.0
"""Half as long as its ticket."""
IDLE_S = 0.2
SAME_S = 0.3
"""Media whose times differ less from what came before go on."""
HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class Media:
    """Some bytes of a live, in the order in which a decoder takes them.

    Attributes:
        data: a part or segment, after its initialization segment where it is the first with that one.
        at: when it was live, in seconds since the Unix epoch.
        is_new: a decoder begins anew with it.
    """

    data: bytes
    at: float
    is_new: bool


class Listener:
    """One live.

    Args:
        address: gives the address of its playlist; a ticket in it is good for a minute.
        stopping: set to have it stop.
    """

    def __init__(self, address: Callable[[], str], stopping: threading.Event) -> None:
        self._address = address
        self._stopping = stopping
        self._caller = outbound.Caller(timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S / 2)
        self._last = (-1, -1)
        self._init = ""
        self._inits: dict[str, bytes] = {}
        self._expected_at: float | None = None
        self._url = ""
        self._named_at = 0.0

    def media(self) -> Iterator[Media]:
        """What is live from now on, until it is over.

        Raises:
            SoundError: it can't be read.
        """
        url = self._url = self._variant()
        playlist = self._read(url)
        # Not from the beginning: what was said a while ago is of no use.
        self._last = playlist.units[-2].place if len(playlist.units) > 1 else (-1, -1)
        while not self._stopping.is_set():
            news = [unit for unit in playlist.units if unit.place > self._last]
            for unit in news:
                self._last = unit.place
                yield self._fetch(url, unit)
            if playlist.ended:
                return
            if playlist.units and playlist.units[-1].place[0] < self._last[0]:
                raise SoundError("the stream began anew")
            if not news:
                # It holds nothing back, or had nothing for long.
                self._stopping.wait(IDLE_S)
            url, playlist = self._next(playlist)

    def _variant(self) -> str:
        """The address of the sound, with a new ticket."""
        self._named_at = time.monotonic()
        url = self._address()
        text = self._get(url).decode("utf-8", "replace")
        variant = playlists.sound_variant(text)
        return urljoin(url, variant) if variant else url

    def _next(self, last: Playlist) -> tuple[str, Playlist]:
        if not last.blocks:
            self._stopping.wait(last.target_s / 2)
        if time.monotonic() > self._named_at + ADDRESS_LASTS_S:
            self._url = self._variant()
        url = self._url
        if last.blocks:
            number, part = last.following
            return url, self._read(f"{url}{'&' if '?' in url else '?'}_HLS_msn={number}&_HLS_part={part}")
        return url, self._read(url)

    def _read(self, url: str) -> Playlist:
        playlist = playlists.read(self._get(url).decode("utf-8", "replace"))
        if playlist is None:
            raise SoundError("what the live server sends is no playlist")
        return playlist

    def _fetch(self, url: str, unit: Unit) -> Media:
        at = unit.at if unit.at is not None else time.time() - unit.duration_s
        gap = self._expected_at is None or (unit.at is not None and abs(at - self._expected_at) > SAME_S)
        is_new = unit.is_new or gap or unit.init != self._init
        self._init, self._expected_at = unit.init, at + unit.duration_s
        data = self._get(urljoin(url, unit.uri))
        return Media(self._init_of(url, unit.init) + data if is_new else data, at, is_new)

    def _init_of(self, url: str, uri: str) -> bytes:
        if not uri:
            return b""
        if uri not in self._inits:
            self._inits = {uri: self._get(urljoin(url, uri))}
        return self._inits[uri]

    def _get(self, url: str) -> bytes:
        try:
            answer = self._caller.call("GET", url)
        except outbound.OutboundError as error:
            raise SoundError(f"the live server: {error}") from error
        if answer.status != HTTP_OK:
            raise SoundError(f"the live server answers {answer.status}")
        return answer.body
