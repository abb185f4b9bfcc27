"""What can go wrong with a bucket.

BucketError
├── BucketUnreachableError  there was no answer in time, or the certificate is not trusted
├── BucketFailedError       the server answered with an error of its own
├── BucketRefusedError      the key is unknown or wrong, or may not do this
├── BucketClockError        the server's clock and ours differ too much for signatures
├── NoBucketError           the server has no bucket of that name
├── BucketFullError         it has no room, or a quota is used up
└── NoObjectError           there is no object of that name
"""

from typing import ClassVar


class BucketError(Exception):
    """The base of all errors here. The message is for the log and contains no secret.

    Attributes:
        code: a stable code, for words.
    """

    code: ClassVar[str] = "error"


class BucketUnreachableError(BucketError):
    """There was no answer in time, or the certificate is not trusted."""

    code = "unreachable"


class BucketFailedError(BucketError):
    """The server answered with an error of its own."""

    code = "failed"


class BucketRefusedError(BucketError):
    """The key is unknown or wrong, or may not do this."""

    code = "refused"


class BucketClockError(BucketError):
    """The server's clock and ours differ too much for signatures."""

    code = "clock"


class NoBucketError(BucketError):
    """The server has no bucket of that name."""

    code = "no_bucket"


class BucketFullError(BucketError):
    """It has no room, or a quota is used up."""

    code = "full"


class NoObjectError(BucketError):
    """There is no object of that name."""

    code = "no_object"
