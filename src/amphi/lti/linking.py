"""Which webinar an activity opens: somebody's own, chosen or made from the course. Its members may watch it, and its teachers present it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.accounts.rights import can_create_webinar, can_edit_meetings
from amphi.lti.exceptions import NotAllowedError
from amphi.lti.models import Course, Launch, Link
from amphi.meetings.domain import MeetingFields, fields_of
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.meetings.queries import meetings_for_user
from amphi.meetings.rights import can_moderate
from amphi.webinars import planning, saving
from amphi.webinars.exceptions import MeetingDeletedError
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
    group = launch.course.group

    def opened(fields: MeetingFields) -> MeetingFields:
        """Restricted to the course too, where it is restricted to groups at all."""
        if not fields.is_restricted or not fields.access_groups or group in fields.access_groups:
            return fields
        return replace(fields, access_groups=[*fields.access_groups, group])

    _change(meeting, opened, user=user)
    return _link(launch, meeting)


def _change(meeting: Meeting, change: Callable[[MeetingFields], MeetingFields], *, user: User) -> None:
    """Change what `meeting` is under its lock, so that nothing is lost that somebody else just changed."""
    with transaction.atomic():
        held = planning.lock(meeting)
        if held is None:
            raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
        before = fields_of(held.meeting)
        after = change(before)
        if after != before:
            saving.update_meeting(held.meeting, user=user, fields=after)


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
    if can_moderate(user, link.meeting):
        return

    def with_them(fields: MeetingFields) -> MeetingFields:
        return replace(fields, additional_owners=[*fields.additional_owners, user])

    if _is_changed(link.meeting, with_them):
        link.admitted.add(user)


def dismiss_teacher(course: Course, user: User) -> None:
    """Have somebody who no longer teaches in a course no longer present its webinars, unless they do for another reason."""

    def without_them(fields: MeetingFields) -> MeetingFields:
        return replace(fields, additional_owners=[one for one in fields.additional_owners if one != user])

    for link in Link.objects.filter(course=course, admitted=user).select_related("meeting"):
        if _is_changed(link.meeting, without_them):
            link.admitted.remove(user)


def _is_changed(meeting: Meeting, change: Callable[[MeetingFields], MeetingFields]) -> bool:
    try:
        _change(meeting, change, user=meeting.owner)
    except MeetingError:
        return False
    return True
