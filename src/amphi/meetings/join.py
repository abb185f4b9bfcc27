"""Making a meeting in BigBlueButton, and entering it."""

import logging
import secrets
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.bigbluebutton import (
    BigBlueButtonError,
    CreatedMeeting,
    InvalidArgumentError,
    MeetingNotFoundError,
    Presentation,
    ServerFailedError,
    WebhooksUnavailableError,
)
from amphi.meetings import presence, slides
from amphi.meetings.exceptions import MeetingServerError
from amphi.meetings.models import GuestPolicy, Meeting
from amphi.meetings.server import callback_url, meeting_server

log = logging.getLogger("webinar")


def _parameters(meeting: Meeting) -> dict[str, str]:
    parameters = {
        "attendeePW": meeting.attendee_password,
        "moderatorPW": meeting.moderator_password,
        "meta_endCallbackUrl": callback_url(meeting, "ended"),
        "logoutURL": settings.BBB_LOGOUT_URL
        or settings.AMPHI_URL + reverse("meetings:left", args=[meeting.slug]),
        # BBB ends an empty meeting by itself, but the streaming user counts as a user.
        "endWhenNoModerator": "true",
        "endWhenNoModeratorDelayInMinutes": "5",
    }
    return parameters | _rules(meeting)


def _rules(meeting: Meeting) -> dict[str, str]:
    """What participants may do, as parameters of BBB's ``create``."""
    locks = {
        "lockSettingsDisableCam": meeting.lock_cam,
        "lockSettingsDisableMic": meeting.lock_mic,
        "lockSettingsDisablePublicChat": meeting.lock_public_chat,
        "lockSettingsDisablePrivateChat": meeting.lock_private_chat,
        "lockSettingsDisableNotes": meeting.lock_notes,
        "lockSettingsHideUserList": meeting.hide_user_list,
    }
    rules = {name: "true" for name, locked in locks.items() if locked}
    # In a webinar nobody may be there to admit the streaming user.
    rules["guestPolicy"] = GuestPolicy.ALWAYS_ACCEPT if meeting.is_webinar else meeting.guest_policy
    if meeting.is_recorded and not settings.MEETING_DISABLE_RECORD:
        rules["record"] = "true"
        rules["meta_bbb-recording-ready-url"] = callback_url(meeting, "recording")
    return rules


def _presentations(meeting: Meeting) -> list[Presentation]:
    if meeting.slides:
        return [Presentation(name=meeting.slides_name, url=slides.signed_url(meeting), current=True)]
    url = slides.default_url()
    name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "slides.pdf"
    return [Presentation(name=name, url=url, current=True)] if url else []


def create(meeting: Meeting, *, live_runs: bool = False) -> None:
    """Make the meeting in BBB; has no effect on a running one.

    Args:
        meeting: the meeting.
        live_runs: its live is on air, which proves that the meeting goes on.

    Raises:
        MeetingServerError: BBB did not make it.
    """
    try:
        try:
            created = _ask_to_create(meeting)
        except ServerFailedError:
            if not _free(meeting, live_runs=live_runs):
                raise
            created = _ask_to_create(meeting)
    except InvalidArgumentError as error:
        log.warning("create for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise MeetingServerError(
            _("The meeting server takes names of 2 to 256 characters. Change this one, then start again.")
        ) from error
    except BigBlueButtonError as error:
        log.warning("create for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise MeetingServerError(
            _(
                "The meeting server did not answer as expected. Try again in a moment; if it lasts, tell your administrator."
            )
        ) from error
    log.info("create for meeting %s “%s”: ok", meeting.pk, meeting.name)
    presence.note_start(meeting, session_id=created.internal_id)


def _ask_to_create(meeting: Meeting) -> CreatedMeeting:
    return meeting_server().create(
        meeting.bbb_id,
        meeting.name,
        parameters=_parameters(meeting),
        presentations=_presentations(meeting),
    )


def _free(meeting: Meeting, *, live_runs: bool) -> bool:
    """Free the id of a meeting whose server is gone. False, and nothing done, when the meeting may still go on.

    Scalelite binds a meeting to the server that first made it, and refuses to make it again while that server does not answer.
    Only ``end`` releases it, whatever the server answers (app/controllers/bigbluebutton_api_controller.rb).
    """
    if live_runs or (meeting.is_open and _may_go_on(meeting)):
        return False
    try:
        meeting_server().end(meeting.bbb_id)
    except (MeetingNotFoundError, ServerFailedError) as error:
        log.info("end for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
    log.warning("meeting %s “%s” could not be made: its id was freed", meeting.pk, meeting.name)
    return True


def _may_go_on(meeting: Meeting) -> bool:
    try:
        return not meeting_server().meeting_info(meeting.bbb_id).over
    except (MeetingNotFoundError, ServerFailedError):
        return False


def listen(meeting: Meeting) -> None:
    """Register a webhook, so that BBB reports who comes and goes. For webinars the supervisor does so, and renews it."""
    try:
        meeting_server().create_hook(callback_url(meeting, "events"), meeting_id=meeting.bbb_id)
    except WebhooksUnavailableError:
        log.info("create_hook for meeting %s “%s”: this server has none", meeting.pk, meeting.name)
    except BigBlueButtonError as error:
        log.warning("create_hook for meeting %s “%s”: %s", meeting.pk, meeting.name, error)


def moderator_url(meeting: Meeting, *, user: User) -> str:
    """The signed address by which `user` enters the running meeting as a moderator."""
    return meeting_server().join_url(meeting.bbb_id, str(user), role="MODERATOR", user_id=f"amphi-{user.pk}")


def participant_url(meeting: Meeting, *, name: str, user: User | None) -> str | None:
    """The signed address by which somebody enters the running meeting as a viewer.

    Args:
        meeting: the meeting.
        name: the name that the others see.
        user: None for somebody without an account, to whom the guest policy applies.

    Returns:
        The address, or None when the meeting does not run.

    Raises:
        MeetingServerError: BBB did not say whether it runs.
    """
    if not meeting.is_open or not _runs(meeting):
        return None
    user_id = f"amphi-{user.pk}" if user else f"guest-{secrets.token_hex(8)}"
    return meeting_server().join_url(
        meeting.bbb_id,
        name,
        role="VIEWER",
        user_id=user_id,
        parameters={} if user else {"guest": "true"},
    )


def stage_url(meeting: Meeting, *, name: str, user_id: str, is_guest: bool, back_url: str) -> str | None:
    """The signed address by which a listener comes into the running meeting as a viewer with a microphone.

    Args:
        meeting: the meeting.
        name: as the others see it.
        user_id: ours for the person in it.
        is_guest: whether they have no account.
        back_url: where they are sent when they leave; BBB before 3.0 sends them to the meeting's own page of goodbye.

    Returns:
        The address, or None when the meeting does not run.

    Raises:
        MeetingServerError: BBB did not say whether it runs.
    """
    if not meeting.is_open or not _runs(meeting):
        return None
    parameters = {
        "logoutURL": back_url,
        # They come to speak: straight to the microphone, without a choice that would make them listeners again.
        "userdata-bbb_auto_join_audio": "true",
        "userdata-bbb_listen_only_mode": "false",
    }
    if is_guest:
        parameters["guest"] = "true"
    return meeting_server().join_url(
        meeting.bbb_id, name, role="VIEWER", user_id=user_id, parameters=parameters
    )


def _runs(meeting: Meeting) -> bool:
    """Ask BBB whether the meeting runs. Notes the end of a plain meeting; a webinar's end is noted by its supervisor."""
    try:
        runs = is_there(meeting)
    except BigBlueButtonError as error:
        log.warning("getMeetingInfo for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise MeetingServerError(_("The meeting server does not answer at the moment.")) from error
    return runs


def is_there(meeting: Meeting) -> bool:
    """Whether BBB knows the meeting as running. Notes the end of a plain meeting once it is certain, see `presence`.

    Raises:
        BigBlueButtonError: BBB did not say.
    """
    try:
        over = gone = meeting_server().meeting_info(meeting.bbb_id).over
        presence.note_there(meeting)
    except MeetingNotFoundError:
        now = timezone.now()
        gone = True
        over = presence.gone_for(meeting, now=now) >= presence.GONE_AFTER
        over = over or presence.end_was_told(meeting, now=now)
    if over and not meeting.is_webinar:
        presence.note_end(meeting)
    return not gone
