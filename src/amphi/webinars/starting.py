"""Starting: the meeting in BigBlueButton, and the live if it is a webinar."""

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
    """Start the meeting in BBB, ask for the live if it is a webinar, and give the moderator's way in.

    Starting what runs is harmless: BBB's ``create`` is idempotent and so is asking for the live. Where webinar mode is switched off, a
    webinar is a meeting like any other.

    Returns:
        The address to send the moderator's browser to.

    Raises:
        MeetingServerError: BBB did not make the meeting; nothing was started.
        MeetingDeletedError: somebody deleted it meanwhile.
        TransitionRefusedError: the live is just stopping.
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
    """End what was made in BBB for a meeting that nobody has any more; unanswered, BBB ends it once nobody is in it."""
    with contextlib.suppress(BigBlueButtonError):
        end_meeting(meeting)
