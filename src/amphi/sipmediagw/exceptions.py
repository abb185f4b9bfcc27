"""What may go wrong between us and a gateway.

GatewayError
├── GatewayMisconfiguredError   no call can be made with that address, token or CA file
├── GatewayUnreachableError
├── GatewayTimeoutError
├── UntrustedGatewayError
├── GatewayUnauthorizedError
├── GatewayFullError
├── GatewayFailedError          it answered that it failed itself
├── GatewayRefusedError         it understood and refuses
│   └── UnsafeRoomNameError     refused here, before anything is sent
├── UnknownRoomError
├── NotInMeetingError
├── ChatRefusedError            the meeting's chat, not the gateway, took no message
├── NotAGatewayError
└── UnsupportedError
"""

from typing import ClassVar


class GatewayError(Exception):
    """The tree's root. The message is the detail for the log, and holds no secret.

    Attributes:
        permanent: the same call would fail again until a person changes something.
        code: stable, for looking a translation up.
        sentence: for the presenter, in plain English.
    """

    permanent: ClassVar[bool] = False
    code: ClassVar[str] = "gateway_error"
    sentence: ClassVar[str] = "The streaming gateway has a problem."


class GatewayMisconfiguredError(GatewayError):
    """The gateway's address, token or CA file can't be what it says."""

    permanent = True
    code = "gateway_misconfigured"
    sentence = "The streaming gateway’s address, token or certificate file is wrong. Tell an administrator."


class GatewayUnreachableError(GatewayError):
    """No connection, or it broke."""

    code = "gateway_unreachable"
    sentence = "The streaming gateway does not answer."


class GatewayTimeoutError(GatewayError):
    """The whole answer did not come in time; what was asked may have happened."""

    code = "gateway_timeout"
    sentence = "The streaming gateway takes too long to answer."


class UntrustedGatewayError(GatewayError):
    """The certificate of the gateway could not be verified."""

    permanent = True
    code = "gateway_untrusted"
    sentence = "The streaming gateway’s certificate is not trusted. Tell an administrator."


class GatewayUnauthorizedError(GatewayError):
    """The token is not the gateway's."""

    permanent = True
    code = "gateway_unauthorized"
    sentence = "Authentication with the streaming gateway failed. Tell an administrator."


class GatewayFullError(GatewayError):
    """Every place is taken.

    Attributes:
        retry_after_s: when the gateway says that asking again makes sense; none when it does not say.
    """

    code = "gateway_full"
    sentence = "The streaming gateway is busy with other webinars."

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class GatewayFailedError(GatewayError):
    """The gateway failed by itself: HTTP 5xx."""

    code = "gateway_failed"
    sentence = "The streaming gateway failed. It is tried again."


class GatewayRefusedError(GatewayError):
    """The gateway understood what was asked and refuses."""

    permanent = True
    code = "gateway_refused"
    sentence = "The streaming gateway refused the webinar. Tell an administrator."


class UnsafeRoomNameError(GatewayRefusedError):
    """A room name with other characters than ``a-z 0-9 _ -``: the gateway makes a container's name of it."""

    code = "gateway_room_name"
    sentence = "This webinar’s room name does not suit the streaming gateway. Tell an administrator."


class UnknownRoomError(GatewayError):
    """The gateway streams no such webinar."""

    permanent = True
    code = "gateway_unknown_room"
    sentence = "The streaming gateway no longer knows this webinar."


class NotInMeetingError(GatewayError):
    """The bot is not in the meeting, or not yet."""

    code = "gateway_not_in_meeting"
    sentence = "The streaming gateway is not in the meeting at the moment."


class ChatRefusedError(GatewayError):
    """The bot is in the meeting, and the meeting's chat did not take the message: it may be locked."""

    code = "gateway_chat_refused"
    sentence = "The meeting’s chat does not take messages at the moment. It may be locked."


class NotAGatewayError(GatewayError):
    """What answered is no gateway: a page, a redirect, or nonsense."""

    permanent = True
    code = "gateway_not_a_gateway"
    sentence = "The address of the streaming gateway is that of something else. Tell an administrator."


class UnsupportedError(GatewayError):
    """This kind of gateway can't do that."""

    permanent = True
    code = "gateway_unsupported"
    sentence = "This streaming gateway can’t do that."
