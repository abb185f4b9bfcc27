"""Sends events to hooks, and calls a meeting's end callback."""

import asyncio
import logging
from collections.abc import Coroutine
from urllib.parse import urlsplit

import httpx

from amphi.classroom import hooks, webhooks_2
from amphi.classroom.clock import Clock
from amphi.classroom.config import Config
from amphi.classroom.events import Event
from amphi.classroom.hooks import Hook, Hooks

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT_S = 5.0
MAX_QUEUED_EVENTS = 1000
END_CALLBACK_DELAYS_S = (0, 30, 60, 120, 300)


def _ends_hook(hook: Hook, event: Event) -> bool:
    return bool(hook.meeting_id) and event["data"]["id"] == "meeting-ended"


class Delivery:
    """One task for each hook, so that a slow receiver delays no other, and each gets events in order."""

    def __init__(self, config: Config, clock: Clock, registered: Hooks) -> None:
        self._config = config
        self._clock = clock
        self._hooks = registered
        self._domain = urlsplit(config.url).hostname or ""
        self._is_old = config.profile.webhooks == 2  # noqa: PLR2004 -- the generation
        self._queues: dict[str, asyncio.Queue[tuple[Event, int]]] = {}
        self._hook_tasks: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(
            timeout=REQUEST_TIMEOUT_S, follow_redirects=False, trust_env=False, verify=config.trust()
        )

    def emit(self, event: Event) -> None:
        """Queue an event for every hook that wants it, if this generation of bbb-webhooks has such an event."""
        sent = webhooks_2.as_2(event) if self._is_old else event
        if sent is None:
            return
        for hook in self._hooks:
            if hook.hears(sent):
                self._queue(hook).put_nowait((sent, round(self._clock.now() * 1000)))

    def call_end_callback(self, url: str) -> None:
        """Call ``meta_endCallbackUrl`` until it answers 2xx, in the background."""
        separator = "&" if urlsplit(url).query else "?"
        self._start(self._call_end_callback(f"{url}{separator}recordingmarks=false"))

    def forget(self, hook_id: str) -> None:
        """Drop the queue of a destroyed hook."""
        task = self._hook_tasks.get(hook_id)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Drop everything that isn't delivered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _queue(self, hook: Hook) -> asyncio.Queue[tuple[Event, int]]:
        queue = self._queues.get(hook.hook_id)
        if queue is None:
            queue = self._queues[hook.hook_id] = asyncio.Queue()
            self._hook_tasks[hook.hook_id] = self._start(self._deliver_all(hook, queue))
        while queue.qsize() >= MAX_QUEUED_EVENTS:
            queue.get_nowait()  # a receiver that is down for minutes loses the oldest events first
        return queue

    async def _deliver_all(self, hook: Hook, queue: asyncio.Queue[tuple[Event, int]]) -> None:
        try:
            while hook in self._hooks:
                event, timestamp_ms = await queue.get()
                delivered = await self._deliver(hook, event, timestamp_ms)
                if not delivered or _ends_hook(hook, event):
                    self._hooks.destroy(hook.hook_id)
        finally:
            del self._queues[hook.hook_id], self._hook_tasks[hook.hook_id]

    async def _deliver(self, hook: Hook, event: Event, timestamp_ms: int) -> bool:
        post = self._written(hook, event, timestamp_ms)
        for delay_s in (*hooks.RETRY_DELAYS_S, None):
            if await self._post(post, hook.hook_id):
                return True
            if delay_s is None or hook not in self._hooks:
                break
            await self._clock.sleep(delay_s)
        logger.warning("hook %s: given up and removed", hook.hook_id)
        return False

    def _written(self, hook: Hook, event: Event, timestamp_ms: int) -> hooks.Delivery:
        domain, secret = self._domain, self._config.secret
        if self._is_old:
            return webhooks_2.delivery(
                hook.callback_url, event, domain=domain, timestamp_ms=timestamp_ms, secret=secret
            )
        return hooks.delivery(
            hook.callback_url,
            event,
            domain=domain,
            timestamp_ms=timestamp_ms,
            secret=secret,
            algorithm=self._config.hooks_digest,
        )

    async def _post(self, post: hooks.Delivery, hook_id: str) -> bool:
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
        try:
            response = await self._client.post(post.url, content=post.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            logger.info("hook %s: %s", hook_id, type(error).__name__)
            return False
        if not hooks.accepted(response.status_code):
            logger.info("hook %s: answered %d", hook_id, response.status_code)
        return hooks.accepted(response.status_code)

    async def _call_end_callback(self, url: str) -> None:
        for delay_s in END_CALLBACK_DELAYS_S:
            await self._clock.sleep(delay_s)
            try:
                response = await self._client.get(url)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                logger.info("end callback: %s", type(error).__name__)
                continue
            if response.is_success:
                return
            logger.info("end callback: answered %d", response.status_code)
        logger.warning("end callback: given up")
