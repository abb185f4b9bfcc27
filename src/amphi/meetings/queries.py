"""Queries about meetings."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from amphi.accounts.models import User
from amphi.meetings.models import Meeting


def meetings_for_user(user: User) -> QuerySet[Meeting]:
    """The meetings that `user` moderates, as owner or co-owner."""
    return Meeting.objects.filter(Q(owner=user) | Q(pk__in=user.co_owned_meetings.values("pk")))


@dataclass(frozen=True, slots=True)
class When:
    """When a meeting takes place. For a recurring one: its next occurrence, or the last one once all are over."""

    start_at: datetime
    end_at: datetime


def when(meeting: Meeting, now: datetime) -> When:
    """When `meeting` takes place, seen from `now`; needs no query when the list has annotated it."""
    start_at = meeting.start_at
    if meeting.recurrence and "last_start" in meeting.__dict__:
        known = meeting.__dict__
        start_at = known["next_start"] or known["last_start"] or start_at
    elif meeting.recurrence:
        coming = meeting.occurrences.filter(end_at__gt=now).first() or meeting.occurrences.last()
        start_at = coming.start_at if coming else start_at
    return When(start_at, start_at.astimezone(UTC) + meeting.duration)
