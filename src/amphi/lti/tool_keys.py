"""The keys that this platform signs with as a tool: made when they are first needed, published at ``/lti/keys``."""

import base64
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import IntegrityError, transaction

from amphi.lti.models import ToolKey

ALGORITHM = "RS256"
"""The one that 1EdTech's Security Framework 1.0 demands (section 5.1.3)."""
KEY_BITS = 2048
LASTS_S = 300
FIRST = "amphi-1"


def _signing_key() -> ToolKey:
    found = ToolKey.objects.first()
    if found is not None:
        return found
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with transaction.atomic():
            return ToolKey.objects.create(kid=FIRST, private_key=pem.decode())
    except IntegrityError:  # another request made it at the same moment
        return ToolKey.objects.get(kid=FIRST)


def signed(claims: Mapping[str, Any]) -> str:
    """A token with `claims`, good for five minutes, that counts once."""
    key, now = _signing_key(), int(time.time())
    times = {"iat": now, "exp": now + LASTS_S, "jti": str(uuid.uuid4()), "nonce": secrets.token_urlsafe(16)}
    return jwt.encode({**times, **claims}, key.private_key, algorithm=ALGORITHM, headers={"kid": key.kid})


def key_set() -> dict[str, list[dict[str, str]]]:
    """All public keys (RFC 7517)."""
    _signing_key()
    return {"keys": [_public(one) for one in ToolKey.objects.all() if one.private_key]}


def _public(row: ToolKey) -> dict[str, str]:
    key = serialization.load_pem_private_key(row.private_key.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(row.kid)
    numbers = key.public_key().public_numbers()
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
