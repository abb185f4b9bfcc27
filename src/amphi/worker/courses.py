"""Asks learning platforms who is in a course, and sends them what people get for watching. Each is tried again after failures, ever more rarely."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from amphi.audience.airings import SAME_AFTER
from amphi.lti import grading, members
from amphi.lti.exceptions import UnreachableError
from amphi.lti.models import Course, Link, Score
from amphi.lti.services import NAMES, SCORE, Services
from amphi.system import leases
from amphi.system.leases import Lease

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Renewed while the work lasts."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
ATTEMPTS = 16
"""Some three days."""
EVERY_S = 5.0


class Due:
    """Claims what is due; asked many times a second, it asks the database every few."""

    def __init__(self) -> None:
        self._at = 0.0

    def claim(self, *, limit: int, worker: str = "") -> list[Lease]:
        """Claim courses whose members are to be asked for, and activities whose grades are to be sent."""
        if time.monotonic() < self._at or not settings.USE_MEETING_WEBINAR:
            return []
        self._at = time.monotonic() + EVERY_S
        return claim_due(limit=limit, worker=worker)


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim up to `limit` of them."""
    now = timezone.now()
    asked = Course.objects.filter(ask_at__lte=now, platform__is_active=True).order_by("ask_at")
    graded = grading.due(now).filter(course__platform__is_active=True)
    found = leases.claim(asked, worker=worker, limit=limit, length=LEASE)
    return [*found, *leases.claim(graded, worker=worker, limit=limit - len(found), length=LEASE)]


def work(lease: Lease) -> None:
    """Do one of them."""
    row: Course | Link | None = lease.held().first()
    if isinstance(row, Course):
        _ask(lease, row)
    elif row is not None:
        _grade(lease, row)


def _ask(lease: Lease, course: Course) -> None:
    try:
        with Services(course.platform, NAMES) as services:
            told = list(services.members(course.memberships_url))
    except UnreachableError as error:
        log.warning("the members of the course %s were not told: %s", course.pk, error)
        failures = course.ask_failures + 1
        lease.release(ask_failures=failures, ask_at=_again(error, failures))
        return
    members.take(course, told)
    lease.release(asked_at=timezone.now(), ask_at=members.next_time(course), ask_failures=0)


def _grade(lease: Lease, link: Link) -> None:
    now = timezone.now()
    grading.count(link, now)
    try:
        with Services(link.course.platform, SCORE) as services:
            for score in grading.unsent(link):
                _send(services, link, score)
    except UnreachableError as error:
        log.warning("grades of the activity %s were not sent: %s", link.pk, error)
        failures = link.grade_failures + 1
        again = _again(error, failures)
        given_up = {"graded_until": now} if again is None else {}
        lease.release(grade_failures=failures, grade_at=again, **given_up)
        return
    lease.release(graded_until=now - SAME_AFTER, grade_at=None, grade_failures=0)


def _send(services: Services, link: Link, score: Score) -> None:
    """Send one score, and note at once that it was: whoever dies later sends the rest."""
    row = Score.objects.filter(pk=score.pk)
    services.authorise()
    try:
        services.score(link.lineitem_url, grading.content(score, timezone.now()))
    except UnreachableError as error:
        if not error.permanent:
            raise
        # Of this person alone: Moodle refuses those who are no longer in the course, others get theirs.
        log.warning("a grade of the activity %s was refused: %s", link.pk, error)
        row.update(refused_at=timezone.now())
    else:
        row.update(sent_percent=score.percent)


def _again(error: UnreachableError, failures: int) -> datetime | None:
    if error.permanent or failures >= ATTEMPTS:
        return None
    pause: timedelta = FIRST_PAUSE * 2 ** (failures - 1)
    return timezone.now() + min(pause, LONGEST_PAUSE)
