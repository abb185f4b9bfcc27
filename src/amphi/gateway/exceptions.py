"""Errors of the gateway.

GatewayError
├── InvalidRequestError   the request makes no sense
├── UnknownJobError       there is no such job
├── JobConflictError      the job id was used for something else
├── GatewayFullError      every place is taken
├── NotInMeetingError     the job's bot is not in its meeting
├── ChatRefusedError      the meeting's chat refused a message
└── SourceError           this job's browser failed
    ├── SourceLostError       it crashed or hangs; another browser may work
    ├── ClientFailingError    the meeting's client shows an error; another attempt may work
    └── CaptureFailedError    it can't capture; another browser would not work either
"""


class GatewayError(Exception):
    """The base of all errors here."""


class InvalidRequestError(GatewayError):
    """The request is invalid; the message is for the caller."""


class UnknownJobError(GatewayError):
    """There is no job with that id."""


class JobConflictError(GatewayError):
    """Another job already has this id."""


class GatewayFullError(GatewayError):
    """The largest number of jobs run already."""


class NotInMeetingError(GatewayError):
    """The bot is not in the meeting now."""


class ChatRefusedError(GatewayError):
    """The meeting's chat refused a message; this error's text says why, in one sentence."""


class SourceError(GatewayError):
    """The browser of one job failed; other jobs go on."""


class SourceLostError(SourceError):
    """The page or the browser crashed, hangs or was closed."""


class ClientFailingError(SourceError):
    """The meeting's client shows an error while joining; another attempt may work.

    Args:
        detail: the error that it shows.
        reason: a code of the API, for when all attempts fail.
    """

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class CaptureFailedError(SourceError):
    """The browser starts but can't capture or encode."""
