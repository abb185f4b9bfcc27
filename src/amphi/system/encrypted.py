"""A column whose text is encrypted, so that a copy of the database reveals no token.

Fernet (AES-128-CBC and HMAC-SHA256), with a key derived from ``SECRET_KEY``. Put a replaced key into
``SECRET_KEY_FALLBACKS``: texts encrypted with it stay readable, and use the new key when they are saved next.
"""

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


@lru_cache(maxsize=4)
def _cipher(*secrets: str) -> MultiFernet:
    keys = [
        hashlib.blake2b(secret.encode(), digest_size=32, person=b"amphi.column").digest()
        for secret in secrets
    ]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _current() -> MultiFernet:
    return _cipher(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


class EncryptedTextField(_TextField):
    """A text that only this platform can read. It can't be searched. A text whose key is lost reads as empty."""

    def get_prep_value(self, value: Any) -> str | None:
        """What is stored."""
        return _current().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """What was stored, in the clear."""
        if not value:
            return value
        try:
            return _current().decrypt(value.encode()).decode()
        except InvalidToken:
            return ""
