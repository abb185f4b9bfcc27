"""Deliveries of bbb-webhooks, signed as BBB signs them and brought to the platform's own address."""

import json
import os
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.urls import reverse

from amphi.bigbluebutton import checksum
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url

SECRET = "secret"


def now_ms() -> int:
    """The moment that events are told from: one for a whole test, so that an event made twice is the same."""
    return _begun_ms(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0])


@lru_cache(maxsize=1)
def _begun_ms(_test: str) -> int:
    return int(time.time() * 1000)


def event(
    meeting: Meeting, kind: str, at_s: float = 0, session: str = "life-1", **attributes: Any
) -> dict[str, Any]:
    """One event of a meeting, `at_s` seconds from `now_ms`."""
    ids = {"internal-meeting-id": session, "external-meeting-id": meeting.bbb_id}
    data = {"type": "event", "id": kind, "event": {"ts": now_ms() + int(at_s * 1000)}}
    return {"data": {**data, "attributes": {"meeting": ids, **attributes}}}


def came(
    meeting: Meeting, name: str, external_id: str = "", at_s: float = 0, session: str = "life-1"
) -> dict[str, Any]:
    """Somebody joined."""
    user = {
        "internal-user-id": f"w_{name}",
        "external-user-id": external_id or f"guest-{name}",
        "name": name,
        "role": "VIEWER",
    }
    return event(meeting, "user-joined", at_s, session, user=user)


def went(meeting: Meeting, name: str, at_s: float, session: str = "life-1") -> dict[str, Any]:
    """Somebody left."""
    user = {"internal-user-id": f"w_{name}", "name": name}
    return event(meeting, "user-left", at_s, session, user=user)


def deliver(client: Client, meeting: Meeting, *events: dict[str, Any]) -> int:
    """Bring events, and give the HTTP status of the answer."""
    body = urlencode(
        {"event": json.dumps(events), "timestamp": int(time.time() * 1000), "domain": "bbb"}
    ).encode()
    signature = checksum.of_delivery(callback_url(meeting, "events"), body, SECRET, "sha256")
    path = reverse("hooks:events", args=[meeting.callback_nonce])
    response = client.post(
        f"{path}?checksum={signature}", body, content_type="application/x-www-form-urlencoded"
    )
    return int(response.status_code)
