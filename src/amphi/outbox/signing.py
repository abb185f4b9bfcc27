"""Signatures after Standard Webhooks (https://www.standardwebhooks.com/), version 1."""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
KEY_BYTES = 32
SHORTEST, LONGEST = 24, 64
"""A key's bytes, by the specification."""


def new_secret() -> str:
    """A new secret of an endpoint."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise ValueError("not a secret of 24 to 64 bytes")
    return key


def headers(secret: str, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt.

    Args:
        secret: the endpoint's.
        message_id: the same in every attempt.
        at_s: the time of this attempt, in seconds of the Unix epoch.
        body: the body as it is sent.
    """
    signed = f"{message_id}.{at_s}.".encode() + body
    digest = hmac.digest(key_of(secret), signed, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
