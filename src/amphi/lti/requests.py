"""What begins a launch: the platform's call to log in, answered by our request to authenticate (LTI 1.3 core, section 5.1.1).

Nothing is stored before a platform has signed something: what must be known when the answer comes is in the signed `state`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing

from amphi.lti.exceptions import RefusedError
from amphi.lti.models import Platform

SALT = "amphi.lti.state"
STATE_LASTS = timedelta(minutes=10)
LOGIN_PARAMETERS = (
    "iss",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "client_id",
    "lti_deployment_id",
)
LONGEST_PARAMETER = 2000


@dataclass(frozen=True, slots=True)
class Begun:
    """What a `state` says."""

    platform_id: int
    nonce: str


def login_parameters(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a call to log in that have a meaning.

    Raises:
        RefusedError: one that must be there is missing, or too long.
    """
    found = {name: str(given[name]) for name in LOGIN_PARAMETERS if given.get(name)}
    if any(len(value) > LONGEST_PARAMETER for value in found.values()):
        raise RefusedError("a parameter is too long")
    if not {"iss", "login_hint", "target_link_uri"} <= set(found):
        raise RefusedError("a parameter is missing")
    return found


def platform_of(given: Mapping[str, str]) -> Platform:
    """The registered platform that calls.

    Raises:
        RefusedError: there is none, or several and it does not say which.
    """
    rows = Platform.objects.filter(issuer=given["iss"], is_active=True)
    if "client_id" in given:
        rows = rows.filter(client_id=given["client_id"])
    found = list(rows[:2])
    if len(found) != 1:
        raise RefusedError("no such platform is registered")
    return found[0]


def new_browser() -> str:
    """A name for a browser."""
    return secrets.token_urlsafe(32)


def mark_of(browser: str) -> str:
    """What is kept of a browser's name."""
    return hashlib.sha256(browser.encode(errors="surrogatepass")).hexdigest()


def authentication_url(platform: Platform, given: Mapping[str, str], *, browser: str, back: str) -> str:
    """Where the browser goes to be told who it is (section 5.1.1.2; OpenID Connect, response_mode form_post)."""
    nonce = secrets.token_urlsafe(24)
    state = signing.dumps([platform.pk, nonce, mark_of(browser)], salt=SALT)
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": back,
        "state": state,
        "nonce": nonce,
        **{name: given[name] for name in ("login_hint", "lti_message_hint") if name in given},
    }
    return f"{platform.auth_url}{'&' if '?' in platform.auth_url else '?'}{urlencode(query)}"


def begun_by(state: str, browser: str) -> Begun:
    """What `state` says, which this browser must have begun, a moment ago.

    Raises:
        RefusedError: it did not.
    """
    try:
        platform_id, nonce, mark = signing.loads(state, salt=SALT, max_age=STATE_LASTS)
    except signing.BadSignature:
        raise RefusedError("there is no state, or it is not ours, or old") from None
    if not browser or not hmac.compare_digest(mark, mark_of(browser)):
        raise RefusedError("another browser began this")
    return Begun(platform_id, nonce)
