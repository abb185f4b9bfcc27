"""Starting a meeting in BigBlueButton, and entering it."""

import logging

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import BigBlueButtonError
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url, meeting_server
from amphi.webinars import domain as webinars
from amphi.webinars.exceptions import MeetingServerError

log = logging.getLogger("webinar")


def _parameters(meeting: Meeting) -> dict[str, str]:
    parameters = {
        "attendeePW": meeting.attendee_password,
        "moderatorPW": meeting.moderator_password,
        "meta_endCallbackUrl": callback_url(meeting, "ended"),
        "logoutURL": settings.BBB_LOGOUT_URL or settings.AMPHI_URL + meeting.get_absolute_url(),
        # The streaming user counts as a user, so an empty meeting would never end by itself.
        "endWhenNoModerator": "true",
        "endWhenNoModeratorDelayInMinutes": "5",
    }
    if meeting.is_webinar:
        parameters["guestPolicy"] = "ALWAYS_ACCEPT"
    return parameters


def _create(meeting: Meeting) -> None:
    try:
        meeting_server().create(meeting.bbb_id, meeting.name, parameters=_parameters(meeting))
    except BigBlueButtonError as error:
        log.warning("create for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise MeetingServerError(
            _(
                "The meeting server did not answer as expected. Try again in a moment; if it lasts, tell your administrator."
            )
        ) from error
    log.info("create for meeting %s “%s”: ok", meeting.pk, meeting.name)
    Meeting.objects.filter(pk=meeting.pk).update(started_at=timezone.now(), ended_at=None)


def start_meeting(meeting: Meeting, *, user: User) -> str:
    """Start the meeting in BBB, ask for the live if it is a webinar, and give the moderator's way in.

    Starting what runs is harmless: BBB's ``create`` is idempotent and so is asking for the live.

    Returns:
        The address to send the moderator's browser to.

    Raises:
        MeetingServerError: BBB did not make the meeting; nothing was started.
        TransitionRefusedError: the live is just stopping.
    """
    _create(meeting)
    livestream = webinars.livestream_of(meeting)
    if livestream is not None:
        webinars.go_live(livestream, user=user)
    return moderator_url(meeting, user=user)


def moderator_url(meeting: Meeting, *, user: User) -> str:
    """The signed address by which `user` enters the running meeting as a moderator."""
    return meeting_server().join_url(meeting.bbb_id, str(user), role="MODERATOR", user_id=f"amphi-{user.pk}")
