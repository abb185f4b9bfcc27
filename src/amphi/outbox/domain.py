"""Telling other systems what happened: rows in the transaction of the change, so that nothing is told that was rolled back, and nothing forgotten."""

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from amphi.outbox.models import Delivery, Endpoint, Kind
from amphi.outbox.signing import new_secret

__all__ = ["new_secret", "send_again", "tell"]

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Deliveries that may wait for one endpoint; beyond it nothing more is written for it."""


def tell(kind: Kind, data: Callable[[], Mapping[str, object]]) -> int:
    """Have all endpoints told that want to know, in the caller's transaction.

    Args:
        kind: what happened.
        data: makes its JSON object, only where somebody wants to know; times have an offset.

    Returns:
        How many will be told.
    """
    wanting = [one for one in Endpoint.objects.filter(is_active=True) if not one.kinds or kind in one.kinds]
    if not wanting:
        return 0
    now = timezone.now()
    said = {"type": str(kind), "timestamp": now.isoformat(), "data": dict(data())}
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=_plain)
    message_id = uuid.uuid4()
    rows = [
        Delivery(endpoint=one, message_id=message_id, kind=kind, body=body, attempt_at=now)
        for one in wanting
        if _has_room(one)
    ]
    Delivery.objects.bulk_create(rows)
    return len(rows)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _has_room(endpoint: Endpoint) -> bool:
    waiting = Delivery.objects.filter(endpoint=endpoint).exclude(attempt_at=None)
    if waiting[MOST_WAITING - 1 : MOST_WAITING].exists():
        log.error("webhook %s: too much waits for it, nothing more is written", endpoint.pk)
        return False
    return True


@transaction.atomic
def send_again(deliveries: Iterable[Delivery]) -> int:
    """Send deliveries again from the start, whether they arrived or not; the endpoint knows them by their id.

    Returns:
        How many; those of endpoints that are switched off stay as they are.
    """
    chosen = Delivery.objects.filter(pk__in=[one.pk for one in deliveries], endpoint__is_active=True)
    return chosen.update(attempt_at=timezone.now(), attempts=0, delivered_at=None, last_error="")
