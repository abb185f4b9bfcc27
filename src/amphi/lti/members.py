"""Who is in a course: noted when they come, and asked of the platform, which also tells who left."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from amphi.accounts.models import Identity
from amphi.lti import linking
from amphi.lti.messages import teaches
from amphi.lti.models import Course, Link, Member, Platform

log = logging.getLogger(__name__)
AGAIN_SOON = timedelta(hours=1)
"""A launch has the members asked for, but not more often."""
AGAIN = timedelta(hours=6)
"""While a webinar of the course is to come, or was lately."""
LATELY = timedelta(days=30)


def note(course: Course, identity: Identity, *, is_teacher: bool) -> bool:
    """Note that somebody is in a course, and as what, in the caller's transaction. True for who was not known there."""
    _, is_new = Member.objects.update_or_create(
        course=course, identity=identity, defaults={"is_teacher": is_teacher}
    )
    settle(identity, course.platform)
    identity.user.access_groups.add(course.group_id)
    return is_new


def settle(identity: Identity, platform: Platform) -> None:
    """Give the group of teachers to somebody who teaches in any course of `platform`, and take it from who does not."""
    if platform.teachers_group_id is None:
        return
    has_courses = Member.objects.filter(
        course__platform=platform, identity=identity, is_teacher=True
    ).exists()
    change = identity.user.access_groups.add if has_courses else identity.user.access_groups.remove
    change(platform.teachers_group_id)


def note_address(course: Course, url: str) -> None:
    """Note where the members are to be asked for, and ask soon."""
    now = timezone.now()
    course.memberships_url = url
    is_old = course.asked_at is None or course.asked_at < now - AGAIN_SOON
    if url and is_old:
        course.ask_at = now
    Course.objects.filter(pk=course.pk).update(memberships_url=url, ask_at=course.ask_at if url else None)


def take(course: Course, told: Iterable[Mapping[str, Any]]) -> int:
    """Bring in step who is known in a course with all that the platform names; returns how many are no longer in it.

    People who have never been here get no account by being named.
    """
    roles = {
        str(one.get("user_id")): teaches(one.get("roles"))
        # NRPS 2.0, section 3.5.2: without a status somebody is active.
        for one in told
        if one.get("status", "Active") == "Active"
    }
    gone = 0
    rows = Member.objects.filter(course=course).select_related("identity__user", "course__platform")
    for member in rows:
        is_teacher = roles.get(member.identity.subject)
        if is_teacher is None:
            gone += 1
        if is_teacher is not member.is_teacher:
            _change(member, is_teacher=is_teacher)
    if gone:
        log.info("%s people are no longer in the course %s", gone, course.pk)
    return gone


def _change(member: Member, *, is_teacher: bool | None) -> None:
    """Note another role of somebody, or, with None, that they left."""
    course, identity = member.course, member.identity
    user = identity.user
    with transaction.atomic():
        if is_teacher is None:
            member.delete()
            others = Member.objects.filter(course=course, identity__user=user)
            if not others.exists():
                user.access_groups.remove(course.group_id)
        else:
            member.is_teacher = is_teacher
            member.save(update_fields=["is_teacher"])
        settle(identity, course.platform)
    if is_teacher:
        for link in Link.objects.filter(course=course).select_related("meeting"):
            linking.admit_teacher(link, user)
    else:
        linking.dismiss_teacher(course, user)


def next_time(course: Course) -> datetime | None:
    """When to ask for the members again; None while no webinar of the course is near."""
    now = timezone.now()
    near = Link.objects.filter(course=course, meeting__livestream__event__end_at__gt=now - LATELY)
    return now + AGAIN if near.exists() else None
