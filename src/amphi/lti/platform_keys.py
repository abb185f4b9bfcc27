"""Public keys of learning platforms, fetched from where the administrator said, and kept for an hour."""

import json
import threading
import time
from dataclasses import dataclass, field

import jwt

from amphi.lti.exceptions import RefusedError, UnreachableError
from amphi.system import outbound

TIMEOUT_S = 8.0
KEPT_S = 3600.0
AGAIN_S = 30.0
"""Keys are fetched again sooner when a token names an unknown one, but not more often than this."""
HTTP_OK = 200


@dataclass(slots=True)
class _Known:
    keys: list[jwt.PyJWK] = field(default_factory=list)
    at: float = float("-inf")


_known: dict[str, _Known] = {}
_lock = threading.Lock()


def key_of(token: str, jwks_url: str) -> jwt.PyJWK:
    """The key that `token` says it is signed by.

    Raises:
        RefusedError: the platform has no such key.
        UnreachableError: its keys can't be fetched.
    """
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, RecursionError):
        raise RefusedError("it is no token") from None
    with _lock:
        known = _known.get(jwks_url, _Known())
    age_s = time.monotonic() - known.at
    found = _named(known.keys, kid) if age_s < KEPT_S else None
    if found is None and age_s > AGAIN_S:
        found = _named(fetch(jwks_url), kid)
    if found is None:
        raise RefusedError("the token is signed by an unknown key")
    return found


def _named(keys: list[jwt.PyJWK], kid: object) -> jwt.PyJWK | None:
    return next((key for key in keys if key.key_id == kid and key.public_key_use in {None, "sig"}), None)


def fetch(jwks_url: str) -> list[jwt.PyJWK]:
    """The keys that are published at an address now, which are then known for an hour.

    Raises:
        UnreachableError: they can't be fetched.
    """
    caller = outbound.Caller(timeout_s=TIMEOUT_S)
    try:
        answer = caller.call("GET", jwks_url, headers={"Accept": "application/json"})
    except outbound.OutboundError as error:
        raise UnreachableError(f"the platform's keys can't be fetched: {error}") from error
    finally:
        caller.close()
    if answer.status != HTTP_OK:
        raise UnreachableError(f"the platform answers with HTTP status {answer.status} in place of keys")
    try:
        keys = jwt.PyJWKSet.from_dict(json.loads(answer.body)).keys
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError, RecursionError):
        raise UnreachableError("the platform publishes no keys") from None
    keep(jwks_url, keys)
    return keys


def keep(jwks_url: str, keys: list[jwt.PyJWK]) -> None:
    """Know the keys that are at an address, for an hour."""
    with _lock:
        _known[jwks_url] = _Known(keys, time.monotonic())


def forget() -> None:
    """Know no keys any more."""
    with _lock:
        _known.clear()
