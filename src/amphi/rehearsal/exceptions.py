"""Errors that stop a rehearsal.

RehearsalError
├── SetUpError      the platform, as configured, can't hold a webinar
├── NoAnswerError   a part did not do the expected in time
└── UnreadableError the stream could not be decoded
"""


class RehearsalError(Exception):
    """The rehearsal can't go on; the text is a plain sentence that names the part."""


class SetUpError(RehearsalError):
    """The platform, as configured, can't hold the rehearsal's webinar."""


class NoAnswerError(RehearsalError):
    """A part did not do the expected in time."""


class UnreadableError(RehearsalError):
    """The sample of the stream contains nothing that can be measured."""
