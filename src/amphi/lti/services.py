"""Calls to a platform's services: the access token (Security Framework 1.0, section 4), names and roles (NRPS 2.0), scores (AGS 2.0)."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from amphi.lti import tool_keys
from amphi.lti.exceptions import UnreachableError
from amphi.lti.models import Platform
from amphi.system import outbound

TIMEOUT_S = 15.0
NAMES = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
SCORES = "application/vnd.ims.lis.v1.score+json"
MOST_PAGES = 100
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*rel="?next"?', re.IGNORECASE)
LATER = frozenset({401, 408, 425, 429})
"""Refusals that say nothing of what was sent."""


def is_of(platform: Platform, url: object) -> bool:
    """Whether an address is the platform's: its token goes nowhere else."""
    if not isinstance(url, str) or len(url) > 1000:  # noqa: PLR2004 -- its column
        return False
    ours = (platform.issuer, platform.auth_url, platform.token_url, platform.jwks_url)
    return _origin(url) in {_origin(one) for one in ours}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class Services:
    """One platform's services, with one access token.

    Args:
        platform: whose.
        scope: what the token is for.

    Raises:
        UnreachableError: by each call; the platform does not answer, or refuses.
    """

    def __init__(self, platform: Platform, scope: str) -> None:
        self._platform, self._scope = platform, scope
        self._caller = outbound.Caller(timeout_s=TIMEOUT_S)
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._caller.close()

    def authorise(self) -> None:
        """Get the access token, unless it is there."""
        self._access_token()

    def members(self, url: str) -> Iterator[Mapping[str, Any]]:
        """The members of a course, page by page (NRPS 2.0, sections 2.4 and 3.5)."""
        for _ in range(MOST_PAGES):
            answer = self._call("GET", url, {"Accept": MEMBERS})
            found = _json(answer.body).get("members")
            if not isinstance(found, list):
                raise UnreachableError("the platform names no members", permanent=True)
            yield from (one for one in found if isinstance(one, dict))
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            url = following[1]
            if not is_of(self._platform, url):
                raise UnreachableError("the next page is elsewhere", permanent=True)
        raise UnreachableError("there are too many members", permanent=True)

    def score(self, lineitem_url: str, score: Mapping[str, Any]) -> None:
        """Send one score (AGS 2.0, section 3.4)."""
        # The path grows by one segment, and the query stays: Moodle's has type_id.
        parts = urlsplit(lineitem_url)
        url = urlunsplit(parts._replace(path=f"{parts.path}/scores"))
        self._call("POST", url, {"Content-Type": SCORES}, json.dumps(score).encode())

    def _call(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> outbound.Answer:
        authorised = {**headers, "Authorization": f"Bearer {self._access_token()}"}
        return self._answer(method, url, authorised, content)

    def _access_token(self) -> str:
        if self._token:
            return self._token
        platform = self._platform
        assertion = tool_keys.signed(
            {"iss": platform.client_id, "sub": platform.client_id, "aud": platform.token_url}
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
            "scope": self._scope,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            answer = self._answer("POST", platform.token_url, headers, urlencode(form).encode())
        except UnreachableError as error:
            # Whatever it is, whoever runs the platform can mend it.
            raise UnreachableError(f"no access token: {error}") from error
        token = _json(answer.body).get("access_token")
        if not isinstance(token, str) or not token:
            raise UnreachableError("the platform gives no access token")
        self._token = token
        return token

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> outbound.Answer:
        try:
            answer = self._caller.call(method, url, headers=headers, content=content)
        except outbound.OutboundError as error:
            raise UnreachableError(f"the platform can't be asked: {error}") from error
        if not 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's success
            for_ever = 400 <= answer.status < 500 and answer.status not in LATER  # noqa: PLR2004 -- its refusals
            raise UnreachableError(
                f"the platform answers with HTTP status {answer.status}", permanent=for_ever
            )
        return answer


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreachableError("the platform's answer is no JSON") from None
    return found if isinstance(found, dict) else {}
