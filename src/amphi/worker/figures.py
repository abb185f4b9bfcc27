"""What goes on now, in numbers: for the API's health and for `/metrics`. Each is one short query, whatever there is of it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q, Sum
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


def read() -> Figures:
    """The figures of this moment."""
    now = timezone.now()
    shown = [*sorted(RUNNING), State.FAILED]
    counted = Livestream.objects.filter(state__in=shown).values_list("state").annotate(Count("pk")).order_by()
    known = dict(counted)
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    fresh = Audience.objects.filter(seen_at__gt=now - AUDIENCE_FRESH)
    return Figures(
        lives={str(state): known.get(state, 0) for state in shown},
        gateways=LiveGateway.objects.count(),
        gateways_busy=LiveGateway.objects.filter(livestreams__state__in=RUNNING).distinct().count(),
        listeners=fresh.aggregate(total=Sum("viewers"))["total"] or 0,
        workers=WorkerPulse.objects.filter(seen_at__gt=now - HEARD).count(),
        looks_due=Livestream.objects.filter(free, look_at__lte=now).count(),
        jobs_retiring=RetiringJob.objects.count(),
        mails_waiting=Mail.objects.exclude(attempt_at=None).count(),
        messages_waiting=Message.objects.filter(delivery=Message.Delivery.WAITING).count(),
        webhooks_waiting=Delivery.objects.exclude(attempt_at=None).count(),
    )
