"""What people of a course get for watching: per cent of the time on air, once an airing is over for good.

Nothing is sent of a webinar that keeps pseudonyms: who watched how long is nobody's business there.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from amphi.audience import attendance
from amphi.audience.airings import SAME_AFTER
from amphi.audience.models import Airing, Event
from amphi.lti.models import Link, Member, Score

MAXIMUM = 100
COMPLETED_FROM = 80
"""Per cent from which the platform is told that somebody has completed the activity."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def note_column(link: Link, lineitem_url: str, *, somebody_new: bool) -> None:
    """Note where an activity's grades go; with `somebody_new`, earlier airings count again, since they may have watched one."""
    columns: dict[str, Any] = {}
    if lineitem_url != link.lineitem_url:
        columns |= {"lineitem_url": lineitem_url, "graded_until": EVER}
    if somebody_new and lineitem_url:
        columns["graded_until"] = EVER
    if columns:
        Link.objects.filter(pk=link.pk).update(**columns, grade_at=None)


def due(now: datetime) -> QuerySet[Link]:
    """The links whose grades are to be sent: an airing ended, and can't go on any more."""
    is_time = Q(grade_at=None) | Q(grade_at__lte=now)
    ended = Link.objects.filter(
        is_time,
        meeting__livestream__event__airings__ended_at__lte=now - SAME_AFTER,
        meeting__livestream__event__airings__ended_at__gt=F("graded_until"),
    )
    return ended.exclude(lineitem_url="").order_by("pk")


def count(link: Link, now: datetime) -> None:
    """Write the scores of the course's people who don't teach there."""
    event = Event.objects.filter(livestream__meeting=link.meeting_id).first()
    if event is None or event.attendance_pseudonyms:
        return
    airings = list(Airing.objects.filter(event=event, ended_at__lte=now - SAME_AFTER))
    members = Member.objects.filter(course=link.course_id, is_teacher=False).select_related("identity")
    people = {member.identity: f"u{member.identity.user_id}" for member in members}
    watched = attendance.minutes_of(airings, people.values())
    on_air = sum(_minutes(airing) for airing in airings)
    known = {score.identity_id: score for score in Score.objects.filter(link=link)}
    for identity, viewer in people.items():
        percent = percent_of(watched.get(viewer, 0), on_air)
        score = known.get(identity.pk)
        if score is None and percent:
            Score.objects.create(link=link, identity=identity, percent=percent)
        elif score is not None and percent > score.percent:
            Score.objects.filter(pk=score.pk).update(percent=percent, refused_at=None)


def _minutes(airing: Airing) -> int:
    lasted: timedelta = (airing.ended_at or airing.began_at) - airing.began_at
    return max(1, round(lasted.total_seconds() / 60))


def percent_of(watched: int, on_air: int) -> int:
    """Whole per cent, 0 to 100."""
    return min(MAXIMUM, round(MAXIMUM * watched / on_air)) if on_air > 0 else 0


def unsent(link: Link) -> QuerySet[Score]:
    """The scores of `link` that the platform does not have."""
    return (
        Score.objects.filter(
            Q(sent_percent=None) | Q(sent_percent__lt=F("percent")), link=link, refused_at=None
        )
        .select_related("identity")
        .order_by("pk")
    )


def content(score: Score, now: datetime) -> Mapping[str, Any]:
    """What the platform is told (AGS 2.0, section 3.4.4). Its time says which of two is newer, so it has microseconds."""
    return {
        "userId": score.identity.subject,
        "timestamp": now.isoformat(),
        "scoreGiven": score.percent,
        "scoreMaximum": MAXIMUM,
        "activityProgress": "Completed" if score.percent >= COMPLETED_FROM else "InProgress",
        "gradingProgress": "FullyGraded",
    }
