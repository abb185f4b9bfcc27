"""A crowd at one live: listeners with open streams, and people with accounts who write, vote and react. Needs Django set up."""

import asyncio
import contextlib
import os
import random
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from amphi.accounts.models import User
from amphi.audience import domain, polls, questions
from amphi.audience.models import Channel, Event, StreamMessage
from amphi.audience.speakers import account_speaker
from amphi.rehearsal.stage import log_in
from bench._listeners import Heard, Listener, connect, drop_some, percentile, wait_until

TEXT = "A message of an ordinary length, as people write them in a chat while they watch a lecture."
MESSAGES_A_MINUTE = 8
"""Of one account, below what the platform allows."""
VOTES_A_SECOND = 5
REACTIONS_A_SECOND = 10
SETTLE_S = 2.5
"""After the last message, until votes and reactions were told."""
TICK_S = 0.05
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the crowd is, and what it does.

    Attributes:
        listeners: with an open stream.
        seconds: how long messages are sent.
        per_second: messages a second.
        dropped: how many listeners lose their connection in the middle, and come back.
    """

    listeners: int
    seconds: float
    per_second: float
    dropped: int

    @property
    def messages(self) -> int:
        """How many are sent."""
        return round(self.seconds * self.per_second)

    @property
    def accounts(self) -> int:
        """How many people it takes to write them."""
        return max(4, round(60 * self.per_second / MESSAGES_A_MINUTE))


@dataclass(frozen=True, slots=True)
class Hall:
    """What the crowd needs: addresses, tickets and sessions."""

    event: Event
    web: str
    tickets: Sequence[str]
    sessions: Sequence[str]
    question: str
    poll: str


def set_up(event: Event, web: str, plan: Plan) -> Hall:
    """Give everybody a ticket or an account, and ask a question and open a poll to vote on."""
    # Without passwords: hashing hundreds of them would take a minute.
    people = [User.objects.create(username=f"crowd{number}") for number in range(plan.accounts)]
    asked = questions.ask(event, by=account_speaker(people[0], event), text="Why is the sky blue?")
    poll = polls.make(
        event, question="And now?", choices=["Yes", "No"], multiple=False, opens=True, user=event.owner
    )
    polls.show_results(event, poll.pk, shown=True)
    sessions = [log_in(user) for user in people]
    tickets = [domain.ticket_for(event, AnonymousUser(), domain.new_visitor()) for _ in range(plan.listeners)]
    return Hall(event, web, tickets, sessions, str(asked.pk), str(poll.pk))


@dataclass
class Result:
    """What came of it; times in milliseconds are from the sender's press to the listener."""

    heard: Heard
    numbers: dict[str, float]


class Crowd:
    """All of them, in one event loop.

    Args:
        hall: where they are.
        plan: what they do.
        web_pid: the web server's process, whose processor time and memory are measured.
    """

    def __init__(self, hall: Hall, plan: Plan, web_pid: int) -> None:
        self.hall = hall
        self.plan = plan
        self.heard = Heard()
        self._web = psutil.Process(web_pid)
        parts = urlsplit(hall.web)
        address = (str(parts.hostname), int(parts.port or 80))
        stream = f"/live/{hall.event.pk}/events?ticket="
        self._listeners = [Listener(self.heard, address, stream + ticket) for ticket in hall.tickets]
        self._lags_ms: list[float] = []
        self._busy = 0

    async def meet(self) -> Result:
        """Have all come, write, vote, react, lose their connection and go.

        Raises:
            TimeoutError: some listeners never heard the last message.
        """
        empty_bytes = self._web.memory_info().rss
        await connect(self._listeners)
        full_bytes = self._web.memory_info().rss
        cpu_s, began, own_s = self._cpu_s(), time.monotonic(), time.process_time()
        await self._talk()
        numbers = {
            "web_cpu_s": round(self._cpu_s() - cpu_s, 2),
            "seconds": round(time.monotonic() - began, 1),
            "client_cpu_s": round(time.process_time() - own_s, 1),
            "kib_per_listener": round((full_bytes - empty_bytes) / 1024 / self.plan.listeners, 1),
            "web_mib_at_end": round(self._web.memory_info().rss / 2**20),
            "client_lag_p99_ms": round(sorted(self._lags_ms)[int(0.99 * len(self._lags_ms))]),
            "told_busy": self._busy,
            "load": round(os.getloadavg()[0], 1),
        }
        for one in self._listeners:
            one.leave()
        return Result(self.heard, numbers | self._delays(numbers["web_cpu_s"]))

    def _delays(self, cpu_s: float) -> dict[str, float]:
        heard = self.heard
        return {
            "deliveries": heard.deliveries,
            "caught_up": heard.caught_up,
            "deliveries_per_cpu_s": round(heard.deliveries / cpu_s) if cpu_s else 0,
            "p50_ms": percentile(heard.delays_ms, 0.5),
            "p99_ms": percentile(heard.delays_ms, 0.99),
            "longest_ms": max(heard.delays_ms, default=0),
        }

    def _cpu_s(self) -> float:
        times = self._web.cpu_times()
        return float(times.user + times.system)

    async def _talk(self) -> None:
        watching = asyncio.create_task(self._watch_lag())
        limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
        client = httpx.AsyncClient(base_url=self.hall.web, timeout=30, trust_env=False, limits=limits)
        async with client as http, asyncio.TaskGroup() as group:
            group.create_task(self._paced(self.plan.per_second, lambda n: self._write(http, n)))
            group.create_task(self._paced(VOTES_A_SECOND, lambda n: self._vote(http, n)))
            group.create_task(self._paced(REACTIONS_A_SECOND, lambda n: self._react(http, n)))
            group.create_task(self._lose_some())
        await asyncio.sleep(SETTLE_S)
        last = await asyncio.to_thread(self._last_number)
        await wait_until(self._listeners, last)
        watching.cancel()

    def _last_number(self) -> int:
        try:
            return Channel.objects.values_list("last_seq", flat=True).get(pk=self.hall.event.pk)
        finally:
            connection.close()  # of this thread

    async def _lose_some(self) -> None:
        await asyncio.sleep(self.plan.seconds / 2)
        await drop_some(self._listeners, self.plan.dropped)

    async def _watch_lag(self) -> None:
        """How late this process itself is: its own slowness counts in each delay."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(TICK_S)
            self._lags_ms.append(1000 * (loop.time() - before - TICK_S))

    async def _paced(self, per_second: float, act: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        """Act so often a second, whether or not the last act is done."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(round(self.plan.seconds * per_second)):
                await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
                group.create_task(act(number))

    async def _write(self, http: httpx.AsyncClient, number: int) -> None:
        text = f"{number} {time.time():.4f} {TEXT}"
        await self._post(http, number, "messages", {"text": text, "id": str(uuid.uuid4())}, 201)

    async def _vote(self, http: httpx.AsyncClient, number: int) -> None:
        if number % 2:
            await self._post(
                http, number, f"polls/{self.hall.poll}/vote", {"choice": str(number // 2 % 2)}, 200
            )
        else:
            wanted = str(number // 2 // len(self.hall.sessions) % 2 ^ 1)
            await self._post(http, number, f"questions/{self.hall.question}/vote", {"wanted": wanted}, 200)

    async def _post(
        self, http: httpx.AsyncClient, number: int, path: str, form: dict[str, str], wanted: int
    ) -> None:
        session = self.hall.sessions[number % len(self.hall.sessions)]
        token = "c" * 32
        headers = {
            "Accept": "application/json",
            "X-CSRFToken": token,
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}",
        }
        for _attempt in range(ATTEMPTS):
            try:
                answer = await http.post(f"/live/{self.hall.event.slug}/{path}", data=form, headers=headers)
            except httpx.TransportError:
                # The server closed a connection that had been idle, in the moment in which it was used again.
                continue
            if answer.status_code == wanted:
                return
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.heard.faults.append(f"{path}: {answer.status_code} {answer.text[:100]}")
                return
            # A busy server says so, and takes the same message a moment later: its id makes sure that it is there once.
            self._busy += 1
            await asyncio.sleep(1)
        self.heard.faults.append(f"{path}: never taken")

    async def _react(self, http: httpx.AsyncClient, number: int) -> None:
        """Press, as a page does: what is lost is not pressed again."""
        ticket = random.choice(self.hall.tickets)
        address = f"/live/{self.hall.event.pk}/reactions?ticket={ticket}"
        with contextlib.suppress(httpx.TransportError):
            answer = await http.post(address, json={("clap", "heart")[number % 2]: 1})
            if answer.status_code != httpx.codes.NO_CONTENT:
                self.heard.faults.append(f"reaction: {answer.status_code}")


def compare_with_log(heard: Heard, event: Event, plan: Plan) -> None:
    """Note as faults what differs between what was heard and the log, and messages that are not there once each."""
    log = {
        seq: (kind.encode(), data.encode())
        for seq, kind, data in StreamMessage.objects.filter(channel_id=event.pk).values_list(
            "seq", "kind", "data"
        )
    }
    heard.faults += [
        f"message {seq} was heard otherwise than it is"
        for seq in heard.content
        if heard.content[seq] != log.get(seq)
    ]
    # All were heard up to the last one (`meet`); what is told once they left is nobody's.
    missed = set(range(min(heard.content), max(heard.content) + 1)) - set(heard.content)
    heard.faults += [f"message {seq} was never heard" for seq in sorted(missed)]
    texts = [data for kind, data in heard.content.values() if kind == b"message"]
    if not len(texts) == len(set(texts)) == plan.messages:
        heard.faults.append(f"{len(texts)} messages instead of {plan.messages}")
