"""Deleting a meeting: what runs is ended, who was invited is told."""

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import BigBlueButtonError
from amphi.meetings.exceptions import MeetingServerError
from amphi.meetings.models import Meeting
from amphi.meetings.server import end_meeting
from amphi.webinars import domain as webinars
from amphi.webinars import invitations, saving
from amphi.webinars.models import Removal


def delete(meeting: Meeting, *, user: User, tells_invited: bool) -> bool:
    """End what runs of `meeting`, and delete it.

    Args:
        meeting: the meeting.
        user: who asked.
        tells_invited: whether those who were invited get a mail that takes it out of their calendars.

    Returns:
        Whether it is gone. A webinar that runs goes once the worker has ended it.

    Raises:
        MeetingServerError: a plain meeting runs, and BBB did not end it; nothing is deleted.
    """
    livestream = webinars.livestream_of(meeting)
    if meeting.is_open and livestream is None:
        _end(meeting)
    is_asked_again = livestream is not None and livestream.removal == Removal.DELETE
    with transaction.atomic():
        if tells_invited and not is_asked_again:
            invitations.cancel(meeting, user=user)
        return saving.delete_meeting(meeting, user=user)


def _end(meeting: Meeting) -> None:
    try:
        end_meeting(meeting)
    except BigBlueButtonError as error:
        raise MeetingServerError(
            _(
                "The meeting runs, and the meeting server does not answer: it can’t be ended. Try again in a moment."
            )
        ) from error
