"""Errors of calls to a gateway.

GatewayError
├── GatewayMisconfiguredError   no call can be made with that address, token or CA file
├── GatewayUnreachableError
├── GatewayTimeoutError
├── UntrustedGatewayError
├── GatewayUnauthorizedError
├── GatewayFullError
├── GatewayFailedError          it answered with an error of its own
├── GatewayRefusedError         it understood the call and refused
│   └── UnsafeRoomNameError     refused here, before anything is sent
├── UnknownRoomError
├── NotInMeetingError
├── ChatRefusedError            the meeting's chat, not the gateway, refused the message
├── NotAGatewayError
└── UnsupportedError
"""

from typing import ClassVar


class GatewayError(Exception):
    """The base of all errors here. The message is for the log and contains no secret.

    Attributes:
        permanent: the same call would fail again until a person changes something.
        code: a stable code, for translations.
        sentence: for the presenter, in plain English.
    """

    permanent: ClassVar[bool] = False
    code: ClassVar[str] = "gateway_error"
    sentence: ClassVar[str] = "The streaming gateway has a problem."


class GatewayMisconfiguredError(GatewayError):
    """The gateway's address, token or CA file is invalid."""

    permanent = True
    code = "gateway_misconfigured"
    sentence = "The streaming gateway’s address, token or certificate file is wrong. Tell an administrator."


class GatewayUnreachableError(GatewayError):
    """There was no connection, or it broke."""

    code = "gateway_unreachable"
    sentence = "The streaming gateway does not answer."


class GatewayTimeoutError(GatewayError):
    """The answer was not complete in time. The gateway may have done what was requested."""

    code = "gateway_timeout"
    sentence = "The streaming gateway takes too long to answer."


class UntrustedGatewayError(GatewayError):
    """The certificate of the gateway could not be verified: one that has expired is renewed, mostly soon."""

    code = "gateway_untrusted"
    sentence = "The streaming gateway’s certificate is not trusted. Tell an administrator."


class GatewayUnauthorizedError(GatewayError):
    """The gateway does not accept the token."""

    permanent = True
    code = "gateway_unauthorized"
    sentence = "Authentication with the streaming gateway failed. Tell an administrator."


class GatewayFullError(GatewayError):
    """Every place is taken.

    Attributes:
        retry_after_s: after how many seconds the gateway suggests another attempt; None when it does not say.
    """

    code = "gateway_full"
    sentence = "The streaming gateway is busy with other webinars."

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class GatewayFailedError(GatewayError):
    """The gateway answered with HTTP 5xx."""

    code = "gateway_failed"
    sentence = "The streaming gateway failed. It is tried again."


class GatewayRefusedError(GatewayError):
    """The gateway understood the call and refused it."""

    permanent = True
    code = "gateway_refused"
    sentence = "The streaming gateway refused the webinar. Tell an administrator."


class UnsafeRoomNameError(GatewayRefusedError):
    """A room name with characters other than ``a-z 0-9 _ -``; the gateway uses it as the name of a container."""

    code = "gateway_room_name"
    sentence = "This webinar’s room name does not suit the streaming gateway. Tell an administrator."


class UnknownRoomError(GatewayError):
    """The gateway does not stream this webinar."""

    permanent = True
    code = "gateway_unknown_room"
    sentence = "The streaming gateway no longer knows this webinar."


class NotInMeetingError(GatewayError):
    """The bot is not in the meeting."""

    code = "gateway_not_in_meeting"
    sentence = "The streaming gateway is not in the meeting at the moment."


class ChatRefusedError(GatewayError):
    """The bot is in the meeting, but the chat refused the message: it may be locked."""

    code = "gateway_chat_refused"
    sentence = "The meeting’s chat does not take messages at the moment. It may be locked."


class NotAGatewayError(GatewayError):
    """The answer does not come from a gateway: it is a page, a redirect or something else."""

    permanent = True
    code = "gateway_not_a_gateway"
    sentence = "The address of the streaming gateway is that of something else. Tell an administrator."


class UnsupportedError(GatewayError):
    """This kind of gateway can't do that."""

    permanent = True
    code = "gateway_unsupported"
    sentence = "This streaming gateway can’t do that."
