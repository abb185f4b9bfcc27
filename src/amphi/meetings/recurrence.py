"""Recurring meetings: on which days they take place, in local time, so that the hour stays when clocks change."""

from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

DAILY, WEEKLY, MONTHLY, YEARLY = "daily", "weekly", "monthly", "yearly"
_FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    DAILY: rrule.DAILY,
    WEEKLY: rrule.WEEKLY,
    MONTHLY: rrule.MONTHLY,
    YEARLY: rrule.YEARLY,
}
MOST = 400
"""The largest number of occurrences of one meeting: enough for a daily one during a year."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a meeting recurs: the common rules of RFC 5545, section 3.3.10.

    Attributes:
        kind: ``daily``, ``weekly``, ``monthly`` (months without that day are skipped) or ``yearly``.
        weekdays: for ``weekly``: 0 is Monday; the weekday of the first occurrence is always included.
        until: the last possible day, in local time.
        times: the number of occurrences, with the first.
    """

    kind: str
    weekdays: frozenset[int] = frozenset()
    until: date | None = None
    times: int | None = None


def occurrences(first: datetime, rule: Rule, zone: ZoneInfo) -> list[datetime]:
    """The starts of a meeting that first begins at `first`, in the local time of `zone`: at most `MOST`."""
    local = first.astimezone(zone)
    days = rrule.rrule(
        _FREQUENCIES[rule.kind],
        dtstart=local.replace(tzinfo=None),
        byweekday=sorted(rule.weekdays | {local.weekday()}) if rule.kind == WEEKLY else None,
        until=datetime.combine(rule.until, time.max) if rule.until else None,
        count=rule.times,
    )
    # The first occurrence stays even when the last day is before it.
    return [local.replace(day.year, day.month, day.day) for day in islice(days, MOST)] or [local]
