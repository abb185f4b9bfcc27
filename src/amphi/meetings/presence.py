"""Whether a meeting still goes on in BBB. That it is gone is believed by evidence or by time, never at once.

Behind a load balancer a meeting that goes on may be ``notFound`` for some seconds
(https://github.com/blindsidenetworks/scalelite/issues/726, and 320, 407), and the news of an end may be of the session before.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from amphi.meetings.models import Meeting

GONE_AFTER = timedelta(seconds=10)
"""How long BBB must not know a meeting before that alone is believed."""
NEWS_LASTS = timedelta(minutes=1)


def note_start(meeting: Meeting, *, session_id: str) -> None:
    """BBB has made the meeting, or had it already; `session_id` is its own id of this life of it."""
    Meeting.objects.filter(pk=meeting.pk).update(
        started_at=timezone.now(),
        ended_at=None,
        session_id=session_id[:256],
        gone_since=None,
        end_told_at=None,
    )


def note_there(meeting: Meeting) -> None:
    """BBB knows the meeting."""
    if meeting.gone_since is not None:
        Meeting.objects.filter(pk=meeting.pk).update(gone_since=None)
        meeting.gone_since = None


def gone_for(meeting: Meeting, *, now: datetime) -> timedelta:
    """BBB does not know the meeting: for how long that has been so, without a break."""
    if meeting.gone_since is None:
        Meeting.objects.filter(pk=meeting.pk, gone_since=None).update(gone_since=now)
        meeting.gone_since = now
    return now - meeting.gone_since


def end_was_told(meeting: Meeting, *, now: datetime) -> bool:
    """Whether BBB told by itself, a moment ago, that the meeting ended."""
    return meeting.end_told_at is not None and now < meeting.end_told_at + NEWS_LASTS


def tell_end(meeting: Meeting, *, session_id: str) -> bool:
    """BBB tells by itself that a session ended; whether it may be the one that goes on.

    Args:
        meeting: the meeting.
        session_id: which session it was; empty where that is not told.
    """
    if session_id and meeting.session_id and session_id != meeting.session_id:
        return False
    now = timezone.now()
    Meeting.objects.filter(pk=meeting.pk).update(end_told_at=now)
    meeting.end_told_at = now
    return True


def is_current(meeting: Meeting, *, session_id: str, at: datetime | None) -> bool:
    """Whether what was told of `session_id` at that moment is of the session that goes on."""
    last = meeting.sessions.first()
    current = meeting.session_id or (last.internal_id if last else "")
    has_begun = at is not None and meeting.started_at is not None and at >= meeting.started_at
    return bool(session_id) and session_id == current and has_begun


def note_end(meeting: Meeting) -> None:
    """The meeting, as it was read, is over; one that was started anew meanwhile goes on."""
    seen = Meeting.objects.filter(pk=meeting.pk, started_at=meeting.started_at, ended_at=None)
    seen.exclude(started_at=None).update(ended_at=timezone.now())
