"""The people at the webinar on the air: they open the live page, hold its event stream and use its forms, by plain HTTP."""

import asyncio
import json
import logging
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings

from amphi.audience.models import ON_AIR

log = logging.getLogger(__name__)

LIVE_DATA = re.compile(r'<script id="live-data" type="application/json">(.*?)</script>', re.DOTALL)
TIMEOUT_S = 20.0
QUIET_S = 60.0
"""A stream says something every 15 s; one that is silent for longer is opened again."""
CSRF = "c" * 32


@dataclass
class Hall:
    """What everybody in the hall knows, from the event stream."""

    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    polls: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_air: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        """Take one message of the stream."""
        if kind == "question":
            self.questions[data["id"]] = data
        elif kind == "votes":
            for pk, votes in data["votes"].items():
                if pk in self.questions:
                    self.questions[pk]["votes"] = votes
        elif kind == "poll":
            self.polls[data["id"]] = data
        elif kind == "state" and data["state"] in ON_AIR:
            self.on_air.set()

    def open_questions(self) -> list[str]:
        """The ids of those that may be voted for, the most wanted first."""
        known = [one for one in self.questions.values() if one["state"] == "open"]
        return [one["id"] for one in sorted(known, key=lambda one: -one["votes"])]


class Person:
    """Somebody with an account at the live page.

    Args:
        url: the live page.
        session: the value of their session cookie.
        hall: what they hear is noted there.
    """

    def __init__(self, url: str, session: str, hall: Hall) -> None:
        self.url = url
        self.hall = hall
        self._live: dict[str, Any] = {}
        cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF}"
        headers = {"Accept": "application/json", "X-CSRFToken": CSRF, "Cookie": cookies, "Referer": url}
        self._http = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, trust_env=False)

    async def listen(self) -> None:
        """Open the page and listen for ever, as a browser does: after a loss from where the stream broke off."""
        last = ""
        while True:
            try:
                page = await self._http.get(self.url, headers={"Accept": "text/html"})
                self._read(page.text)
                last = last or str(self._live["seq"])
                last = await self._follow(last)
            except (httpx.HTTPError, LookupError) as error:
                log.warning("a listener lost the live page: %r", error)
            await asyncio.sleep(random.uniform(1, 3))  # noqa: S311 -- guards nothing

    def _read(self, page: str) -> None:
        found = LIVE_DATA.search(page)
        if found is None:
            raise LookupError("no live data in the page")
        self._live = json.loads(found[1])
        self.hall.hear("state", self._live)
        for question in self._live["voices"]["asked"]:
            self.hall.hear("question", question)
        for poll in self._live["voices"]["polls"]:
            self.hall.hear("poll", poll)

    async def _follow(self, last: str) -> str:
        """Hear the stream until it ends; the number of the last message."""
        address = httpx.URL(self.url).join(self._live["events_url"])
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
        kind = ""
        async with self._http.stream("GET", address, headers=headers, timeout=QUIET_S) as answer:
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    last = value
                elif name == "event":
                    kind = value
                elif name == "data" and kind != "snapshot":
                    self.hall.hear(kind, json.loads(value))
        return last

    async def post(self, path: str, **form: str) -> dict[str, Any]:
        """Use a form of the live page; a refusal is logged, and nobody minds. Returns its answer."""
        try:
            answer = await self._http.post(f"{self.url}{path}", data=form)
        except httpx.HTTPError as error:
            log.warning("%s: %r", path, error)
            return {}
        if answer.is_error:
            log.warning("%s: %s %s", path, answer.status_code, answer.text[:200])
            return {}
        return dict(answer.json()) if "json" in answer.headers.get("Content-Type", "") else {}

    async def write(self, text: str) -> None:
        """Write in the discussion."""
        await self.post("messages", text=text, id=str(uuid.uuid4()))

    async def react(self, kind: str) -> None:
        """Press a reaction."""
        if address := self._live.get("reactions_url"):
            try:
                await self._http.post(httpx.URL(self.url).join(address), json={kind: 1})
            except httpx.HTTPError as error:
                log.warning("reaction: %r", error)

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()
