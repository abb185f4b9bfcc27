"""What can go wrong in the gateway.

GatewayError
├── InvalidRequestError   the caller asked for something impossible
├── UnknownJobError       no such job here
├── JobConflictError      the job id was used for something else
├── GatewayFullError      every place is taken
├── NotInMeetingError     the job's bot is not in its meeting
├── ChatRefusedError      the meeting's chat did not take a message
└── SourceError           this job's browser
    ├── SourceLostError       it crashed or hangs; another may do better
    ├── ClientFailingError    the meeting's client shows an error that another try may mend
    └── CaptureFailedError    it can't capture, and another would not either
"""


class GatewayError(Exception):
    """Base of everything that the gateway raises."""


class InvalidRequestError(GatewayError):
    """The request can't be understood; the message is for the caller."""


class UnknownJobError(GatewayError):
    """No job of that name is known here."""


class JobConflictError(GatewayError):
    """The job id stands for another job already."""


class GatewayFullError(GatewayError):
    """As many jobs run as may."""


class NotInMeetingError(GatewayError):
    """The bot is not in the meeting now, so nothing can be done there."""


class ChatRefusedError(GatewayError):
    """The meeting's chat did not take a message; the message of this says why, in one sentence."""


class SourceError(GatewayError):
    """The browser of one job failed; other jobs are not touched."""


class SourceLostError(SourceError):
    """The page or the browser crashed, hangs, or was closed."""


class ClientFailingError(SourceError):
    """The meeting's client shows an error on the way in that another try may mend.

    Args:
        detail: what it shows.
        reason: a code of the API, for when no try mends it.
    """

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class CaptureFailedError(SourceError):
    """The browser starts but can't capture or encode."""
