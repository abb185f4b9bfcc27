"""What listeners, a presenter and an operator see while something is wrong; each looks by itself, so that none waits for another."""

import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.urls import reverse

from amphi.webinars.models import Livestream
from amphi.worker import probe
from tests.reliability.chaos.scene import GATEWAY, ORIGIN, Scene

LIVE_DATA = re.compile(r'<script id="live-data" type="application/json">(.*?)</script>', re.DOTALL)
LOOK_EVERY_S = 0.5
PAGE_S = 12.0
"""Longer than a page waits for its place."""
QUIET_S = 40.0
"""After so long without a word, the page opens its stream again (`stream.js`)."""
SAYS_EVERY_S = 6.0
"""No more than one person may write (`CHAT_MESSAGES_PER_MINUTE`)."""


@dataclass
class Seen:
    """The newest of what each of them sees.

    Attributes:
        panel: the presenter's panel; empty while it does not come.
        panel_status: the status of its answer, or what came instead.
        health: by part: the status of its ``/healthz``, or what came instead.
        state: what listeners were told last.
        heard_at: when the stream said something last.
        moved_at: when the newest media came.
        said: messages that were accepted, by id.
        read: how often the listener was given each message.
        pages: the statuses of attempts to write, and what came instead.
    """

    panel: dict[str, Any] = field(default_factory=dict)
    panel_status: str = ""
    health: dict[str, str] = field(default_factory=dict)
    state: str = ""
    heard_at: float = 0.0
    moved_at: float = 0.0
    said: list[str] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        now = time.monotonic()
        panel = {key: self.panel.get(key) for key in ("state", "error")}
        notes = [note["text"] for note in self.panel.get("notes", []) if note["text"]]
        return (
            f"panel {self.panel_status} {panel} {notes}; health {self.health}; state {self.state}; stream silent for"
            f" {now - self.heard_at:.1f} s, media for {now - self.moved_at:.1f} s; {len(self.said)} said; {dict(self.pages)}"
        )


def log_in(url: str, username: str, password: str) -> httpx.Client:
    """A person with an account, in a browser of theirs."""
    client = httpx.Client(base_url=url, timeout=PAGE_S, trust_env=False, headers={"Accept-Language": "en"})
    page = client.get("/accounts/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token, page
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token[1]}
    assert client.post("/accounts/login/", data=form).status_code == httpx.codes.FOUND
    return client


def _status_of(ask: Callable[[], httpx.Response]) -> tuple[str, httpx.Response | None]:
    try:
        answer = ask()
    except httpx.HTTPError as error:
        return type(error).__name__, None
    return str(answer.status_code), answer


class Watch:
    """Looks on for as long as the block lasts, as the presenter and as a listener."""

    def __init__(self, scene: Scene, livestream: Livestream, listener: str) -> None:
        self.seen = Seen(heard_at=time.monotonic(), moved_at=time.monotonic())
        self._scene = scene
        self._row = livestream
        self._ended = threading.Event()
        passwords = scene.demo.password
        self._presenter = log_in(scene.tester_url, "camille", passwords("camille"))
        self._listener = log_in(scene.tester_url, listener, passwords(listener))
        self._live = reverse("live:event", args=[livestream.event.slug])
        self._panel = reverse("webinars:status", args=[livestream.meeting.slug])
        looks = (self._look_at_panel, self._look_at_health, self._look_at_media, self._say, self._listen)
        self._threads = [threading.Thread(target=self._again, args=[look], daemon=True) for look in looks]

    def __enter__(self) -> Seen:
        for thread in self._threads:
            thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(QUIET_S + PAGE_S)
        self._presenter.close()
        self._listener.close()

    def _again(self, look: Callable[[], None]) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            look()

    def _look_at_panel(self) -> None:
        status, answer = _status_of(lambda: self._presenter.get(self._panel))
        self.seen.panel = answer.json() if answer is not None and answer.is_success else {}
        self.seen.panel_status = status

    def _look_at_health(self) -> None:
        for part, offset in (("web", 0), ("gateway", GATEWAY), ("origin", ORIGIN)):
            url = f"http://127.0.0.1:{self._scene.port(offset)}/healthz"
            self.seen.health[part] = _status_of(lambda u=url: httpx.get(u, timeout=5, trust_env=False))[0]  # type: ignore[misc]

    def _look_at_media(self) -> None:
        """As a listener: the worker's own way to the origin may be closed."""
        url = probe.address(self._row, now=time.time()).replace("origin.test", "127.0.0.1")
        playlist = probe.read(url)
        mark = None if playlist is None or playlist.ended or playlist.shows_slate else playlist.mark
        if mark is not None and mark != getattr(self, "_mark", None):
            self._mark = mark
            self.seen.moved_at = time.monotonic()

    def _say(self) -> None:
        """Write a message, again and again under one id until it is accepted, as the page does."""
        if not self.seen.state:
            return  # what is said before the stream is open is on the page, and not in the stream
        self._id = getattr(self, "_id", None) or str(uuid.uuid4())
        form = {"text": f"Bonjour {self._id[:8]}", "id": self._id}
        headers = {
            "Accept": "application/json",
            "X-CSRFToken": self._listener.cookies.get("amphi_csrf", ""),
        }
        status, answer = _status_of(
            lambda: self._listener.post(f"{self._live}messages", data=form, headers=headers)
        )
        self.seen.pages[status] += 1
        if answer is not None and answer.status_code == httpx.codes.CREATED:
            self.seen.said.append(self._id)
            self._id = None
        self._ended.wait(SAYS_EVERY_S)

    def _listen(self) -> None:
        status, page = _status_of(lambda: self._listener.get(self._live, headers={"Accept": "text/html"}))
        found = LIVE_DATA.search(page.text) if page is not None and page.is_success else None
        if found is None:
            self.seen.pages[f"live {status}"] += 1
            return
        facts = json.loads(found[1])
        self._last = getattr(self, "_last", None) or str(facts["seq"])
        url = self._listener.base_url.join(facts["events_url"])
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last}
        try:
            with self._listener.stream("GET", url, headers=headers, timeout=QUIET_S) as answer:
                self._hear(answer)
        except httpx.HTTPError as error:
            self.seen.pages[f"stream {type(error).__name__}"] += 1

    def _hear(self, answer: httpx.Response) -> None:
        kind = ""
        for line in answer.iter_lines():
            if self._ended.is_set():
                return
            self.seen.heard_at = time.monotonic()
            name, _, value = line.partition(": ")
            if name == "id":
                self._last = value
            elif name == "event":
                kind = value
            elif name == "data":
                self._note(kind, json.loads(value))

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        if kind in {"state", "snapshot"} and "state" in data:
            self.seen.state = data["state"]
        elif kind == "message":
            self.seen.read[data["id"]] += 1
