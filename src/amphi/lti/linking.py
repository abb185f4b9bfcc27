"""Which webinar an activity opens: somebody's own, chosen or made from the course. Its members may watch it, and its teachers present it."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import AccessGroup, User
from amphi.accounts.rights import can_create_webinar, can_edit_meetings
from amphi.lti.exceptions import NotAllowedError
from amphi.lti.models import Course, Launch, Link
from amphi.meetings.domain import MeetingFields, fields_of
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.meetings.queries import meetings_for_user
from amphi.meetings.rights import can_moderate
from amphi.webinars import saving
from amphi.webinars.planning import NoGatewayFree

MOST_OFFERED = 50


class NoGatewayError(Exception):
    """No gateway is free in these hours.

    Attributes:
        conflict: when one is.
    """

    def __init__(self, conflict: NoGatewayFree) -> None:
        super().__init__()
        self.conflict = conflict


def offered(user: User) -> list[Meeting]:
    """The webinars that `user` may put into a course, the latest first."""
    rows = meetings_for_user(user).exclude(livestream=None).exclude(livestream__removal="delete")
    return list(rows.select_related("livestream__event").order_by("-start_at", "-pk")[:MOST_OFFERED])


def may_make(user: User) -> bool:
    """Whether `user` may make a webinar from a course: who may make one anywhere."""
    return can_edit_meetings(user) and can_create_webinar(user)


def make(launch: Launch, *, name: str, start_at: datetime, duration: timedelta, only_course: bool) -> Link:
    """Make a webinar from a course, and have the activity open it.

    Raises:
        NotAllowedError: the person may not.
        NoGatewayError: no gateway is free then; nothing is made.
    """
    user = launch.identity.user
    if not launch.is_teacher or not may_make(user):
        raise NotAllowedError(_("You may not make webinars."))
    groups = [launch.course.group] if only_course else []
    fields = MeetingFields(
        name=name,
        start_at=start_at,
        duration=duration,
        is_webinar=True,
        is_restricted=only_course,
        access_groups=groups,
    )
    with transaction.atomic():
        saved = saving.create_meeting(user=user, fields=fields)
        if saved.conflict is not None:
            raise NoGatewayError(saved.conflict)
        return _link(launch, saved.meeting)


def choose(launch: Launch, meeting: Meeting) -> Link:
    """Have the activity open `meeting`, a webinar of this person; members of the course may watch it.

    Raises:
        NotAllowedError: they don't teach here, or it is not theirs.
        MeetingError: it can't be changed now.
    """
    user = launch.identity.user
    if not launch.is_teacher or not can_moderate(user, meeting):
        raise NotAllowedError(_("You can choose only webinars that you present."))
    fields = fields_of(meeting)
    groups = _with(fields.access_groups, launch.course)
    if fields.is_restricted and fields.access_groups and groups != fields.access_groups:
        saving.update_meeting(meeting, user=user, fields=replace(fields, access_groups=groups))
    return _link(launch, meeting)


def _with(groups: list[AccessGroup], course: Course) -> list[AccessGroup]:
    return groups if course.group in groups else [*groups, course.group]


def _link(launch: Launch, meeting: Meeting) -> Link:
    """The activity's link; of a deep linking request one for the activity that the platform will make."""
    if launch.deep_linking is not None:
        return Link.objects.create(course=launch.course, meeting=meeting, made_by=launch.identity.user)
    try:
        with transaction.atomic():
            link = Link.objects.create(
                course=launch.course,
                meeting=meeting,
                made_by=launch.identity.user,
                resource_link_id=launch.resource_link_id,
            )
    except IntegrityError:
        raise NotAllowedError(_("This activity has a webinar already.")) from None
    Launch.objects.filter(pk=launch.pk).update(link=link)
    launch.link = link
    return link


def admit_teacher(link: Link, user: User) -> None:
    """Have somebody who teaches in the course present its webinar. A webinar that is being deleted stays as it is."""
    meeting = link.meeting
    if can_moderate(user, meeting):
        return
    fields = fields_of(meeting)
    owners = [*fields.additional_owners, user]
    try:
        saving.update_meeting(meeting, user=meeting.owner, fields=replace(fields, additional_owners=owners))
    except MeetingError:
        return
