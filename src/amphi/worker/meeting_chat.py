"""Sends listeners' messages into the meeting's chat."""

import logging

from django.utils.translation import gettext as _

from amphi import sipmediagw
from amphi.audience.models import Message, Role
from amphi.audience.queries import shown_name
from amphi.bigbluebutton import BigBlueButtonError, CallNotSupportedError, MeetingNotFoundError, chat
from amphi.meetings.models import Meeting
from amphi.meetings.server import meeting_server
from amphi.webinars.models import Livestream
from amphi.worker import gateways

log = logging.getLogger("webinar")


class NotDeliveredError(Exception):
    """The message did not reach the meeting.

    Args:
        detail: why, for the log.
        permanent: another attempt would fail too.
        code: why, for moderators; `amphi.pages.webinars.wording` has a sentence for each code.
    """

    def __init__(self, detail: str, *, permanent: bool, code: str = "chat_failed") -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.code = code


def announce(meeting: Meeting, text: str) -> None:
    """Write `text` into the meeting's chat, where BBB has a call for that. Errors are only logged."""
    try:
        server = meeting_server()
        if server.capabilities().send_chat_message:
            server.send_chat_message(meeting.bbb_id, chat.as_markdown(text), user_name="Amphi")
    except BigBlueButtonError as error:
        log.warning("announce for meeting %s “%s”: %s", meeting.pk, meeting.name, error)


def send_to_meeting(livestream: Livestream, message: Message) -> bool:
    """Send the next piece of a message into the meeting, under its author's name.

    BBB 3.0 has a call for this, which accepts short texts, so a long message goes in pieces. With older versions the streaming user
    types the message, with the author's name in the text. Pieces that were sent before (`message.pieces_sent`) are not repeated.

    Returns:
        Whether the whole message is there now.

    Raises:
        NotDeliveredError: both ways failed.
    """
    rest = chat.split_message(message.text, units=chat.markdown_units)[message.pieces_sent :]
    if not rest:
        return True
    try:
        server = meeting_server()
        if server.capabilities().send_chat_message:
            said = chat.as_markdown(rest[0])
            server.send_chat_message(livestream.meeting.bbb_id, said, user_name=_said_by(message))
            return len(rest) == 1
    except MeetingNotFoundError as error:
        raise NotDeliveredError(str(error), permanent=True, code="chat_no_meeting") from error
    except CallNotSupportedError:
        log.info("the meeting server has no sendChatMessage: the gateway types")
    except BigBlueButtonError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent, code="chat_meeting_server") from error
    _have_it_typed(livestream, " ".join(rest), _said_by(message))
    return True


def _said_by(message: Message) -> str:
    """The name that the meeting shows: listeners may see the meeting's chat in the picture, so that hidden names stay hidden there."""
    if message.role == Role.GUEST:
        name = shown_name(message) or _("Guest")
        return _("%(name)s (guest)") % {"name": name} if shown_name(message) else name
    return shown_name(message) or _("Listener")


def _have_it_typed(livestream: Livestream, text: str, author: str) -> None:
    try:
        gateways.gateway_for(livestream.gateway).send_chat(gateways.job_ref(livestream), text, author)
    except sipmediagw.GatewayError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent, code=error.code) from error
