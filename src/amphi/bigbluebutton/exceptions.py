"""What may go wrong between us and a BigBlueButton server.

    BigBlueButtonError
    ├── MisconfiguredServerError     no call can be made with that address or CA file
    ├── InvalidArgumentError         BigBlueButton would refuse what is asked; nothing was sent
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
    │   └── ServerFailedError        it may pass
    ├── CallNotSupportedError        this server has no such call
    │   └── WebhooksUnavailableError
    └── WebhookError                 a delivery to us
        ├── InvalidSignatureError
        ├── StaleDeliveryError
        └── MalformedDeliveryError

Each has `permanent`: whether the same call would fail again until a person changes something. Messages are for the log and hold
no secret.
"""


class BigBlueButtonError(Exception):
    """The tree's root.

    Attributes:
        permanent: trying the same again makes no sense.
    """

    permanent: bool = False


class MisconfiguredServerError(BigBlueButtonError):
    """The server's address or CA file can't be what it says."""

    permanent = True


class InvalidArgumentError(BigBlueButtonError):
    """BigBlueButton takes no such value; it was not asked."""

    permanent = True


class NoAnswerError(BigBlueButtonError):
    """The server gave no answer."""


class UnreachableError(NoAnswerError):
    """No connection, or it broke."""


class ServerTimeoutError(NoAnswerError):
    """The whole answer did not come in time."""


class UntrustedServerError(NoAnswerError):
    """The certificate of the server could not be verified."""

    permanent = True


class UnexpectedAnswerError(BigBlueButtonError):
    """What answered does not speak as BigBlueButton does."""


class HttpStatusError(UnexpectedAnswerError):
    """An HTTP error: of the server's side it may pass, of ours it will not.

    Args:
        call: the API call's name.
        status: HTTP's status code.
    """

    def __init__(self, call: str, status: int) -> None:
        super().__init__(f"{call}: HTTP status {status}")
        self.status = status
        self.permanent = status < 500 and status not in {408, 425, 429}  # noqa: PLR2004 -- the server's side begins at 500


class RedirectedError(UnexpectedAnswerError):
    """A redirect where an answer belongs: the address is wrong, and following it would give the signed query away."""

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
    """An answer larger than any that makes sense."""

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
    """The shared secret or the checksum's algorithm is not the server's."""


class MeetingNotFoundError(RefusedError):
    """The server knows no such meeting: never created, or over."""


class MeetingExistsError(RefusedError):
    """A meeting of this id exists with other passwords or another voice bridge."""


class HookNotFoundError(RefusedError):
    """The server knows no such hook."""


class ServerFailedError(RefusedError):
    """The server failed by itself, as a load balancer says of one of its pool: the same call may succeed later."""

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
