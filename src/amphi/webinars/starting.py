"""Starting a meeting in BigBlueButton, with its live if it is a webinar."""

import contextlib

from django.conf import settings
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import BigBlueButtonError
from amphi.meetings import join
from amphi.meetings.models import Meeting
from amphi.meetings.server import end_meeting
from amphi.webinars import domain
from amphi.webinars.exceptions import MeetingDeletedError


def start_meeting(meeting: Meeting, *, user: User) -> str:
    """Start the meeting in BBB and, for a webinar, request the live.

    Starting a running meeting again has no effect: BBB's ``create`` and the request of the live are both idempotent. Where webinar
    mode is switched off, a webinar starts like a plain meeting.

    Returns:
        The address to send the moderator's browser to.

    Raises:
        MeetingServerError: BBB did not create the meeting; nothing was started.
        MeetingDeletedError: the meeting was deleted meanwhile.
        TransitionRefusedError: the live is stopping.
    """
    livestream = domain.livestream_of(meeting) if settings.USE_MEETING_WEBINAR else None
    join.create(meeting, live_runs=livestream is not None and livestream.is_running)
    if not Meeting.objects.filter(pk=meeting.pk).exists():
        _end_again(meeting)
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    if livestream is not None:
        domain.go_live(livestream, user=user)
    else:
        join.listen(meeting)
    return join.moderator_url(meeting, user=user)


def _end_again(meeting: Meeting) -> None:
    """End a meeting in BBB whose row was deleted meanwhile. If BBB does not answer, it ends the empty meeting later by itself."""
    with contextlib.suppress(BigBlueButtonError):
        end_meeting(meeting)
