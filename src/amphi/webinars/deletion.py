"""Deleting a meeting: what runs is ended, who was invited is told."""

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
    """End what runs of `meeting`, and delete it. Asked twice, it is done once.

    Args:
        meeting: the meeting.
        user: who asked.
        tells_invited: whether those who were invited get a mail that takes it out of their calendars.

    Returns:
        Whether it is gone. A webinar that runs goes once the worker has ended it.

    Raises:
        MeetingServerError: a plain meeting runs, and BBB did not end it; nothing is deleted.
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
    """End a plain meeting that runs, outside the transaction; when the session that was ended had begun."""
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
