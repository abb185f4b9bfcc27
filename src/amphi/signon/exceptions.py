"""What goes wrong when somebody signs on.

SignOnError
├── RefusedError       the answer proves nothing: forged, expired, used before, for somebody else
├── WrongPasswordError the directory does not take this name and password
└── UnreachableError   the other system can't be asked, or answers nonsense

Messages are for the log and hold no secret.
"""


class SignOnError(Exception):
    """Nobody was signed on."""


class RefusedError(SignOnError):
    """What the browser brought does not prove who somebody is."""


class WrongPasswordError(SignOnError):
    """The directory does not take this name and password."""


class UnreachableError(SignOnError):
    """The other system can't be asked, or its answer is not of its protocol."""
