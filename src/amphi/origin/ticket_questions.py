"""Asks the platform whether a ticket's holder may still watch, as an edge does.

A ticket's signature proves who got it, not that the right still exists. With ``AMPHI_ORIGIN_TICKET_URL``, an origin without an edge
asks the web server's ``GET /edge/ticket``, and remembers each answer for as long as the answer says.
"""

import asyncio
import logging
import re
import ssl
import time
from dataclasses import dataclass

import httpx

logger = logging.getLogger(__name__)

TIMEOUT_S = 5.0
"""In seconds, with the name look-up."""
STALE_S = 120.0
"""How long a good answer stays valid, in seconds, while the platform does not answer: a restart must not interrupt viewers."""
PATIENCE_S = 0.5
"""How long somebody who was allowed before waits for the new answer; a platform that hangs must not make pictures stutter."""
ASK_AGAIN_S = 2.0
ASKED_AT_ONCE = 32
MOST_REMEMBERED = 50_000
_MAX_AGE = re.compile(r"max-age=(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Known:
    """An answer, until when it is valid, and until when it is if the platform does not answer."""

    good: bool
    until: float
    stale_until: float


class TicketQuestions:
    """Asks, and remembers the answers.

    Args:
        url: the web server's ``/edge/ticket``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: dict[tuple[str, str], Known] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[bool]] = {}
        self._places = asyncio.Semaphore(ASKED_AT_ONCE)
        self._client_made: httpx.AsyncClient | None = None

    async def allow(self, ticket: str, stream: str) -> bool:
        """Whether a ticket, whose signature was verified, opens a stream now."""
        asked = (ticket, stream)
        known = self._known.get(asked)
        if known is not None and time.monotonic() < known.until:
            return known.good
        task = self._asking.get(asked)
        if task is None:
            task = self._asking[asked] = asyncio.create_task(self._ask(asked, known))
            task.add_done_callback(lambda _: self._asking.pop(asked, None))
        if known is None or time.monotonic() >= known.stale_until:
            return await asyncio.shield(task)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        return task.result() if done else known.good

    async def close(self) -> None:
        """Close the connections."""
        if self._client_made is not None:
            await self._client_made.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        """The HTTP client, made at the first question: loading the certificate authorities takes long."""
        if self._client_made is None:
            self._client_made = httpx.AsyncClient(
                timeout=TIMEOUT_S,
                follow_redirects=False,
                trust_env=False,
                verify=ssl.create_default_context(),
            )
        return self._client_made

    async def _ask(self, asked: tuple[str, str], known: Known | None) -> bool:
        ticket, stream = asked
        headers = {"X-Ticket": ticket, "X-Stream": stream}
        try:
            async with (
                self._places,
                asyncio.timeout(TIMEOUT_S),
                self._client.stream("GET", self._url, headers=headers) as answer,
            ):
                status, cache = answer.status_code, answer.headers.get("cache-control", "")
        except (httpx.HTTPError, TimeoutError) as error:
            return self._unanswered(asked, known, type(error).__name__)
        if status not in {httpx.codes.NO_CONTENT, httpx.codes.FORBIDDEN}:
            return self._unanswered(asked, known, f"HTTP {status}")
        age = _MAX_AGE.search(cache)
        good = status == httpx.codes.NO_CONTENT
        until = time.monotonic() + (int(age[1]) if age else 1)
        self._remember(asked, Known(good, until, until + STALE_S if good else 0.0))
        return good

    def _unanswered(self, asked: tuple[str, str], known: Known | None, why: str) -> bool:
        logger.warning("the platform does not say whether a ticket is good: %s", why)
        now = time.monotonic()
        if known is None or now >= known.stale_until:
            return False
        self._remember(asked, Known(known.good, now + ASK_AGAIN_S, known.stale_until))
        return known.good

    def _remember(self, asked: tuple[str, str], known: Known) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            now = time.monotonic()
            self._known = {one: kept for one, kept in self._known.items() if kept.until > now}
        if len(self._known) < MOST_REMEMBERED:
            self._known[asked] = known
