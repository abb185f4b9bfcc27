"""Which gateway a webinar holds, and when: bookings are half-open, [start, end), so touching is allowed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.sites.models import Site
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars.models import RUNNING, LiveGateway, Livestream

SEARCH_HORIZON = timedelta(days=14)
NEAREST_OFFERED = 3


@dataclass(frozen=True)
class NoGatewayFree:
    """No gateway of the site is free for the time that was asked.

    Attributes:
        overlapping: the meetings whose webinars hold them.
        nearest: up to three starts near the one asked at which one is free, the nearest first.
    """

    overlapping: list[Meeting]
    nearest: list[datetime]


def lock_gateways(site: Site) -> list[LiveGateway]:
    """Lock the site's gateways until the transaction ends, so that a search and the booking after it are one act.

    SQLite has no row locks; its writing transactions exclude each other from their beginning (``transaction_mode``).
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101 -- a lock outside a transaction is a programming error
    gateways = LiveGateway.objects.filter(site=site).order_by("pk").select_related("broadcaster")
    return list(gateways.select_for_update(of=("self",)))


def holding(start: datetime, end: datetime, *, now: datetime) -> QuerySet[Livestream]:
    """The livestreams that hold their gateway somewhere in [start, end): booked then, or running over its end now."""
    booked = Q(starts_at__lt=end, ends_at__gt=start)
    overrunning = Q(state__in=RUNNING, ends_at__lte=now) if start <= now else Q(pk__in=[])
    return Livestream.objects.filter(booked | overrunning)


def free_gateway(
    gateways: list[LiveGateway], start: datetime, end: datetime, *, mine: Livestream | None = None
) -> LiveGateway | None:
    """The gateway to book for [start, end): the one already held when it stays free, else the first free one."""
    taken_rows = holding(start, end, now=timezone.now()).filter(gateway__in=gateways)
    if mine is not None:
        taken_rows = taken_rows.exclude(pk=mine.pk)
    taken = set(taken_rows.values_list("gateway_id", flat=True))
    free = [gateway for gateway in gateways if gateway.pk not in taken]
    if mine is not None:
        free.sort(key=lambda gateway: gateway.pk != mine.gateway_id)
    return free[0] if free else None


def _first_free(
    bookings: dict[int, list[tuple[datetime, datetime]]], start: datetime, length: timedelta
) -> bool:
    end = start + length
    return any(all(not (s < end and e > start) for s, e in rows) for rows in bookings.values())


def explain(
    gateways: list[LiveGateway], start: datetime, end: datetime, *, mine: Livestream | None = None
) -> NoGatewayFree:
    """Why none is free in [start, end), and when one would be.

    A slot can only become free where a booking ends, or just before one begins, so those are the only candidates.
    """
    now = timezone.now()
    length = end - start
    rows = Livestream.objects.filter(
        gateway__in=gateways, ends_at__gt=max(now, start - SEARCH_HORIZON), starts_at__lt=end + SEARCH_HORIZON
    ).select_related("meeting")
    if mine is not None:
        rows = rows.exclude(pk=mine.pk)
    known = list(rows)
    bookings: dict[int, list[tuple[datetime, datetime]]] = {gateway.pk: [] for gateway in gateways}
    for row in known:
        bookings[row.gateway_id].append((row.starts_at, row.ends_at))
    candidates = {row.ends_at for row in known} | {row.starts_at - length for row in known}
    free = [at for at in candidates if at > now and at != start and _first_free(bookings, at, length)]
    free.sort(key=lambda at: (abs(at - start), at))
    return NoGatewayFree(
        overlapping=[row.meeting for row in known if row.starts_at < end and row.ends_at > start],
        nearest=sorted(free[:NEAREST_OFFERED]),
    )
