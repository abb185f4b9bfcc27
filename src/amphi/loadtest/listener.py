"""One listener: opens the page, holds the event stream as `stream.js` and a browser do, leaves and comes back."""

import asyncio
import json
import random
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from amphi.loadtest.connection import Answer, Connection
from amphi.loadtest.exceptions import ConnectionFailedError, RefusedError
from amphi.loadtest.figures import Tally
from amphi.loadtest.hearing import Ear, Hearing, SlowEar
from amphi.loadtest.place import Place

_LIVE_DATA = re.compile(rb'<script id="live-data" type="application/json">(.*?)</script>', re.DOTALL)
_REASON = re.compile(rb'"error": ?"([a-z_]{1,40})"')
_COOKIE = re.compile(rb"\r\nset-cookie: ([^;\r]+)", re.IGNORECASE)
# ruff: noqa: S311 -- whatever is random here guards nothing
OK = 200
PAGE_PAUSE_S = (2.0, 6.0)
"""After how long people load a page again that did not come."""
# As in stream.js.
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 20.0
TRIES_BEFORE_ASKING = 3
SPREAD_S = 8.0
ELSEWHERE_S = 60.0


@dataclass(frozen=True, slots=True)
class Hall:
    """What all listeners share."""

    place: Place
    hearing: Hearing
    tally: Tally


class Listener:
    """One listener.

    Args:
        hall: what all share.
        bytes_per_s: how much a slow line carries; 0 for one that is not slow.

    Attributes:
        facts: those of the live page, once it was loaded.
        came: set once the event stream is there for the first time.
        is_here: whether it is there.
        source: the address it comes from.
    """

    __slots__ = (
        "_away_s", "_began_at", "_bytes_per_s", "_cookies", "_ear", "_hall", "_line", "_lost_at", "_tries", "came", "facts", "is_here",
        "source",
    )  # fmt: skip

    def __init__(self, hall: Hall, *, bytes_per_s: int = 0) -> None:
        self._hall = hall
        self._bytes_per_s = bytes_per_s
        self._cookies = ""
        self._ear = (SlowEar if bytes_per_s else Ear)(hall.hearing, 0)
        self._line: Connection | None = None
        self._began_at = 0.0
        self._lost_at = 0.0
        self._away_s = 0.0
        self._tries = 0
        self.facts: dict[str, Any] = {}
        self.came = asyncio.Event()
        self.is_here = False
        self.source = hall.place.source()

    async def live(self) -> None:
        """Open the page and listen until cancelled."""
        self._began_at = time.monotonic()
        try:
            await self._enter()
            self._ear.tell(self.facts["seq"])
            while True:
                await self._listen()
        finally:
            self.leave()

    @property
    def heard(self) -> int:
        """The number of the last message that they heard; none on a slow line, which may be behind."""
        return 0 if self._bytes_per_s else self._ear.last

    def leave(self) -> None:
        """Lose the connection."""
        if self._line is not None:
            self._line.close()

    def step_out(self, seconds: float) -> None:
        """Lose the connection, as in a tunnel, and come back after `seconds`."""
        if self.is_here and self._line is not None:
            self._away_s = seconds
            self._line.close()

    async def post(self, what: str, **form: str) -> tuple[int, str]:
        """Use a form of the page; the answer's status, and in words what it was, with the reason of a refusal.

        Raises:
            ConnectionFailedError: there was none.
        """
        body = urlencode(form)
        head = f"Content-Type: application/x-www-form-urlencoded\r\nX-CSRFToken: {self.facts['csrf']}\r\n"
        answer = await self._ask(f"{self._hall.place.page.path}{what}", head, body)
        reason = _REASON.search(answer.body)
        return answer.status, f"{answer.status} {reason[1].decode()}" if reason else str(answer.status)

    # --- the page

    async def _enter(self) -> None:
        while True:
            try:
                self.facts = _facts(await self._get("page", self._hall.place.page.path, "text/html"))
            except (ConnectionFailedError, RefusedError, ValueError) as error:
                self._hall.tally.troubles[f"page: {error}"] += 1
            else:
                return
            await asyncio.sleep(random.uniform(*PAGE_PAUSE_S))

    async def _refresh(self) -> None:
        """Ask for the facts anew: a new ticket, and the messages up to now."""
        try:
            facts = json.loads(await self._get("state", self.facts["state_url"], "application/json"))
        except (ConnectionFailedError, RefusedError, ValueError) as error:
            self._hall.tally.troubles[f"state: {error}"] += 1
            return
        self.facts |= {name: facts[name] for name in ("events_url", "hls_url") if name in facts}
        self._ear.tell(facts["seq"])

    async def _get(self, what: str, path: str, kind: str) -> bytes:
        answer = await self._ask(path, kind=kind)
        if answer.status != OK:
            raise RefusedError(what, answer.status)
        return answer.body

    async def _ask(self, path: str, more: str = "", body: str = "", kind: str = "application/json") -> Answer:
        """One request on a connection of its own."""
        place = self._hall.place
        line = await place.connect(place.page, self.source, bytes_per_s=self._bytes_per_s)
        try:
            head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\n{self._host()}Accept: {kind}\r\n{more}"
            if self._cookies:
                head += f"Cookie: {self._cookies}\r\n"
            if body:
                head += f"Content-Length: {len(body)}\r\n"
            answer = await line.ask(f"{head}\r\n{body}".encode())
        finally:
            line.close()
        if not self._cookies and (found := _COOKIE.findall(answer.head)):
            self._cookies = "; ".join(one.decode("latin-1") for one in found)
        return answer

    def _host(self) -> str:
        page = self._hall.place.page
        return f"Host: {page.netloc}\r\nOrigin: {page.scheme}://{page.netloc}\r\nAccept-Language: fr\r\n"

    # --- the event stream

    async def _listen(self) -> None:
        """Hold the stream for as long as it lasts, and then wait for as long as a page does."""
        try:
            line, status = await self._open()
            if status == OK:
                await self._hold(line)
                await self._pause_after_end()
                return
            self._hall.tally.troubles[f"events: {status}"] += 1
        except ConnectionFailedError as error:
            # A browser tries again by itself.
            self._hall.tally.troubles[f"events: {error}"] += 1
            await asyncio.sleep(self._ear.retry_s)
            return
        await self._pause_after_refusal()

    async def _open(self) -> tuple[Connection, int]:
        place = self._hall.place
        address = urlsplit(urljoin(place.page.geturl(), self.facts["events_url"]))
        self._line = line = await place.connect(address, self.source, bytes_per_s=self._bytes_per_s)
        self._ear.prepare()
        path = f"{address.path}?{address.query}&last_event_id={self._ear.last}"
        head = f"GET {path} HTTP/1.1\r\n{self._host()}Accept: text/event-stream\r\n\r\n"
        answer = await line.follow(head.encode(), self._hear)
        if answer.status != OK:
            line.close()
        return line, answer.status

    def _hear(self, data: bytes) -> None:
        self._ear.hear(data)
        if not self.is_here and self._ear.has_begun:
            self._here()
        if self._ear.has_ended and self._line is not None:
            self._line.close()

    def _here(self) -> None:
        self.is_here = True
        self._tries = 0
        tally = self._hall.tally
        tally.listening += 1
        if not self.came.is_set():
            self.came.set()
            tally.joined += 1
            tally.joining.add(1000 * (time.monotonic() - self._began_at))
        if self._lost_at:
            tally.returning.add(1000 * (time.monotonic() - self._lost_at))
            self._lost_at = 0.0

    async def _hold(self, line: Connection) -> None:
        """Wait for the stream's end."""
        try:
            await line.end()
        finally:
            if self.is_here:
                self.is_here = False
                self._hall.tally.listening -= 1

    async def _pause_after_end(self) -> None:
        """The stream ended: by a farewell, or as when the server restarts."""
        tally = self._hall.tally
        away_s, self._away_s = self._away_s, 0.0
        if away_s:
            tally.away += 1
            await asyncio.sleep(away_s)
            return
        farewell = self._ear.farewell
        if farewell:
            tally.troubles[f"events: bye {farewell}"] += 1
        else:
            tally.dropped += 1
        self._lost_at = time.monotonic()
        if farewell == "elsewhere":
            await asyncio.sleep(ELSEWHERE_S * random.uniform(1, 2))
        elif farewell:
            await asyncio.sleep(SPREAD_S * random.random())
            await self._refresh()
        else:
            await asyncio.sleep(self._ear.retry_s)

    async def _pause_after_refusal(self) -> None:
        pause_s = min(FIRST_PAUSE_S * 2**self._tries, LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)
        self._tries += 1
        await asyncio.sleep(pause_s)
        if self._tries % TRIES_BEFORE_ASKING == 0:
            await asyncio.sleep(SPREAD_S * random.random())
            await self._refresh()


def _facts(page: bytes) -> dict[str, Any]:
    """What the live page tells its script.

    Raises:
        ValueError: it is no live page.
    """
    found = _LIVE_DATA.search(page)
    if found is None:
        raise ValueError("no live page")
    facts = dict(json.loads(found[1]))
    kept = ("seq", "events_url", "hls_url", "state_url", "csrf", "chat", "state")
    return {name: facts[name] for name in kept if name in facts}
