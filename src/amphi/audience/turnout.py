"""How many listen, as everybody is told: a rounded number, on the event stream whenever it changes.

Each web process looks after it counted its own listeners (`queries.DatabaseLog.count`); whichever sees a change first tells it.
"""

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from amphi.audience.domain import publish
from amphi.audience.models import Audience, Channel
from amphi.audience.queries import AUDIENCE_FRESH

LEAST = 10
"""Fewer are not told: in a small hall, one knows who left."""
STEPS = ((200, 10), (1000, 50), (10_000, 100))


def rounded(listeners: int) -> int:
    """What is told of so many listeners; 0 of few."""
    if listeners < LEAST:
        return 0
    step = next((step for below, step in STEPS if listeners < below), 1000)
    return listeners // step * step


def tell() -> None:
    """Publish the numbers that changed."""
    fresh = Audience.objects.filter(seen_at__gt=timezone.now() - AUDIENCE_FRESH)
    present = dict(fresh.values_list("event_id").annotate(Sum("viewers")))
    channels = Channel.objects.filter(Q(pk__in=present) | Q(listeners_told__gt=0))
    told = dict(channels.values_list("pk", "listeners_told"))
    for event_id in {*present, *told}:
        before, about = told.get(event_id, 0), rounded(present.get(event_id, 0))
        if about != before:
            _publish(event_id, before, about)


@transaction.atomic
def _publish(event_id: int, before: int, about: int) -> None:
    Channel.objects.get_or_create(pk=event_id)
    # Nothing where another process was first.
    if Channel.objects.filter(pk=event_id, listeners_told=before).update(listeners_told=about):
        publish(event_id, "listeners", {"about": about})
