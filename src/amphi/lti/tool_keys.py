"""The keys that this platform signs with as a tool: made when they are first needed, published at ``/lti/keys``.

A new key is published for a day before it signs, and an old one for a day after it signed for the last time: other platforms keep what they
fetched.
"""

import base64
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import IntegrityError, transaction
from django.utils import timezone

from amphi.lti.models import ToolKey

ALGORITHM = "RS256"
"""The one that 1EdTech's Security Framework 1.0 demands (section 5.1.3)."""
KEY_BITS = 2048
LASTS_S = 300
NAME = "amphi-"
FIRST = f"{NAME}1"
KNOWN_AFTER = timedelta(days=1)
"""How long other platforms may keep keys that they fetched."""


class RotationError(Exception):
    """There is a new key already. The text says when it signs."""


def signs_from(key: ToolKey) -> datetime:
    """When a key that is not the only one begins to sign."""
    return key.created_at + KNOWN_AFTER


def _signing_key() -> ToolKey:
    return _signing() or _make(FIRST)


def _signing() -> ToolKey | None:
    """The newest that all know; the oldest while none is as old as that; None before the first."""
    found = list(ToolKey.objects.all())
    return next((key for key in found if timezone.now() >= signs_from(key)), found[-1] if found else None)


def rotate(*, at_once: bool = False) -> ToolKey:
    """Make a new key, which signs after a day.

    Args:
        at_once: it signs now and the others are gone, because somebody else may have them. Platforms that keep keys refuse our calls until
            they fetch them anew.

    Raises:
        RotationError: there is a new key that does not sign yet.
    """
    with transaction.atomic():
        _signing_key()
        newest = ToolKey.objects.select_for_update().all()[0]
        if not at_once and newest != _signing_key():
            raise RotationError(f"{newest.kid} signs from {signs_from(newest):%Y-%m-%d %H:%M} UTC on")
        made = _make(f"{NAME}{int(newest.kid.removeprefix(NAME)) + 1}")
        if at_once:
            ToolKey.objects.exclude(pk=made.pk).delete()
    return made


def drop_old() -> int:
    """Delete the keys that nobody needs any more; returns how many there were."""
    signing = _signing()
    if signing is None or timezone.now() < signs_from(signing) + KNOWN_AFTER:
        return 0
    return ToolKey.objects.filter(pk__lt=signing.pk).delete()[0]


def states() -> list[tuple[ToolKey, Literal["new", "signs", "old"]]]:
    """All keys, the newest first, and what each does."""
    signing = _signing_key()
    return [
        (key, "signs" if key == signing else "new" if key.pk > signing.pk else "old")
        for key in ToolKey.objects.all()
    ]


def _make(kid: str) -> ToolKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with transaction.atomic():
            return ToolKey.objects.create(kid=kid, private_key=pem.decode())
    except IntegrityError:  # another request made it at the same moment
        return ToolKey.objects.get(kid=kid)


def signed(claims: Mapping[str, Any]) -> str:
    """A token with `claims`, good for five minutes, that counts once."""
    key, now = _signing_key(), int(time.time())
    times = {"iat": now, "exp": now + LASTS_S, "jti": str(uuid.uuid4()), "nonce": secrets.token_urlsafe(16)}
    return jwt.encode(
        {**times, **claims}, _read(key.private_key), algorithm=ALGORITHM, headers={"kid": key.kid}
    )


def key_set() -> dict[str, list[dict[str, str]]]:
    """All public keys (RFC 7517)."""
    _signing_key()
    return {"keys": [_public(one) for one in ToolKey.objects.all() if one.private_key]}


@lru_cache(maxsize=8)
def _read(pem: str) -> rsa.RSAPrivateKey:
    """The key, read once: its numbers are checked each time, which takes longer than signing."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("a key of the tool is not of RSA")
    return key


def _public(row: ToolKey) -> dict[str, str]:
    numbers = _read(row.private_key).public_key().public_numbers()
    return {
        "kty": "RSA",
        "alg": ALGORITHM,
        "use": "sig",
        "kid": row.kid,
        "n": _number(numbers.n),
        "e": _number(numbers.e),
    }


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
