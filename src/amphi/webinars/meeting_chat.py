"""What listeners write, sent into the meeting's chat."""

import logging

from amphi import sipmediagw
from amphi.audience.models import Message
from amphi.bigbluebutton import BigBlueButtonError, CallNotSupportedError, MeetingNotFoundError, chat
from amphi.meetings.models import Meeting
from amphi.meetings.server import meeting_server
from amphi.webinars import gateways
from amphi.webinars.models import Livestream

log = logging.getLogger("webinar")


class NotDeliveredError(Exception):
    """The message did not reach the meeting.

    Args:
        detail: why, for the log.
        permanent: trying again makes no sense.
    """

    def __init__(self, detail: str, *, permanent: bool) -> None:
        super().__init__(detail)
        self.permanent = permanent


def announce(meeting: Meeting, text: str) -> None:
    """Tell the presenters something in their chat, where the meeting server has a call for it; what fails is logged."""
    server = meeting_server()
    try:
        if server.capabilities().send_chat_message:
            server.send_chat_message(meeting.bbb_id, text, user_name="Amphi")
    except BigBlueButtonError as error:
        log.warning("announce for meeting %s “%s”: %s", meeting.pk, meeting.name, error)


def send_to_meeting(livestream: Livestream, message: Message) -> None:
    """Send one message into the meeting, under its author's name.

    BBB 3.0 has a call for it; before, the streaming user types it, with the author's name in the text.

    Raises:
        NotDeliveredError: neither way took it.
    """
    server = meeting_server()
    bbb_id = livestream.meeting.bbb_id
    try:
        if server.capabilities().send_chat_message:
            for piece in chat.split_message(message.text):
                server.send_chat_message(bbb_id, piece, user_name=message.author_name)
            return
    except MeetingNotFoundError as error:
        raise NotDeliveredError(str(error), permanent=True) from error
    except CallNotSupportedError:
        log.info("the meeting server has no sendChatMessage: the gateway types")
    except BigBlueButtonError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent) from error
    _have_it_typed(livestream, message)


def _have_it_typed(livestream: Livestream, message: Message) -> None:
    gateway = gateways.gateway_for(livestream.gateway)
    try:
        gateway.send_chat(gateways.job_ref(livestream), message.text, message.author_name)
    except sipmediagw.GatewayError as error:
        raise NotDeliveredError(str(error), permanent=error.permanent) from error
