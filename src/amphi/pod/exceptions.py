"""Errors of calls to Esup-Pod.

PodError
├── PodUnreachableError     there was no whole answer
├── PodFailedError          it answered with an error of its own
├── PodUnauthorizedError    the token is wrong, or its account is no staff
├── PodRejectedError        it understood the call and refused what was sent
├── PodFileTooLargeError    a server in front of it takes no file of that size
├── UnknownOwnerError       nobody has that user name there
└── NotPodError             what answers is no Esup-Pod
"""

from typing import ClassVar


class PodError(Exception):
    """The base of all errors here. The message is for the log and contains no secret.

    Attributes:
        permanent: the same call would fail again until a person changes something.
        code: a stable code, for words.
    """

    permanent: ClassVar[bool] = False
    code: ClassVar[str] = "error"


class PodUnreachableError(PodError):
    """There was no whole answer."""

    code = "unreachable"


class PodFailedError(PodError):
    """It answered with an error of its own."""

    code = "failed"


class PodUnauthorizedError(PodError):
    """The token is wrong, or its account is no staff."""

    permanent = True
    code = "unauthorized"


class PodRejectedError(PodError):
    """It understood the call and refused what was sent."""

    permanent = True
    code = "rejected"


class PodFileTooLargeError(PodError):
    """A server in front of it takes no file of that size."""

    permanent = True
    code = "too_large"


class UnknownOwnerError(PodError):
    """Nobody has that user name there."""

    permanent = True
    code = "unknown_owner"


class NotPodError(PodError):
    """What answers is no Esup-Pod."""

    permanent = True
    code = "not_pod"
