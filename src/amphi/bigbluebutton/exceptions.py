"""Errors of calls to a BigBlueButton server, and of its deliveries.

    BigBlueButtonError
    ├── MisconfiguredServerError     no call can be made with that address or CA file
    ├── InvalidArgumentError         BigBlueButton would refuse the arguments; nothing was sent
    ├── NoAnswerError
    │   ├── UnreachableError
    │   ├── ServerTimeoutError
    │   └── UntrustedServerError
    ├── UnexpectedAnswerError
    │   ├── HttpStatusError
    │   ├── RedirectedError
    │   ├── NotXmlError
    │   ├── MalformedXmlError
    │   ├── ForbiddenXmlError
    │   └── AnswerTooLargeError
    ├── RefusedError                 the server answered FAILED
    │   ├── ChecksumRefusedError
    │   ├── MeetingNotFoundError
    │   ├── MeetingExistsError
    │   ├── HookNotFoundError
    │   └── ServerFailedError        temporary
    ├── CallNotSupportedError        this server has no such call
    │   └── WebhooksUnavailableError
    └── WebhookError                 a delivery to us
        ├── InvalidSignatureError
        ├── StaleDeliveryError
        └── MalformedDeliveryError

Each has `permanent`: whether the same call would fail again until a person changes something. Messages are for the log and contain
no secret.
"""


class BigBlueButtonError(Exception):
    """The base of all errors here.

    Attributes:
        permanent: the same call would fail again.
    """

    permanent: bool = False


class MisconfiguredServerError(BigBlueButtonError):
    """The server's address or CA file is invalid."""

    permanent = True


class InvalidArgumentError(BigBlueButtonError):
    """BigBlueButton does not accept such a value, so nothing was sent."""

    permanent = True


class NoAnswerError(BigBlueButtonError):
    """The server gave no answer."""


class UnreachableError(NoAnswerError):
    """There was no connection, or it broke."""


class ServerTimeoutError(NoAnswerError):
    """The answer was not complete in time."""


class UntrustedServerError(NoAnswerError):
    """The certificate of the server could not be verified: one that has expired is renewed, mostly soon."""


class UnexpectedAnswerError(BigBlueButtonError):
    """The answer does not come from BigBlueButton."""


class HttpStatusError(UnexpectedAnswerError):
    """An HTTP error: server errors may be temporary, client errors are permanent.

    Args:
        call: the API call's name.
        status: HTTP's status code.
    """

    def __init__(self, call: str, status: int) -> None:
        super().__init__(f"{call}: HTTP status {status}")
        self.status = status
        self.permanent = status < 500 and status not in {408, 425, 429}  # noqa: PLR2004 -- the server's side begins at 500


class RedirectedError(UnexpectedAnswerError):
    """A redirect instead of an answer: the address is wrong. Following it would reveal the signed query."""

    permanent = True


class NotXmlError(UnexpectedAnswerError):
    """HTML, JSON or anything else, often from a proxy in front of the server."""

    permanent = True


class MalformedXmlError(UnexpectedAnswerError):
    """XML that is cut off, broken, or not a BigBlueButton response."""


class ForbiddenXmlError(UnexpectedAnswerError):
    """XML with a document type or entities, which could be an attack and is never read."""

    permanent = True


class AnswerTooLargeError(UnexpectedAnswerError):
    """The answer is larger than the limit."""

    permanent = True


class RefusedError(BigBlueButtonError):
    """The server understood the call and answered FAILED.

    Args:
        call: the API call's name.
        key: BigBlueButton's `messageKey`.
        message: its sentence.
    """

    permanent = True

    def __init__(self, call: str, key: str, message: str) -> None:
        super().__init__(f"{call}: {key or 'no key'}: {message}")
        self.call = call
        self.key = key
        self.message = message


class ChecksumRefusedError(RefusedError):
    """The server does not accept the shared secret or the checksum's algorithm."""


class MeetingNotFoundError(RefusedError):
    """The server knows no such meeting: never created, or over."""


class MeetingExistsError(RefusedError):
    """A meeting of this id exists with other passwords or another voice bridge."""


class HookNotFoundError(RefusedError):
    """The server knows no such hook."""


class ServerFailedError(RefusedError):
    """The server failed, or a load balancer's server did: the same call may succeed later."""

    permanent = False


class CallNotSupportedError(BigBlueButtonError):
    """This server has no such call: its version is too old, or that part is not installed."""

    permanent = True


class WebhooksUnavailableError(CallNotSupportedError):
    """bbb-webhooks is not installed on this server."""


class WebhookError(BigBlueButtonError):
    """A delivery to our callback address can't be accepted."""

    permanent = True


class InvalidSignatureError(WebhookError):
    """The delivery was not signed with the shared secret, or was changed on its way."""


class StaleDeliveryError(WebhookError):
    """The delivery is signed, but too old or from the future: it may be replayed."""


class MalformedDeliveryError(WebhookError):
    """The delivery's body is too large or can't be understood."""
