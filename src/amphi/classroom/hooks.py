"""Registers hooks, and writes and signs deliveries, like bbb-webhooks. Without I/O."""

import json
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from amphi.classroom.checksum import digest
from amphi.classroom.events import Event

# Seconds before each new attempt. After the last one, the hook is destroyed unless it is permanent.
RETRY_DELAYS_S = (0.1, 0.5, 1, 2, 4, 8, 10, 30, 60, 60, 60, 60)
HTTP_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Hook:
    """One registered receiver.

    Attributes:
        meeting_id: the external id of its meeting; empty for all meetings.
        event_ids: the names of the events it gets, in lower case; empty for all.
    """

    hook_id: str
    callback_url: str
    meeting_id: str = ""
    event_ids: frozenset[str] = frozenset()
    raw: bool = False

    def hears(self, event: Event) -> bool:
        data = event["data"]
        meeting = data["attributes"]["meeting"]["external-meeting-id"]
        if self.meeting_id and self.meeting_id != meeting:
            return False
        return not self.event_ids or data["id"] in self.event_ids


class Hooks:
    """The registered hooks. Callback URLs are unique, even for different meetings."""

    def __init__(self, *, uuids: bool) -> None:
        self._by_id: dict[str, Hook] = {}
        self._uuids = uuids
        self._last_number = 0

    def __iter__(self) -> Iterator[Hook]:
        return iter(list(self._by_id.values()))

    def create(self, callback_url: str, meeting_id: str, event_id: str, *, raw: bool) -> tuple[Hook, bool]:
        """Register a hook.

        Args:
            callback_url: where events are posted.
            meeting_id: the external id of its meeting; empty for all.
            event_id: names of events, separated by commas; empty for all.
            raw: only stored and listed; the sandbox has no raw events.

        Returns:
            The hook, and whether it existed already.
        """
        for hook in self:
            if hook.callback_url == callback_url:
                return hook, True
        names = frozenset(name.strip().lower() for name in event_id.split(",") if name.strip())
        hook = Hook(self._new_id(), callback_url, meeting_id, names, raw)
        self._by_id[hook.hook_id] = hook
        return hook, False

    def destroy(self, hook_id: str) -> bool:
        """Remove a hook. Returns whether it existed."""
        return self._by_id.pop(hook_id, None) is not None

    def _new_id(self) -> str:
        if self._uuids:
            return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        self._last_number += 1
        return str(self._last_number)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One signed POST: its address and its urlencoded body."""

    url: str
    body: bytes


def delivery(
    callback_url: str, event: Event, *, domain: str, timestamp_ms: int, secret: str, algorithm: str
) -> Delivery:
    """Write and sign one event for one receiver.

    Args:
        callback_url: as registered.
        event: the event.
        domain: the server's host name.
        timestamp_ms: when the event was queued; the same in each attempt.
        secret: the shared secret.
        algorithm: the hash function of the signature.
    """
    packed = json.dumps([event], separators=(",", ":"), ensure_ascii=False)
    body = urlencode({"domain": domain, "event": packed, "timestamp": str(timestamp_ms)})
    checksum = digest(algorithm, f"{callback_url}{body}{secret}")
    separator = "&" if urlsplit(callback_url).query else "?"
    return Delivery(f"{callback_url}{separator}checksum={checksum}", body.encode())


def accepted(status: int) -> bool:
    """Whether a receiver's status ends the attempts: any 2xx, and 401, since another attempt would get it again."""
    return 200 <= status < 300 or status == HTTP_UNAUTHORIZED  # noqa: PLR2004 -- the range of HTTP's successes
