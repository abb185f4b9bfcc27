"""Saving and removing meetings and webinars: the meeting, its booking and its event in one transaction."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings import slides
from amphi.meetings.domain import MeetingFields, write
from amphi.meetings.models import Meeting
from amphi.webinars import copying, domain, planning
from amphi.webinars.exceptions import MeetingDeletedError
from amphi.webinars.models import Removal
from amphi.webinars.planning import NoGatewayFree


@dataclass(frozen=True)
class SavedMeeting:
    """A saved meeting, and the reason if it could not become a webinar."""

    meeting: Meeting
    conflict: NoGatewayFree | None


@transaction.atomic
def create_meeting(*, user: User, fields: MeetingFields, source: Meeting | None = None) -> SavedMeeting:
    """Create a meeting owned by `user`; for a webinar, also book a gateway and create its event, set up as that of `source`.

    When no gateway is free, the webinar is saved as a plain meeting, and the result says why. It is set up once it has a gateway.
    """
    meeting = Meeting(owner=user)
    gateways = planning.lock_gateways(meeting.site)
    write(meeting, fields, user=user)
    conflict = domain.plan(planning.Locked(gateways, meeting, None), user=user)
    if source is not None and conflict is None:
        copying.copy_setup(source, meeting)
    elif source is not None:
        copying.remember(source, meeting)
    return SavedMeeting(meeting, conflict)


@transaction.atomic
def update_meeting(meeting: Meeting, *, user: User, fields: MeetingFields) -> SavedMeeting:
    """Change a meeting. A webinar with new hours is planned again; a running live is never disturbed.

    Raises:
        MeetingDeletedError: the meeting was deleted meanwhile, or is being deleted.
        GatewayTakenError: its live runs, and its gateway is not free in the new hours.
        NoGatewayError: it was planned before, and no gateway is free in the new hours.
    """
    held = planning.lock(meeting)
    if held is None or (held.livestream is not None and held.livestream.removal == Removal.DELETE):
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    write(held.meeting, fields, user=user)
    conflict = domain.plan(held, user=user)
    if held.livestream is None and held.meeting.is_webinar:
        copying.make_up_for(held.meeting)
    return SavedMeeting(held.meeting, conflict)


def remove(held: planning.Locked, *, user: User) -> bool:
    """Delete a meeting and its event, in the caller's transaction.

    Returns:
        True when it is deleted; False when a webinar still runs, which the worker ends and then deletes.
    """
    if not domain.unplan(held, Removal.DELETE, user=user):
        return False
    slides.forget(held.meeting)
    held.meeting.delete()
    return True
