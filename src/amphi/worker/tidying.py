"""Rows that have served their time: removed by the worker, an hour after it starts and each hour from then on."""

import logging
import time
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from amphi.accounts import guesses
from amphi.accounts.models import WrongGuesses
from amphi.audience.models import Registration, Reminder, StreamMessage
from amphi.audience.registration import UNCONFIRMED_KEPT
from amphi.mails.models import Mail

log = logging.getLogger(__name__)

EVERY_S = 3600
STREAM_MESSAGES_KEPT = timedelta(days=1)
"""What a page that was away may ask for again; chat messages themselves are kept with their event."""
MAILS_KEPT = timedelta(days=30)
"""Sent or given up: long enough to answer who asks whether one was sent, no longer, since they name people."""
REMINDERS_KEPT = timedelta(days=7)
"""After the event: addresses serve nothing any more."""
MOST_AT_ONCE = 5000
"""Rows in one statement, so that nobody waits for it."""


class Tidying:
    """When to tidy next; each worker does, and two at once do no harm."""

    def __init__(self) -> None:
        self._done_at = time.monotonic()

    def claim_due(self) -> list[None]:
        """One piece of work when it is time, else none."""
        if time.monotonic() < self._done_at + EVERY_S:
            return []
        self._done_at = time.monotonic()
        return [None]


def _remove(rows: QuerySet[Any]) -> int:
    removed = 0
    while gone := rows.filter(pk__in=rows.values("pk")[:MOST_AT_ONCE]).delete()[0]:
        removed += gone
    return removed


def tidy() -> int:
    """Remove what has served its time; the number of rows."""
    now = timezone.now()
    old = (
        StreamMessage.objects.filter(created_at__lt=now - STREAM_MESSAGES_KEPT),
        Mail.objects.filter(attempt_at=None, created_at__lt=now - MAILS_KEPT),
        Reminder.objects.filter(event__end_at__lt=now - REMINDERS_KEPT),
        Registration.objects.filter(
            status=Registration.Status.UNCONFIRMED, created_at__lt=now - UNCONFIRMED_KEPT
        ),
        Session.objects.filter(expire_date__lt=now),
        WrongGuesses.objects.filter(since__lt=now - guesses.KEPT),
    )
    removed = sum(_remove(rows) for rows in old)
    if removed:
        log.info("tidy: %s rows removed", removed)
    return removed
