"""Errors of ``amphi captions``.

CaptioningError
├── EngineError       an engine can't be reached, says what nobody understands, or takes too long
└── SoundError        the sound of a live can't be read or decoded now
"""


class CaptioningError(Exception):
    """The base of all errors here. The message is for the log and contains no secret."""


class EngineError(CaptioningError):
    """An engine can't be reached, says what nobody understands, or takes too long."""


class SoundError(CaptioningError):
    """The sound of a live can't be read or decoded now."""
