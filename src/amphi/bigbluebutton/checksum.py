"""BigBlueButton's checksum: hex(hash(text + shared secret)).

Source: https://docs.bigbluebutton.org/development/api/#api-security-model. The server infers the algorithm from the length.
"""

import hashlib
import hmac
from typing import Literal

Algorithm = Literal["sha1", "sha256", "sha384", "sha512"]

ALGORITHMS: tuple[Algorithm, ...] = ("sha1", "sha256", "sha384", "sha512")
_BY_LENGTH: dict[int, Algorithm] = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}


def of_call(call: str, query: str, secret: str, algorithm: Algorithm) -> str:
    """The checksum of an API call.

    Args:
        call: its name, such as ``getMeetingInfo`` or ``hooks/create``.
        query: the raw query string, encoded exactly as it is sent, without the checksum.
        secret: the shared secret.
        algorithm: one that the server allows.
    """
    return _digest(f"{call}{query}{secret}".encode(), algorithm)


def of_delivery(callback_url: str, body: bytes, secret: str, algorithm: Algorithm) -> str:
    """The checksum that bbb-webhooks appends to the callback address of a delivery, over the raw body."""
    return _digest(callback_url.encode() + body + secret.encode(), algorithm)


def algorithm_of(checksum: str) -> Algorithm | None:
    """The algorithm that makes checksums of this length, if any."""
    return _BY_LENGTH.get(len(checksum))


def equal(expected: str, given: str) -> bool:
    """Compare two checksums in constant time, in any case of letters."""
    return hmac.compare_digest(expected.lower().encode(), given.lower().encode())


def _digest(data: bytes, algorithm: Algorithm) -> str:
    return hashlib.new(algorithm, data).hexdigest()
