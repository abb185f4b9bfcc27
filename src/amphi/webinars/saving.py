"""Saving and removing meetings and webinars: the row, its booking and its event are one act."""

from dataclasses import dataclass

from django.db import transaction

from amphi.accounts.models import User
from amphi.meetings import slides
from amphi.meetings.domain import MeetingFields, write
from amphi.meetings.models import Meeting
from amphi.webinars import domain
from amphi.webinars.models import Removal
from amphi.webinars.planning import NoGatewayFree


@dataclass(frozen=True)
class SavedMeeting:
    """A meeting as saved, and why it could not be the webinar that was asked for, if so."""

    meeting: Meeting
    conflict: NoGatewayFree | None


def _save(meeting: Meeting, fields: MeetingFields, *, user: User) -> SavedMeeting:
    write(meeting, fields, user=user)
    return SavedMeeting(meeting, domain.plan(meeting, user=user))


@transaction.atomic
def create_meeting(*, user: User, fields: MeetingFields) -> SavedMeeting:
    """Make a meeting of `user`'s, book its gateway and make its event if it is a webinar.

    A webinar for which no gateway is free is kept as a plain meeting, and the answer says why.
    """
    return _save(Meeting(owner=user), fields, user=user)


@transaction.atomic
def update_meeting(meeting: Meeting, *, user: User, fields: MeetingFields) -> SavedMeeting:
    """Change a meeting. A webinar that moved is planned again; a live that runs is never disturbed."""
    return _save(Meeting.objects.select_for_update().get(pk=meeting.pk), fields, user=user)


@transaction.atomic
def delete_meeting(meeting: Meeting, *, user: User) -> bool:
    """Remove a meeting, and its event with it.

    Returns:
        Whether it is gone. A webinar that runs is ended first, meeting and live, and goes once that is done.
    """
    if not domain.unplan(meeting, Removal.DELETE, user=user):
        return False
    slides.forget(meeting)
    meeting.delete()
    return True
