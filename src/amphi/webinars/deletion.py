"""Deleting a meeting: end what runs, and tell the people who were invited."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import BigBlueButtonError
from amphi.meetings.exceptions import MeetingServerError
from amphi.meetings.models import Meeting
from amphi.meetings.server import end_meeting
from amphi.webinars import domain as webinars
from amphi.webinars import invitations, planning, saving
from amphi.webinars.models import Removal


def delete(meeting: Meeting, *, user: User, tells_invited: bool) -> bool:
    """End `meeting` if it runs, and delete it. A second request has no further effect.

    Args:
        meeting: the meeting.
        user: who deletes it.
        tells_invited: send an email to the people who were invited, which removes it from their calendars.

    Returns:
        True when it is deleted; False when a webinar still runs, which the worker deletes once it has ended it.

    Raises:
        MeetingServerError: a plain meeting runs and BBB did not end it; nothing is deleted.
    """
    ended = _end_plain(meeting)
    with transaction.atomic():
        held = planning.lock(meeting)
        if held is None:
            return True
        if held.livestream is None and held.meeting.is_open and held.meeting.started_at != ended:
            raise MeetingServerError(_("The meeting was started just now. Delete it again to end it too."))
        is_asked_again = held.livestream is not None and held.livestream.removal == Removal.DELETE
        if tells_invited and not is_asked_again:
            invitations.cancel(held.meeting, user=user)
        return saving.remove(held, user=user)


def _end_plain(meeting: Meeting) -> datetime | None:
    """End a plain meeting that runs, outside the transaction. Returns when the ended session began, or None."""
    if not meeting.is_open or webinars.livestream_of(meeting) is not None:
        return None
    try:
        end_meeting(meeting)
    except BigBlueButtonError as error:
        raise MeetingServerError(
            _(
                "The meeting is running and the meeting server does not answer: it can’t be ended. Try again in a moment."
            )
        ) from error
    return meeting.started_at
