"""Requests in the same words that wait for the same: one is read, and one answer is made, for all of them.

A thousand players wait for the next playlist. Behind `deploy/nginx/amphi.conf` they all ask for it in the same bytes.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Protocol

from amphi.origin.answers import Answer
from amphi.origin.waiting import Blocked, Turn

Scope = MutableMapping[str, Any]
MOST_KNOWN = 512
"""So many requests are known by their words; they are forgotten when there are more."""


class Connection(Protocol):
    """Where a request came from."""

    def written(self, answer: Answer, head: bytes) -> list[bytes]:
        """What to write for an answer."""

    def answer_late(self, request: "BlockedRequest", data: list[bytes]) -> None:
        """Write the answer to a request that waited."""


class Application(Protocol):
    """What knows the answers."""

    words: "Words"

    def at_once(self, scope: Scope, *, has_waited: bool = False) -> tuple[Answer, bytes] | Blocked | None:
        """The answer, or what it waits for."""

    def count(self, answer: Answer) -> None:
        """Note that somebody got this."""


class Words:
    """Requests by the bytes in which they were asked.

    Attributes:
        waiting: those that wait.
        known: what was read in them before.
    """

    def __init__(self) -> None:
        self.waiting: dict[bytes, Coalesced] = {}
        self.known: dict[bytes, Scope] = {}

        # By the last bits of their hashes, those that came once.
        self._seen = [0] * MOST_KNOWN

    def learn(self, words: bytes, scope: Scope) -> None:
        """Note what was read in these words, when it is not the first time: to keep what never comes again costs more than to read it."""
        found = hash(words)
        place = found % MOST_KNOWN
        if self._seen[place] != found:
            self._seen[place] = found
            return
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known[words] = scope


class _NoMessage:
    """Stands for the event by which uvicorn tells a request's task that more of it came."""

    __slots__ = ()

    def set(self) -> None: ...


class BlockedRequest:
    """Stands for uvicorn's cycle of a request that blocks until something new is there.

    Args:
        connection: where it came from.
        group: those with which it waits.
        since: the loop's time when it came.
    """

    __slots__ = ("body", "connection", "disconnected", "group", "keep_alive", "more_body", "response_complete", "since")  # fmt: skip
    message_event = _NoMessage()

    def __init__(self, connection: Connection, group: "Coalesced", since: float) -> None:
        self.connection = connection
        self.group = group
        self.since = since
        self.body = b""
        self.disconnected = False
        self.keep_alive = True
        self.more_body = False
        self.response_complete = False

    def forget(self) -> None:
        """Nobody waits for it any more."""
        self.response_complete = True
        self.group.forget(self)


class Coalesced:
    """Requests in the same words that wait for the same change.

    Who comes while others wait joins them unread. That is right because whatever would have it answered otherwise wakes those who wait.

    Args:
        app: the application.
        scope: of the first of them.
        blocked: what they wait for.
    """

    def __init__(self, app: Application, scope: Scope, blocked: Blocked) -> None:
        self._app = app
        self._scope = scope
        self._seconds = blocked.seconds
        self._source = blocked.source
        self._words = b""
        self._timer: asyncio.TimerHandle | None = None
        # In the order in which they came.
        self._requests: dict[BlockedRequest, None] = {}
        blocked.source.call_at_change(self)

    def __len__(self) -> int:
        return len(self._requests)

    def join(self, connection: Connection, now: float) -> BlockedRequest:
        """One more waits."""
        request = BlockedRequest(connection, self, now)
        self.add(request)
        return request

    def add(self, request: BlockedRequest) -> None:
        """Take a request that waited elsewhere."""
        request.group = self
        self._requests[request] = None
        if self._timer is None:
            self._look_at(request.since + self._seconds)

    def known_by(self, words: bytes) -> None:
        """Let those who ask in these words join."""
        self._words = words
        self._app.words.waiting[words] = self

    def forget(self, request: BlockedRequest) -> None:
        """One waits no longer."""
        self._requests.pop(request, None)
        if not self._requests:
            self.end()

    def end(self) -> None:
        """Nobody waits here any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._source.forget_caller(self)
        self._close()

    async def call(self, turn: Turn) -> None:
        """Something changed: answer all, if that was it."""
        # Who comes from now on asks anew.
        self._close()
        found: tuple[Answer, list[bytes]] | None = None
        for request in list(self._requests):
            if request.response_complete:
                continue
            if found is None:
                answer = self._ask()
                if isinstance(answer, Blocked):
                    self._wait_again(answer)
                    return
                found = answer[0], request.connection.written(*answer)
            else:
                self._app.count(found[0])
            self._answer(request, found[1])
            if turn.is_over():
                await turn.next()
                # Something else may have changed meanwhile.
                found = None
        self.end()

    def _ask(self, *, has_waited: bool = False) -> tuple[Answer, bytes] | Blocked:
        found = self._app.at_once(self._scope, has_waited=has_waited)
        if found is None:
            raise RuntimeError("who waits was let in, and nobody is to be asked again")
        return found

    def _wait_again(self, blocked: Blocked) -> None:
        self._source = blocked.source
        self._source.call_at_change(self)
        if self._words and self._words not in self._app.words.waiting:
            self.known_by(self._words)

    def _answer(self, request: BlockedRequest, data: list[bytes]) -> None:
        del self._requests[request]
        request.response_complete = True
        request.connection.answer_late(request, data)

    def _close(self) -> None:
        if self._app.words.waiting.get(self._words) is self:
            del self._app.words.waiting[self._words]

    def _look_at(self, at: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(at, self._give_up)

    def _give_up(self) -> None:
        """Answer what there is to those who have waited for as long as they may."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for request in list(self._requests):
            if request.since + self._seconds > now:
                self._look_at(request.since + self._seconds)
                return
            answer = self._ask(has_waited=True)
            if not isinstance(answer, Blocked):
                self._answer(request, request.connection.written(*answer))
        self.end()
