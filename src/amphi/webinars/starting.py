"""Starting: the meeting in BigBlueButton, and the live if it is a webinar."""

from django.conf import settings

from amphi.accounts.models import User
from amphi.meetings import join
from amphi.meetings.models import Meeting
from amphi.webinars import domain


def start_meeting(meeting: Meeting, *, user: User) -> str:
    """Start the meeting in BBB, ask for the live if it is a webinar, and give the moderator's way in.

    Starting what runs is harmless: BBB's ``create`` is idempotent and so is asking for the live. Where webinar mode is switched off, a
    webinar is a meeting like any other.

    Returns:
        The address to send the moderator's browser to.

    Raises:
        MeetingServerError: BBB did not make the meeting; nothing was started.
        TransitionRefusedError: the live is just stopping.
    """
    livestream = domain.livestream_of(meeting) if settings.USE_MEETING_WEBINAR else None
    join.create(meeting, live_runs=livestream is not None and livestream.is_running)
    if livestream is not None:
        domain.go_live(livestream, user=user)
    else:
        join.listen(meeting)
    return join.moderator_url(meeting, user=user)
