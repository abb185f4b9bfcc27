"""Which meetings and webinars a person's list shows."""

from datetime import datetime, timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from amphi.accounts.models import User
from amphi.meetings.models import Meeting, Occurrence
from amphi.meetings.queries import meetings_for_user
from amphi.webinars.models import RUNNING, Removal

STILL_ON = timedelta(days=1)
"""A started meeting whose end was never noted counts as running for this long."""


def listed_meetings(
    user: User, *, now: datetime, kind: str = "", past: bool = False, words: str = ""
) -> QuerySet[Meeting]:
    """The meetings that `user` moderates, as the list shows them: the soonest first, of past ones the latest.

    Args:
        user: whose list it is.
        now: the limit between active and past. A meeting that still runs is active, however late it is.
        kind: ``webinars``, ``meetings``, or empty for both.
        past: list the past meetings instead of the active ones.
        words: words separated by spaces; each must occur in the name or the description.
    """
    ends_at = ExpressionWrapper(F("start_at") + F("duration"), output_field=DateTimeField())
    rows = meetings_for_user(user).annotate(ends_at=ends_at)
    rows = rows.exclude(livestream__removal=Removal.DELETE)
    running = Q(livestream__state__in=RUNNING) | Q(started_at__gt=now - STILL_ON, ended_at=None)
    coming = Occurrence.objects.filter(meeting=OuterRef("pk"), end_at__gt=now).order_by("start_at")
    each = Occurrence.objects.filter(meeting=OuterRef("pk")).order_by("-start_at")
    rows = rows.annotate(
        next_start=Subquery(coming.values("start_at")[:1]), last_start=Subquery(each.values("start_at")[:1])
    )
    active = rows.filter(Q(ends_at__gt=now) | running | Q(is_personal=True) | Q(next_start__isnull=False))
    rows = rows.exclude(pk__in=active.values("pk")) if past else active
    if kind:
        rows = rows.filter(is_webinar=kind == "webinars")
    for word in words.split():
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    rows = rows.select_related("owner", "livestream__event").prefetch_related("additional_owners")
    return (
        rows.order_by("-start_at", "-pk")
        if past
        else rows.order_by("-is_personal", Coalesce("next_start", "start_at"), "pk")
    )
