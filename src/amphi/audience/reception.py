"""How well listeners receive the live: their players report every half minute, and presenters see the sums.

A page sends ``POST /live/<event id>/reports?ticket=<ticket>``, ``{"watched": 29.5, "stalled": 0.5, "delay": 2.1}``, in seconds since its
last report. Each web process adds up the reports and writes one row per event and minute; single reports are not kept.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from amphi.audience.doors import PostDoor
from amphi.audience.models import Reception
from amphi.audience.pace import Pace
from amphi.system.tickets import Ticket

DELAY_STEPS_S = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 60)
"""The upper limits of the classes in which delays are counted; one more class is beyond the last."""
LONGEST_S = 120
"""The longest time in a report, in seconds: pages report every half minute, but a background tab may be late."""
LONGEST_DELAY_S = 86_400
LONGEST_BODY_BYTES = 256
REPORTS_PER_VIEWER = 12
REPORTS_PER_ADDRESS = 6000
"""Per minute: enough for six tabs of one viewer, and for a lecture hall with one address."""
NOW = timedelta(minutes=2, seconds=30)
"""How far back “now” reaches: the last whole minutes of each process."""

REPORTS, WATCHED_MS, STALLED_MS, DELAY = "reports", "watched", "stalled", "delay "

Sums = Mapping[str, int]
Sink = Callable[[int, Sums], None]
"""Receives the event, and what one report adds to its sums."""


class Report(NamedTuple):
    """What one player measured since its last report, in seconds; `delay` is None when unknown."""

    watched_s: float
    stalled_s: float
    delay_s: float | None

    def sums(self) -> Sums:
        """What this report adds to the sums."""
        sums = {
            REPORTS: 1,
            WATCHED_MS: round(1000 * self.watched_s),
            STALLED_MS: round(1000 * self.stalled_s),
        }
        return sums if self.delay_s is None else {**sums, f"{DELAY}{step_of(self.delay_s)}": 1}


def step_of(delay_s: float) -> int:
    """The index in `Reception.delays` for a delay."""
    return next((n for n, step in enumerate(DELAY_STEPS_S) if delay_s <= step), len(DELAY_STEPS_S))


def parse(body: bytes) -> Report:
    """Parse a page's report.

    Raises:
        ValueError: the report is malformed.
    """
    try:
        given = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(given, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- one kind of error for one kind of fault
    delay = given.get("delay")
    return Report(
        _seconds(given.get("watched"), LONGEST_S),
        _seconds(given.get("stalled"), LONGEST_S),
        None if delay is None else _seconds(delay, LONGEST_DELAY_S),
    )


def _seconds(value: object, most: float) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= most:  # type: ignore[arg-type, operator]
        raise ValueError("not a number of seconds")
    return float(value)  # type: ignore[arg-type]


class ReportDoor(PostDoor):
    """The endpoint. It does not use the database, not even to check whether the ticket's holder may still watch: a report reveals nothing.

    Args:
        key: the key that signs tickets.
        sink: receives the reports.
    """

    def __init__(self, key: bytes, sink: Sink) -> None:
        super().__init__(key, rights=None, longest_body_bytes=LONGEST_BODY_BYTES)
        self._sink = sink
        self._by_viewer = Pace(REPORTS_PER_VIEWER, 60)
        self._by_address = Pace(REPORTS_PER_ADDRESS, 60)

    def take(self, ticket: Ticket, address: str, body: bytes) -> None:
        """Add a report to the sums; reports beyond the limits are dropped."""
        report = parse(body)
        viewer = f"{ticket.event_id} {ticket.viewer}"
        if self._by_address.take(address, self._by_viewer.take(viewer)):
            self._sink(ticket.event_id, report.sums())


# --- writing and reading the sums


def write(process: str, event_id: int, sums: Sums, now: datetime) -> None:
    """Write the sums of the reports that `process` received for an event in the last minute."""
    Reception.objects.create(
        event_id=event_id,
        process=process,
        at=now,
        reports=sums[REPORTS],
        watched_s=round(sums.get(WATCHED_MS, 0) / 1000),
        stalled_s=round(sums.get(STALLED_MS, 0) / 1000),
        delays=[sums.get(f"{DELAY}{step}", 0) for step in range(len(DELAY_STEPS_S) + 1)],
    )


@dataclass(frozen=True, slots=True)
class Received:
    """How well listeners receive the live.

    Attributes:
        reports: the number of reports; each player sends two a minute.
        delay_p50_s: half of the players are at most this far behind the newest picture, in seconds; None when unknown.
        delay_p95_s: the same for 95 %.
        stalled: the share of time in which pictures stood still, from 0 to 1; None when nothing was watched.
    """

    reports: int
    delay_p50_s: float | None
    delay_p95_s: float | None
    stalled: float | None


def received_now(event_id: int, now: datetime) -> Received:
    """How well the listeners of an event receive it now, from all web processes."""
    return _together(Reception.objects.filter(event_id=event_id, at__gt=now - NOW, at__lte=now))


def all_received_now(now: datetime) -> Received:
    """How well the listeners of all events receive them now."""
    return _together(Reception.objects.filter(at__gt=now - NOW, at__lte=now))


def _together(rows: Iterable[Reception]) -> Received:
    rows = list(rows)
    delays = [sum(counts) for counts in zip(*(row.delays for row in rows), strict=False)]
    stalled = sum(row.stalled_s for row in rows)
    lasted = stalled + sum(row.watched_s for row in rows)
    return Received(
        reports=sum(row.reports for row in rows),
        delay_p50_s=quantile(delays, 0.5),
        delay_p95_s=quantile(delays, 0.95),
        stalled=stalled / lasted if lasted else None,
    )


def quantile(delays: list[int], part: float) -> float | None:
    """The delay that `part` of the reports don't exceed, to the precision of the classes; None without reports."""
    wanted = part * sum(delays)
    if not wanted:
        return None
    below, lower = 0, 0.0
    for count, upper in zip(delays, DELAY_STEPS_S, strict=False):
        if below + count >= wanted:
            return round(lower + (upper - lower) * (wanted - below) / count, 2)
        below, lower = below + count, upper
    return float(DELAY_STEPS_S[-1])
