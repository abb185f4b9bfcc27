"""What lists of meetings show."""

from datetime import datetime, timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet

from amphi import access
from amphi.accounts.models import User
from amphi.meetings.models import Meeting
from amphi.webinars.models import RUNNING

STILL_ON = timedelta(days=1)
"""A meeting that was started and never seen to end counts as running for this long."""


def listed_meetings(
    user: User, *, now: datetime, kind: str = "", past: bool = False, words: str = ""
) -> QuerySet[Meeting]:
    """The meetings that `user` moderates, as the list shows them: the soonest first, of past ones the latest.

    Args:
        user: whose list it is.
        now: the moment that parts past from active; what runs is active however late it is.
        kind: ``webinars``, ``meetings``, or empty for both.
        past: those that are over, instead of the active ones.
        words: each must occur in the name or in the description.
    """
    ends_at = ExpressionWrapper(F("start_at") + F("duration"), output_field=DateTimeField())
    rows = access.meetings_for_user(user).annotate(ends_at=ends_at)
    running = Q(livestream__state__in=RUNNING) | Q(started_at__gt=now - STILL_ON, ended_at=None)
    active = rows.filter(Q(ends_at__gt=now) | running)
    rows = rows.exclude(pk__in=active.values("pk")) if past else active
    if kind:
        rows = rows.filter(is_webinar=kind == "webinars")
    for word in words.split():
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    rows = rows.select_related("owner", "livestream__event").prefetch_related("additional_owners")
    return rows.order_by("-start_at", "-pk") if past else rows.order_by("start_at", "pk")
