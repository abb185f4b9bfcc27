"""Meetings that come again: on which days, in local time, so that the hour stays where clocks change."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo

DAILY, WEEKLY, MONTHLY, YEARLY = "daily", "weekly", "monthly", "yearly"
MOST = 400
"""Occurrences of one meeting: more than one for each day of a year."""
_LAST_YEAR = 2200


@dataclass(frozen=True, slots=True)
class Rule:
    """How a meeting comes again (the rules of RFC 5545, section 3.3.10, that people use).

    Attributes:
        kind: ``daily``, ``weekly``, ``monthly`` (a day that a month lacks is left out) or ``yearly``.
        weekdays: of a weekly one, 0 for Monday; the first day's own is always among them.
        until: the last day, in local time.
        times: how many there are, the first among them.
    """

    kind: str
    weekdays: frozenset[int] = frozenset()
    until: date | None = None
    times: int | None = None


def _days(first: date, rule: Rule) -> Iterator[date]:
    if rule.kind in {DAILY, WEEKLY}:
        wanted = rule.weekdays | {first.weekday()} if rule.kind == WEEKLY else range(7)
        for number in count():
            day = first + timedelta(days=number)
            if day.weekday() in wanted:
                yield day
    for number in count():
        months = number if rule.kind == MONTHLY else 12 * number
        year, month = first.year + (first.month - 1 + months) // 12, (first.month - 1 + months) % 12 + 1
        if year > _LAST_YEAR:
            return
        if first.day <= calendar.monthrange(year, month)[1]:
            yield date(year, month, first.day)


def occurrences(first: datetime, rule: Rule, zone: ZoneInfo) -> list[datetime]:
    """When a meeting that begins at `first` takes place: `MOST` times at most."""
    local = first.astimezone(zone)
    days = _days(local.date(), rule)
    coming = takewhile(lambda day: rule.until is None or day <= rule.until, days)
    most = min(MOST, rule.times or MOST)
    # The first is there even when the last day was set before it.
    found = [datetime.combine(day, local.timetz()) for day, _ in zip(coming, range(most), strict=False)]
    return found or [local]
