"""Deletes old rows, every hour, beginning an hour after the worker starts."""

import logging
import time
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from amphi.accounts import guesses, repeats
from amphi.accounts.models import ApiAnswer, ApiToken, WrongGuesses
from amphi.audience import attendance
from amphi.audience.models import Guest, Message, Reception, Registration, Reminder, Restraint, StreamMessage
from amphi.audience.registration import UNCONFIRMED_KEPT
from amphi.lti.models import LAUNCH_LASTS, Launch
from amphi.mails.models import Mail
from amphi.outbox.models import Delivery

log = logging.getLogger(__name__)

EVERY_S = 3600
STREAM_MESSAGES_KEPT = timedelta(days=1)
"""A page that was offline can catch up this far. Chat messages are kept with their event, not here."""
MAILS_KEPT = timedelta(days=30)
"""After sending or giving up: long enough to answer questions about them, and no longer, since they contain personal data."""
DELIVERIES_KEPT = timedelta(days=30)
"""Of webhooks, after they arrived or were given up: they contain personal data."""
REMINDERS_KEPT = timedelta(days=7)
"""After the event, when the addresses are no longer needed."""
RECEPTIONS_KEPT = timedelta(days=30)
"""How listeners received a live: long enough to look into what they complained of."""
NETWORKS_KEPT = timedelta(days=7)
"""Network addresses of guests."""
MOST_AT_ONCE = 5000
"""Rows deleted by one statement, so that none takes long."""


class Tidying:
    """Decides when to tidy. Every worker tidies; two at once do no harm.

    Args:
        every_s: how often, in seconds.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._done_at = time.monotonic()

    def claim_due(self) -> list[None]:
        """One piece of work when it is due, else none."""
        if time.monotonic() < self._done_at + self._every_s:
            return []
        self._done_at = time.monotonic()
        return [None]


def _remove(rows: QuerySet[Any]) -> int:
    removed = 0
    while gone := rows.filter(pk__in=rows.values("pk")[:MOST_AT_ONCE]).delete()[0]:
        removed += gone
    return removed


def tidy() -> int:
    """Delete old rows; returns how many."""
    now = timezone.now()
    old = (
        StreamMessage.objects.filter(created_at__lt=now - STREAM_MESSAGES_KEPT),
        Mail.objects.filter(attempt_at=None, created_at__lt=now - MAILS_KEPT),
        Reminder.objects.filter(event__end_at__lt=now - REMINDERS_KEPT),
        Registration.objects.filter(
            status=Registration.Status.UNCONFIRMED, created_at__lt=now - UNCONFIRMED_KEPT
        ),
        Session.objects.filter(expire_date__lt=now),
        Reception.objects.filter(at__lt=now - RECEPTIONS_KEPT),
        WrongGuesses.objects.filter(since__lt=now - guesses.KEPT),
        Delivery.objects.filter(attempt_at=None, created_at__lt=now - DELIVERIES_KEPT),
        ApiAnswer.objects.filter(at__lt=now - repeats.KEPT),
        ApiToken.objects.filter(expires_at__lt=now),
        Launch.objects.filter(at__lt=now - LAUNCH_LASTS),
    )
    removed = sum(_remove(rows) for rows in old) + attendance.forget(now)
    # Where guests came from serves while their event lasts; it is personal, and goes.
    for rows in (Guest.objects.all(), Message.objects.all(), Restraint.objects.all()):
        rows.filter(created_at__lt=now - NETWORKS_KEPT).exclude(network="").update(network="")
    if removed:
        log.info("tidy: %s rows removed", removed)
    return removed
