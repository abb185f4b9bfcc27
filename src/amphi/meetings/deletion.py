"""Deleting a meeting: what runs is ended, who was invited is told."""

import logging

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import BigBlueButtonError, MeetingNotFoundError
from amphi.meetings import domain, invitations
from amphi.meetings.models import Meeting
from amphi.meetings.server import meeting_server
from amphi.webinars import domain as webinars
from amphi.webinars.exceptions import MeetingServerError

log = logging.getLogger("webinar")


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
    if meeting.is_open and webinars.livestream_of(meeting) is None:
        _end(meeting)
    with transaction.atomic():
        if tells_invited:
            invitations.cancel(meeting, user=user)
        return domain.delete_meeting(meeting, user=user)


def _end(meeting: Meeting) -> None:
    try:
        meeting_server().end(meeting.bbb_id)
    except MeetingNotFoundError:
        return
    except BigBlueButtonError as error:
        log.warning("end for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise MeetingServerError(
            _(
                "The meeting runs, and the meeting server does not answer: it can’t be ended. Try again in a moment."
            )
        ) from error
    log.info("end for meeting %s “%s”: ok", meeting.pk, meeting.name)
