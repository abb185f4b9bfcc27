"""Meetings that come again: on which days, in local time, so that the hour stays where clocks change."""

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
"""Occurrences of one meeting: more than one for each day of a year."""


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


def occurrences(first: datetime, rule: Rule, zone: ZoneInfo) -> list[datetime]:
    """When a meeting that begins at `first` takes place, by the clocks of `zone`: `MOST` times at most."""
    local = first.astimezone(zone)
    days = rrule.rrule(
        _FREQUENCIES[rule.kind],
        dtstart=local.replace(tzinfo=None),
        byweekday=sorted(rule.weekdays | {local.weekday()}) if rule.kind == WEEKLY else None,
        until=datetime.combine(rule.until, time.max) if rule.until else None,
        count=rule.times,
    )
    # The first is there even when the last day was set before it.
    return [local.replace(day.year, day.month, day.day) for day in islice(days, MOST)] or [local]
