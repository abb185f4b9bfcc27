"""Deletes old rows, every hour, beginning an hour after the worker starts."""

import logging
import time
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from amphi.audience import attendance
from amphi.audience.models import Guest, Message, Restraint
from amphi.lti import tool_keys
from amphi.privacy import erasure, retention
from amphi.privacy.exceptions import ErasureError
from amphi.privacy.holdings import Subject

log = logging.getLogger(__name__)

EVERY_S = 3600
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
    removed = sum(_remove(rows) for rows in retention.old_rows(now)) + attendance.forget(now)
    removed += retention.remove_meetings(now) + _erase_unused(now) + tool_keys.drop_old()
    # Where guests came from serves while their event lasts; it is personal, and goes.
    for rows in (Guest.objects.all(), Message.objects.all(), Restraint.objects.all()):
        rows.filter(created_at__lt=now - retention.NETWORKS_KEPT).exclude(network="").update(network="")
    if removed:
        log.info("tidy: %s rows removed", removed)
    return removed


def _erase_unused(now: datetime) -> int:
    """Erase some accounts that nobody uses; returns how many."""
    erased = 0
    for user in retention.unused_accounts(now)[: retention.MOST_REMOVED]:
        try:
            erasure.erase(Subject((user,)))
        except ErasureError as error:
            log.info("tidy: account %s stays: %s", user.pk, error)
            continue
        erased += 1
    return erased
