"""Decides who may publish: asks an HTTP callback, as nginx-rtmp does, or compares with a list of keys."""

import asyncio
import hashlib
import hmac
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from urllib.parse import unquote

import httpx

from amphi.origin.config import Config
from amphi.origin.exceptions import PublishRefusedError
from amphi.origin.rtmp.events import PublishRequested
from amphi.system.tickets import EVENT_HEADER, KEEP_HEADER, TITLE_HEADER

logger = logging.getLogger(__name__)

CALLBACK_TIMEOUT = timedelta(seconds=5)
NOBODY = 0
"""The event id of a stream that no event holds: no listener's ticket opens it."""
# While the callback server is down, publications that it allowed within this time are still allowed.
REMEMBER_ALLOWED = timedelta(hours=12)
MAX_REMEMBERED = 4096
MAX_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Admission:
    """How somebody may publish.

    Attributes:
        event_id: the event that holds the stream, or `NOBODY`. None when nobody says so; then any ticket for the stream's name opens it.
        is_kept: whether the stream is recorded.
        title: what the stream is called; empty when nobody says.
    """

    event_id: int | None = None
    is_kept: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """One request to publish, and the publisher's address."""

    request: PublishRequested
    address: str
    client_id: int

    @property
    def key(self) -> str:
        return self.request.arguments.get("key", "")

    @property
    def is_standby(self) -> bool:
        """Whether it says that it is the second of two publishers of its stream."""
        return self.request.arguments.get("standby") == "1"

    def form(self, call: str) -> dict[str, str]:
        """The callback's form fields, with nginx-rtmp's names. Parameters of the publish address can't override them."""
        return {
            **self.request.arguments,
            "app": self.request.app,
            "flashver": self.request.flash_version,
            "tcurl": self.request.tc_url,
            "addr": self.address,
            "clientid": str(self.client_id),
            "call": call,
            "name": self.request.name,
            "type": "live",
        }


def _event_named(answer: httpx.Response) -> int | None:
    """The event id in an answer of ``on_publish``, or `NOBODY`. None when the header is missing, as with other callback servers."""
    named = answer.headers.get(EVENT_HEADER)
    if named is None:
        return None
    return int(named) if named.isascii() and named.isdigit() and len(named) < 19 else NOBODY  # noqa: PLR2004 -- fits 64 bits


def _same_key(known: str, sent: str) -> bool:
    """Whether the sent key is the known one. The known one may be percent-encoded."""
    forms = (known, unquote(known))
    return any(hmac.compare_digest(form.encode(), sent.encode("utf-8", "replace")) for form in forms)


class PublishAccess:
    """Decides who may publish.

    Args:
        config: the origin's settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client_made: httpx.AsyncClient | None = None
        self._allowed: dict[tuple[str, bytes], tuple[float, Admission]] = {}
        self._announcements: set[asyncio.Task[None]] = set()

    @property
    def _client(self) -> httpx.AsyncClient:
        """The HTTP client, made at the first callback: loading the certificate authorities takes long."""
        if self._client_made is None:
            self._client_made = httpx.AsyncClient(
                timeout=CALLBACK_TIMEOUT.total_seconds(),
                follow_redirects=False,
                # Proxies and netrc from the environment would send keys elsewhere.
                trust_env=False,
                verify=ssl.create_default_context(),
            )
        return self._client_made

    async def check(self, publication: Publication) -> Admission:
        """Check that `publication` may publish.

        Raises:
            PublishRefusedError: it may not publish.
        """
        if self._config.open:
            return Admission()
        name = publication.request.name
        if name in self._config.keys:
            if not _same_key(self._config.keys[name], publication.key):
                raise PublishRefusedError("the key is wrong")
            return Admission()
        if self._config.on_publish:
            return await self._ask(publication)
        if self._config.keys:
            raise PublishRefusedError("AMPHI_ORIGIN_KEYS has no such name")
        raise PublishRefusedError(
            "nobody may publish: set AMPHI_ORIGIN_ON_PUBLISH or AMPHI_ORIGIN_KEYS (or --open to try)"
        )

    async def _ask(self, publication: Publication) -> Admission:
        remembered = (publication.request.name, hashlib.sha256(publication.key.encode()).digest())
        try:
            answer = await self._call(self._config.on_publish, publication.form("publish"))
        except (httpx.HTTPError, TimeoutError) as error:
            return self._allow_from_memory(remembered, type(error).__name__)
        if answer.is_server_error:
            return self._allow_from_memory(remembered, f"HTTP {answer.status_code}")
        if not answer.is_success:
            self._allowed.pop(remembered, None)
            raise PublishRefusedError(f"on_publish answered {answer.status_code}")
        admission = Admission(
            _event_named(answer),
            answer.headers.get(KEEP_HEADER) == "1",
            unquote(answer.headers.get(TITLE_HEADER, ""))[:MAX_TITLE_CHARACTERS],
        )
        self._remember(remembered, admission)
        return admission

    async def _call(self, url: str, form: dict[str, str]) -> httpx.Response:
        """Call and return the answer's status and headers. The body may have any size, so it is not read.

        Raises:
            httpx.HTTPError: there was no answer.
            TimeoutError: it did not come in time, the name look-up included.
        """
        async with (
            asyncio.timeout(CALLBACK_TIMEOUT.total_seconds()),
            self._client.stream("POST", url, data=form) as answer,
        ):
            return answer

    def _remember(self, remembered: tuple[str, bytes], admission: Admission) -> None:
        horizon = monotonic() - REMEMBER_ALLOWED.total_seconds()
        self._allowed = {known: found for known, found in self._allowed.items() if found[0] > horizon}
        self._allowed.pop(remembered, None)
        self._allowed[remembered] = (monotonic(), admission)
        if len(self._allowed) > MAX_REMEMBERED:
            del self._allowed[next(iter(self._allowed))]

    def _allow_from_memory(self, remembered: tuple[str, bytes], failure: str) -> Admission:
        at, admission = self._allowed.get(remembered, (float("-inf"), Admission()))
        if monotonic() - at > REMEMBER_ALLOWED.total_seconds():
            raise PublishRefusedError(f"on_publish can't be asked ({failure})")
        logger.warning("%s: on_publish can't be asked (%s); allowed as it was before", remembered[0], failure)
        return admission

    def announce_done(self, publication: Publication, *, on_unwanted: Callable[[], None]) -> None:
        """Call ``on_publish_done`` in the background; `on_unwanted` when the answer says that nobody waits for the publisher."""
        if self._config.on_publish_done:
            task = asyncio.get_running_loop().create_task(self._tell_done(publication, on_unwanted))
            self._announcements.add(task)
            task.add_done_callback(self._announcements.discard)

    async def _tell_done(self, publication: Publication, on_unwanted: Callable[[], None]) -> None:
        try:
            answer = await self._call(self._config.on_publish_done, publication.form("publish_done"))
        except (httpx.HTTPError, TimeoutError) as error:
            logger.warning("%s: on_publish_done: %s", publication.request.name, type(error).__name__)
        else:
            if not answer.is_success:
                logger.warning(
                    "%s: on_publish_done answered %d", publication.request.name, answer.status_code
                )
            elif _event_named(answer) == NOBODY:
                on_unwanted()

    async def close(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for calls under way, and close."""
        if self._announcements:
            await asyncio.wait(self._announcements, timeout=timeout_s)
        for task in self._announcements:
            task.cancel()
        if self._client_made is not None:
            await self._client_made.aclose()
