"""What listeners write, sent into the meeting's chat."""

import logging

from amphi import sipmediagw
from amphi.audience.models import Message
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
        permanent: trying again makes no sense.
        code: one of `wording.DELIVERY_ERRORS` or `wording.ERRORS`, for moderators.
    """

    def __init__(self, detail: str, *, permanent: bool, code: str = "chat_failed") -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.code = code


def announce(meeting: Meeting, text: str) -> None:
    """Tell the presenters something in their chat, where the meeting server has a call for it; what fails is logged."""
    try:
        server = meeting_server()
        if server.capabilities().send_chat_message:
            server.send_chat_message(meeting.bbb_id, chat.as_markdown(text), user_name="Amphi")
    except BigBlueButtonError as error:
        log.warning("announce for meeting %s “%s”: %s", meeting.pk, meeting.name, error)


def send_to_meeting(livestream: Livestream, message: Message) -> bool:
    """Send the next piece of one message into the meeting, under its author's name.

    BBB 3.0 has a call for it, which takes a long message in pieces; before, the streaming user types it, with the author's name in
    the text. What is there already, `message.pieces_sent`, is not said again.

    Returns:
        Whether all of the message is there now.

    Raises:
        NotDeliveredError: neither way took it.
    """
    rest = chat.split_message(message.text, units=chat.markdown_units)[message.pieces_sent :]
    if not rest:
        return True
    try:
        server = meeting_server()
        if server.capabilities().send_chat_message:
            said = chat.as_markdown(rest[0])
            server.send_chat_message(livestream.meeting.bbb_id, said, user_name=message.author_name)
            return len(rest) == 1
    except MeetingNotFoundError as error:
        raise NotDeliveredError(str(error), permanent=True, code="chat_no_meeting") from error
    except CallNotSupportedError:
        log.info("the meeting server has no sendChatMessage: the gateway types")
    except BigBlueButtonError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent, code="chat_meeting_server") from error
    _have_it_typed(livestream, " ".join(rest), message.author_name)
    return True


def _have_it_typed(livestream: Livestream, text: str, author: str) -> None:
    try:
        gateways.gateway_for(livestream.gateway).send_chat(gateways.job_ref(livestream), text, author)
    except sipmediagw.GatewayError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent, code=error.code) from error
