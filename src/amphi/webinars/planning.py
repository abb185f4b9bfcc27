"""Booking gateways. A booking is half-open, [start, end), so one may begin where another ends.

To avoid deadlocks, rows are locked in one order everywhere: the site's gateways, the meeting, its livestream, the person whose limits
are counted, the event, the channel of its listeners. Code that needs only some of them locks those in this order, and reads them
again once they are locked.
"""

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
OVERRUN_HOLDS = timedelta(minutes=10)
"""A live that runs past its end is expected to keep its gateway for this much longer, counted from now."""


@dataclass(frozen=True)
class NoGatewayFree:
    """No gateway of the site is free for the requested time.

    Attributes:
        overlapping: the meetings whose webinars hold the gateways.
        nearest: up to three other starts at which a gateway is free, the nearest first.
        is_backstage: whether some gateways were left out, since the webinar is prepared backstage.
    """

    overlapping: list[Meeting]
    nearest: list[datetime]
    is_backstage: bool = False


@dataclass(frozen=True, slots=True)
class Locked:
    """The rows that planning one meeting needs, locked until the transaction ends.

    Attributes:
        gateways: all gateways of its site.
        meeting: its current row.
        livestream: None when it is not a planned webinar.
    """

    gateways: list[LiveGateway]
    meeting: Meeting
    livestream: Livestream | None


def lock(meeting: Meeting) -> Locked | None:
    """Lock `meeting` and the rows that planning needs; None when the meeting was deleted meanwhile."""
    gateways = lock_gateways(meeting.site)
    row = lock_meeting(meeting)
    return None if row is None else Locked(gateways, row, lock_livestream(row))


def lock_meeting(meeting: Meeting) -> Meeting | None:
    """Read `meeting` again and lock it until the transaction ends; None when it was deleted meanwhile."""
    rows = Meeting.objects.select_related("site", "owner").filter(pk=meeting.pk)
    return rows.select_for_update(of=("self",), no_key=True).first()


def lock_gateways(site: Site) -> list[LiveGateway]:
    """Lock the site's gateways until the transaction ends, so that nobody books between a search and its booking.

    Code that books, moves, starts or removes a webinar takes this lock first, then reads the webinar. Rows that refer to a gateway may
    still be written (``no_key``), so restarting a live does not wait and can't deadlock. SQLite has no row locks; its writing
    transactions exclude each other from their beginning (``transaction_mode``).
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101 -- a lock outside a transaction is a programming error
    gateways = LiveGateway.objects.filter(site=site).order_by("pk").select_related("broadcaster")
    return list(gateways.select_for_update(of=("self",), no_key=True))


def lock_livestream(meeting: Meeting) -> Livestream | None:
    """Read the livestream of `meeting` and lock it until the transaction ends. Lock the gateways and the meeting first."""
    livestreams = Livestream.objects.select_related("event", "meeting", "gateway__broadcaster")
    return livestreams.filter(meeting=meeting).select_for_update(of=("self",), no_key=True).first()


def holding(start: datetime, end: datetime, *, now: datetime) -> QuerySet[Livestream]:
    """The livestreams that hold their gateway at some time in [start, end), by booking or because they run now."""
    booked = Q(starts_at__lt=end, ends_at__gt=start)
    running = Q(state__in=RUNNING) if start <= now + OVERRUN_HOLDS and end > now else Q(pk__in=[])
    return Livestream.objects.filter(booked | running)


def fit_for(gateways: list[LiveGateway], livestream: Livestream | None) -> list[LiveGateway]:
    """The gateways that `livestream` can have: one that is prepared backstage moves only to a live server that checks its viewers."""
    if livestream is None or not (livestream.starts_backstage or livestream.is_backstage):
        return gateways
    mine = livestream.gateway_id
    return [gateway for gateway in gateways if gateway.pk == mine or gateway.broadcaster.has_tickets]


def free_gateway(
    gateways: list[LiveGateway], start: datetime, end: datetime, *, mine: Livestream | None = None
) -> LiveGateway | None:
    """The gateway to book for [start, end): the one that `mine` holds if that is free, else the first free one; None when none is."""
    gateways = fit_for(gateways, mine)
    taken_rows = holding(start, end, now=timezone.now()).filter(gateway__in=gateways)
    if mine is not None:
        taken_rows = taken_rows.exclude(pk=mine.pk)
    taken = set(taken_rows.values_list("gateway_id", flat=True))
    free = [gateway for gateway in gateways if gateway.pk not in taken]
    if mine is not None:
        free.sort(key=lambda gateway: gateway.pk != mine.gateway_id)
    return free[0] if free else None


def _held(livestream: Livestream, now: datetime) -> tuple[datetime, datetime]:
    """From when until when `livestream` holds its gateway: its booking, extended while it runs."""
    if not livestream.is_running:
        return livestream.starts_at, livestream.ends_at
    # Whole minutes, since this time is offered to people as a start.
    until = (now + OVERRUN_HOLDS).replace(second=0, microsecond=0)
    return min(livestream.starts_at, now), max(livestream.ends_at, until)


def _overlaps(held: tuple[datetime, datetime], start: datetime, end: datetime) -> bool:
    return held[0] < end and held[1] > start


def _some_is_free(
    bookings: dict[int, list[tuple[datetime, datetime]]], start: datetime, length: timedelta
) -> bool:
    return any(not any(_overlaps(held, start, start + length) for held in rows) for rows in bookings.values())


def explain(
    gateways: list[LiveGateway], start: datetime, end: datetime, *, mine: Livestream | None = None
) -> NoGatewayFree:
    """Why no gateway is free in [start, end), and when one would be.

    The nearest free slot always touches a booking: it begins where one ends, or ends where one begins. Only those are tried.
    """
    now = timezone.now()
    fit = fit_for(gateways, mine)
    length = end - start
    near = Q(ends_at__gt=max(now, start - SEARCH_HORIZON), starts_at__lt=end + SEARCH_HORIZON)
    rows = Livestream.objects.filter(near | Q(state__in=RUNNING), gateway__in=fit).select_related("meeting")
    if mine is not None:
        rows = rows.exclude(pk=mine.pk)
    known = list(rows)
    bookings: dict[int, list[tuple[datetime, datetime]]] = {gateway.pk: [] for gateway in fit}
    for row in known:
        bookings[row.gateway_id].append(_held(row, now))
    times = [held for rows_of_one in bookings.values() for held in rows_of_one]
    candidates = {held_end for _, held_end in times} | {held_start - length for held_start, _ in times}
    free = [at for at in candidates if at > now and at != start and _some_is_free(bookings, at, length)]
    free.sort(key=lambda at: (abs(at - start), at))
    return NoGatewayFree(
        overlapping=[row.meeting for row in known if _overlaps(_held(row, now), start, end)],
        nearest=sorted(free[:NEAREST_OFFERED]),
        is_backstage=len(fit) < len(gateways),
    )
