"""States and errors of a live in plain words, for presenters."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State, Transition

SENTENCES: dict[str, Promise] = {
    State.IDLE: _("Nothing is broadcast yet. Listeners see the scheduled time."),
    State.STARTING: _("The live is starting: it takes a few seconds. You can already speak in the meeting."),
    State.LIVE: _("You are on air: listeners see and hear the meeting."),
    State.RECOVERING: _(
        "The picture is interrupted. It will come back automatically; listeners are asked to wait."
    ),
    State.STOPPING: _("The live is stopping. This takes a few seconds."),
    State.STOPPED: _("The live is over. Listeners see that it has ended."),
    State.FAILED: _("The live could not be broadcast. The meeting itself is not affected."),
}
"""What each state means for the presenter."""
BACKSTAGE: dict[str, Promise] = {
    State.STARTING: _("You are going backstage. Listeners see the waiting page."),
    State.LIVE: _("You are backstage: everything is ready, and listeners still see the waiting page."),
    State.RECOVERING: _(
        "You are backstage. The picture is interrupted and will come back; listeners see the waiting page."
    ),
    State.STOPPED: _("You left the backstage. Listeners still see the waiting page."),
}
"""The same while nobody sees it."""

_PICTURE_LOST = _("The picture no longer reaches the listeners. Reconnecting.")
ERRORS: dict[str, Promise] = {
    "gateway_error": _("The streaming gateway has a problem."),
    "gateway_unreachable": _("The streaming gateway does not answer. Retrying."),
    "gateway_timeout": _("The streaming gateway takes too long to answer. Retrying."),
    "gateway_misconfigured": _(
        "The streaming gateway’s address, token or certificate file is wrong. Tell an administrator."
    ),
    "gateway_untrusted": _("The streaming gateway’s certificate is not trusted. Tell an administrator."),
    "gateway_unauthorized": _("Authentication with the streaming gateway failed. Tell an administrator."),
    "gateway_full": _("The streaming gateway is busy with other webinars. Retrying."),
    "gateway_failed": _("The streaming gateway failed. Retrying."),
    "gateway_refused": _("The streaming gateway refused the webinar. Tell an administrator."),
    "gateway_room_name": _(
        "This webinar’s room name does not suit the streaming gateway. Tell an administrator."
    ),
    "gateway_unknown_room": _("The streaming gateway no longer knows this webinar. Restart the live."),
    "gateway_chat_refused": _("The meeting’s chat does not take messages at the moment. It may be locked."),
    "gateway_not_in_meeting": _("The streaming gateway is not in the meeting at the moment."),
    "gateway_not_a_gateway": _("The address of the streaming gateway is wrong. Tell an administrator."),
    "gateway_unsupported": _("This streaming gateway can’t do what was asked."),
    "unknown_job": _("The streaming gateway was restarted. The live is started on it again."),
    "no_such_job": _("The streaming gateway was restarted. The live is started on it again."),
    "meeting_ended": _("The meeting was ended."),
    "stopped": _("The streaming gateway stopped, as asked."),
    "join_refused": _("The meeting did not let the streaming gateway in."),
    "removed": _("A moderator removed the streaming user from the meeting. Rejoining."),
    "meeting_not_found": _("The meeting server does not know this meeting. Retrying."),
    "meeting_full": _("The meeting is full: the streaming user can’t join. Retrying."),
    "session_expired": _("The streaming user’s session expired. Rejoining."),
    "client_error": _("The meeting’s page showed the streaming user an error. Rejoining."),
    "waiting_for_approval": _(
        "The streaming user is in the waiting room: let it in from the list of participants."
    ),
    "no_sound": _("The streaming gateway is in the meeting, but receives no sound."),
    "no_sound_sent": _("Listeners see the meeting without sound: the streaming gateway sends none."),
    "frozen": _(
        "Listeners see a still picture, though something moves in the meeting. If it lasts, restart the live."
    ),
    "black": _("Listeners see a black picture. If the meeting shows something else, restart the live."),
    "silent": _(
        "Listeners hear nothing, though somebody speaks in the meeting. If it lasts, restart the live."
    ),
    "covered": _("A dialog lies over the picture that listeners see. If it lasts, restart the live."),
    "disconnected": _("The streaming gateway lost the meeting server. Reconnecting."),
    "join_timeout": _("The streaming gateway could not join the meeting in time. Retrying."),
    "page_crashed": _("The streaming gateway lost the meeting’s page. Rejoining."),
    "rtmp_refused": _("The live server refused the picture. Tell an administrator."),
    "rtmp_lost": _PICTURE_LOST,
    "capture_failed": _("The streaming gateway could not film the meeting. Retrying."),
    "no_media": _(
        "No picture reached the live server in time. Restart the live; if the problem persists, tell an administrator."
    ),
    "max_duration": _("The longest duration allowed was reached."),
    "end": _("The webinar was ended."),
}
"""A sentence for each code of `Livestream.last_error` and `Transition.reason`."""

TOLD_WHILE_LIVE = frozenset(
    {"no_sound", "no_sound_sent", "frozen", "black", "silent", "covered", "disconnected", "page_crashed"}
)
"""Errors shown to presenters even while pictures arrive: the audience does not see or hear what it should."""

DELIVERY_ERRORS: dict[str, Promise] = {
    "chat_failed": _("The meeting refused them."),
    "chat_no_meeting": _("The meeting server no longer knows the meeting."),
    "chat_meeting_server": _("The meeting server does not accept messages at the moment."),
    "chat_not_running": _("The live was not running."),
    "chat_rate": _("Too many were written at once: they are sent little by little."),
    "chat_not_taken": _("Nothing has been sent for a while. Tell an administrator."),
    "gateway_refused": _("The streaming gateway does not accept messages."),
    "gateway_unsupported": _("The streaming gateway can’t write in the meeting."),
    "gateway_full": _("The streaming gateway does not accept messages at the moment."),
}
"""Sentences for codes of `Message.delivery_error` that are missing in `ERRORS`, or mean something else there."""

RECORDING_FORMATS: dict[str, Promise] = {
    "presentation": _("With the slides"),
    "video": _("Video"),
    "screenshare": _("Shared screen"),
    "podcast": _("Sound"),
    "notes": _("Shared notes"),
}
"""The formats of a recording, by BBB's names."""

TRIGGERS: dict[str, Promise] = {
    transitions.GO_LIVE: _("Live requested"),
    transitions.MEDIA_SEEN: _("On air: picture received"),
    transitions.MEDIA_LOST: _("Picture interrupted"),
    transitions.RESTART: _("Restart requested"),
    transitions.STOP: _("Stop requested"),
    transitions.MEETING_ENDED: _("Meeting ended"),
    transitions.GATEWAY_IDLE: _("Live stopped"),
    transitions.GIVE_UP: _("Live given up"),
    transitions.OPEN: _("Gone live: listeners see the picture"),
}
"""The text of a line of the history, by the transition's trigger."""


def last_error(livestream: Livestream) -> str:
    """The sentence for the current error; empty when there is none to show."""
    error, state = livestream.last_error, livestream.state
    if (
        not error
        or state in {State.IDLE, State.STOPPED}
        or (state == State.LIVE and error not in TOLD_WHILE_LIVE)
    ):
        return ""
    return str(ERRORS.get(livestream.last_error, ERRORS["gateway_error"]))


def is_backstage(livestream: Livestream) -> bool:
    """Whether presenters prepare unseen now."""
    return livestream.is_backstage and livestream.state in {State.STARTING, State.LIVE, State.RECOVERING}


def label(livestream: Livestream) -> str:
    """The name of a live's state, for its presenters."""
    if is_backstage(livestream):
        return str(_("backstage"))
    return str(livestream.get_state_display())


def sentence(livestream: Livestream) -> str:
    """What its state means."""
    said = BACKSTAGE.get(livestream.state) if livestream.is_backstage else None
    return str(said or SENTENCES[livestream.state])


def transition(row: Transition) -> str:
    """One line of the history, without its time."""
    if row.trigger == transitions.STOP and row.reason == "end":
        return str(_("End of the webinar requested"))
    return str(TRIGGERS.get(row.trigger, row.trigger))


def reason(row: Transition) -> str:
    """Why it happened, if that says more than the line itself; else empty."""
    if row.trigger in {transitions.GIVE_UP, transitions.MEDIA_LOST} or row.reason == "max_duration":
        return str(ERRORS.get(row.reason, ""))
    return ""


def delivery_error(code: str) -> str:
    """Why listeners' messages do not reach the meeting; empty when there is no error."""
    if not code:
        return ""
    return str(DELIVERY_ERRORS.get(code) or ERRORS.get(code) or DELIVERY_ERRORS["chat_failed"])


POD_REASONS: dict[str, Promise] = {
    "unreachable": _("Esup-Pod does not answer. Retrying."),
    "failed": _("Esup-Pod has a problem of its own. Retrying."),
    "unauthorized": _("Esup-Pod refuses this platform’s token. Tell an administrator."),
    "rejected": _("Esup-Pod refused the video. Tell an administrator: the type or the site may be wrong."),
    "too_large": _("The video is too large for Esup-Pod. Tell an administrator, or cut the replay."),
    "unknown_owner": _(
        "The owner of the webinar has no account in Esup-Pod. Once they have logged in there, send it again."
    ),
    "not_pod": _("The address of Esup-Pod is wrong. Tell an administrator."),
    "no_file": _("The file of the replay could not be made. Try again, or tell the administrators."),
}
"""Why a replay was not sent to Esup-Pod."""


def pod_reason(code: str) -> Promise | str:
    """The words for why a replay was not sent to Esup-Pod; empty for none."""
    return POD_REASONS.get(code, code)
