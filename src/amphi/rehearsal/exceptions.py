"""What keeps a rehearsal from being held.

RehearsalError
├── SetUpError      the platform can't hold a webinar as it is configured
├── NoAnswerError   a part did not do what was waited for
└── UnreadableError the stream could not be decoded
"""


class RehearsalError(Exception):
    """The rehearsal can't go on; the text is a plain sentence that names the part."""


class SetUpError(RehearsalError):
    """The platform, as configured, can't hold the rehearsal's webinar."""


class NoAnswerError(RehearsalError):
    """A part did not do in time what was waited for."""


class UnreadableError(RehearsalError):
    """The sample of the stream holds nothing that can be measured."""
