"""Whether a meeting still goes on in BBB. One answer never proves that it ended: that takes a second sign, or some time.

Behind a load balancer a running meeting may be ``notFound`` for some seconds
(https://github.com/blindsidenetworks/scalelite/issues/726, and 320, 407), and a reported end may be that of the previous session.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.outbox import domain as outbox
from amphi.outbox.models import Kind

GONE_AFTER = timedelta(seconds=10)
"""How long BBB must not know a meeting before that alone proves its end."""
NEWS_LASTS = timedelta(minutes=1)


def note_start(meeting: Meeting, *, session_id: str) -> None:
    """Note that the meeting runs in BBB; `session_id` is BBB's internal id of this session."""
    Meeting.objects.filter(pk=meeting.pk).update(
        started_at=timezone.now(),
        ended_at=None,
        session_id=session_id[:256],
        gone_since=None,
        end_told_at=None,
    )


def note_there(meeting: Meeting) -> None:
    """Note that BBB knows the meeting."""
    if meeting.gone_since is not None:
        Meeting.objects.filter(pk=meeting.pk).update(gone_since=None)
        meeting.gone_since = None


def gone_for(meeting: Meeting, *, now: datetime) -> timedelta:
    """Note that BBB does not know the meeting; returns for how long that has been so without interruption."""
    if meeting.gone_since is None:
        Meeting.objects.filter(pk=meeting.pk, gone_since=None).update(gone_since=now)
        meeting.gone_since = now
    return now - meeting.gone_since


def end_was_told(meeting: Meeting, *, now: datetime) -> bool:
    """Whether BBB reported, a moment ago, that the meeting ended."""
    return meeting.end_told_at is not None and now < meeting.end_told_at + NEWS_LASTS


def tell_end(meeting: Meeting, *, session_id: str) -> bool:
    """Note BBB's report that a session ended. False, and nothing noted, when it was an earlier session.

    Args:
        meeting: the meeting.
        session_id: BBB's internal id of the session; empty when the report does not name it.
    """
    if session_id and meeting.session_id and session_id != meeting.session_id:
        return False
    now = timezone.now()
    Meeting.objects.filter(pk=meeting.pk).update(end_told_at=now)
    meeting.end_told_at = now
    return True


def is_current(meeting: Meeting, *, session_id: str, at: datetime | None) -> bool:
    """Whether a report of `session_id` at that time is about the current session."""
    last = meeting.sessions.first()
    current = meeting.session_id or (last.internal_id if last else "")
    has_begun = at is not None and meeting.started_at is not None and at >= meeting.started_at
    return bool(session_id) and session_id == current and has_begun


def note_end(meeting: Meeting) -> None:
    """Note the end of the meeting. Does nothing when the meeting was started again since `meeting` was read."""
    seen = Meeting.objects.filter(pk=meeting.pk, started_at=meeting.started_at, ended_at=None)
    with transaction.atomic():
        if seen.exclude(started_at=None).update(ended_at=timezone.now()) and meeting.is_webinar:
            outbox.tell(Kind.ENDED, lambda: {"webinar": told(meeting)})


def told(meeting: Meeting) -> dict[str, object]:
    """What other systems are told of a meeting."""
    return {
        "slug": meeting.slug,
        "name": meeting.name,
        "url": settings.AMPHI_URL + meeting.get_absolute_url(),
        "owner": meeting.owner.get_username(),
        "starts_at": meeting.start_at,
        "ends_at": meeting.end_at,
    }
