"""Saving and removing meetings and webinars: the row, its booking and its event are one act."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings import slides
from amphi.meetings.domain import MeetingFields, write
from amphi.meetings.models import Meeting
from amphi.webinars import domain, planning
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import Removal
from amphi.webinars.planning import NoGatewayFree


@dataclass(frozen=True)
class SavedMeeting:
    """A meeting as saved, and why it could not be the webinar that was asked for, if so."""

    meeting: Meeting
    conflict: NoGatewayFree | None


@transaction.atomic
def create_meeting(*, user: User, fields: MeetingFields) -> SavedMeeting:
    """Make a meeting of `user`'s, book its gateway and make its event if it is a webinar.

    A webinar for which no gateway is free is kept as a plain meeting, and the answer says why.
    """
    meeting = Meeting(owner=user)
    gateways = planning.lock_gateways(meeting.site)
    write(meeting, fields, user=user)
    return SavedMeeting(meeting, domain.plan(planning.Locked(gateways, meeting, None), user=user))


@transaction.atomic
def update_meeting(meeting: Meeting, *, user: User, fields: MeetingFields) -> SavedMeeting:
    """Change a meeting. A webinar that moved is planned again; a live that runs is never disturbed.

    Raises:
        MeetingDeletedError: it was deleted meanwhile, or is being deleted.
        GatewayTakenError: its live runs, and its new hours can't be had.
    """
    held = planning.lock(meeting)
    if held is None or (held.livestream is not None and held.livestream.removal == Removal.DELETE):
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    write(held.meeting, fields, user=user)
    return SavedMeeting(held.meeting, domain.plan(held, user=user))


def remove(held: planning.Locked, *, user: User) -> bool:
    """Remove a meeting, and its event with it, in the caller's transaction.

    Returns:
        Whether it is gone. A webinar that runs is ended first, meeting and live, and goes once that is done.
    """
    if not domain.unplan(held, Removal.DELETE, user=user):
        return False
    slides.forget(held.meeting)
    held.meeting.delete()
    return True
