"""What goes on now, in numbers: for the API's health and for `/metrics`. Each is one short query, whatever there is of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from amphi.audience.models import Audience, Message
from amphi.audience.queries import AUDIENCE_FRESH
from amphi.mails.models import Mail
from amphi.outbox.models import Delivery
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, RetiringJob, State, WorkerPulse

HEARD = timedelta(minutes=1)
"""A worker that was not heard of for this long counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What goes on.

    Attributes:
        lives: how many there are in each state of those that run or failed.
        gateways: how many there are.
        gateways_busy: those that carry a live now.
        listeners: who has the page of an event open.
        workers: those heard of within a minute.
        looks_due: running lives that wait to be looked at.
        jobs_retiring: jobs of gateways that must still be stopped.
        mails_waiting: emails that wait to be sent.
        messages_waiting: messages that wait to be sent into a meeting.
        webhooks_waiting: deliveries of webhooks that wait, also for their next attempt.
        overdue_s: by the queue, how many seconds the first that waits is beyond its time.
    """

    lives: dict[str, int]
    gateways: int
    gateways_busy: int
    listeners: int
    workers: int
    looks_due: int
    jobs_retiring: int
    mails_waiting: int
    messages_waiting: int
    webhooks_waiting: int
    overdue_s: dict[str, float]


def read() -> Figures:
    """The figures of this moment."""
    now = timezone.now()
    shown = [*sorted(RUNNING), State.FAILED]
    counted = Livestream.objects.filter(state__in=shown).values_list("state").annotate(Count("pk")).order_by()
    known = dict(counted)
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    looks = _waiting(Livestream.objects.filter(free, look_at__lte=now), "look_at", now)
    jobs = _waiting(RetiringJob.objects.all(), "stop_at", now)
    mails = _waiting(Mail.objects.exclude(attempt_at=None), "attempt_at", now)
    messages = _waiting(Message.objects.filter(delivery=Message.Delivery.WAITING), "attempt_at", now)
    webhooks = _waiting(Delivery.objects.exclude(attempt_at=None), "attempt_at", now)
    fresh = Audience.objects.filter(seen_at__gt=now - AUDIENCE_FRESH)
    return Figures(
        lives={str(state): known.get(state, 0) for state in shown},
        gateways=LiveGateway.objects.count(),
        gateways_busy=LiveGateway.objects.filter(livestreams__state__in=RUNNING).distinct().count(),
        listeners=fresh.aggregate(total=Sum("viewers"))["total"] or 0,
        workers=WorkerPulse.objects.filter(seen_at__gt=now - HEARD).count(),
        looks_due=looks.number,
        jobs_retiring=jobs.number,
        mails_waiting=mails.number,
        messages_waiting=messages.number,
        webhooks_waiting=webhooks.number,
        overdue_s={
            "looks": looks.overdue_s,
            "retiring_jobs": jobs.overdue_s,
            "mails": mails.overdue_s,
            "messages": messages.overdue_s,
            "webhooks": webhooks.overdue_s,
        },
    )


class _Waiting(NamedTuple):
    number: int
    overdue_s: float


def _waiting(rows: QuerySet[Any], due: str, now: datetime) -> _Waiting:
    found = rows.aggregate(number=Count("pk"), first=Min(due))
    first = found["first"] or now
    return _Waiting(found["number"], max(0.0, (now - first).total_seconds()))
