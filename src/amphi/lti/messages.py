"""The messages of a platform: what a signed ID token says, read by the specification (LTI 1.3 core, section 5; Security Framework 1.0, section 5.1.3)."""

import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from amphi.lti import platform_keys, services
from amphi.lti.exceptions import RefusedError, UnknownDeploymentError
from amphi.lti.models import Platform
from amphi.signon.person import LONGEST_VALUE
from amphi.system.typed import clean_line

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
NAMES_AND_ROLES = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
GRADES = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
VERSION = "1.3.0"
LEEWAY_S = 60
"""How far clocks may differ."""
OLDEST_S = 3600
LONGEST_TOKEN = 64 * 1024
LONGEST_ID = 255
"""The specification's limit for sub, deployment, context and resource link (sections 5.3.3 to 5.3.7)."""
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
# Moodle says Instructor of whoever may manage the activity; other platforms also of these.
TEACHERS = frozenset({"Instructor", "ContentDeveloper", "Administrator", "Manager"})


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a platform says of one launch.

    Attributes:
        subject: who, for this platform; never given to somebody else.
        names: first name, last name, email address, each empty where it is not told.
        is_teacher: whether they teach in this course.
        context: id and title of the course.
        resource_link: id and title of the activity; empty in deep linking.
        deep_linking: its settings; None in any other message.
        custom: the parameters that we gave the platform.
        memberships_url: where the course's members are named; empty where they are not, or may not be asked for.
        lineitem_url: the activity's column of grades, to which scores may be sent; empty where there is none.
        language: of the person there, as ``fr``; empty where it is not told.
    """

    subject: str
    names: tuple[str, str, str]
    is_teacher: bool
    context: tuple[str, str]
    resource_link: tuple[str, str]
    deployment_id: str
    deep_linking: dict[str, Any] | None
    custom: Mapping[str, str]
    memberships_url: str
    lineitem_url: str
    language: str


def read(token: str, platform: Platform, *, nonce: str, launch_url: str) -> Message:
    """The message that `platform` signed for us in answer to our request.

    Args:
        token: the ``id_token``.
        platform: who must have signed it.
        nonce: what our request named.
        launch_url: under which all of our addresses stand.

    Raises:
        RefusedError: it proves nothing; the message says why.
        UnreachableError: the platform's keys can't be fetched.
    """
    claims = _verified(token, platform)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise RefusedError("the token is for another request")
    if claims.get(CLAIM + "version") != VERSION:
        raise RefusedError("it is no message of LTI 1.3")
    deployment = claims.get(CLAIM + "deployment_id")
    if deployment not in platform.deployments:
        told = _identifier(claims, CLAIM + "deployment_id")
        raise UnknownDeploymentError(told) if told else RefusedError("the message names no deployment")
    kind = claims.get(CLAIM + "message_type")
    if kind not in {RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST}:
        raise RefusedError("it is a message of an unknown kind")
    target = claims.get(CLAIM + "target_link_uri", "")
    if kind == RESOURCE_LINK_REQUEST and not str(target).startswith(launch_url):
        raise RefusedError("it is for another address")
    return _message(platform, claims, kind, str(deployment))


def _verified(token: str, platform: Platform) -> dict[str, Any]:
    if not token or len(token) > LONGEST_TOKEN:
        raise RefusedError("there is no token, or it is too long")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            platform_keys.key_of(token, platform.jwks_url),
            # Ours, whatever the token or the key says: else a token could choose how it is verified.
            algorithms=["RS256"],
            audience=platform.client_id,
            issuer=platform.issuer,
            leeway=LEEWAY_S,
            options={"require": ["iss", "aud", "iat", "exp", "sub"]},
        )
    except (jwt.PyJWTError, RecursionError) as error:
        raise RefusedError(f"the token is refused: {type(error).__name__}") from None
    if claims.get("azp", platform.client_id) != platform.client_id:
        raise RefusedError("the token is for another client")
    if time.time() - claims["iat"] > OLDEST_S:
        raise RefusedError("the token is old")
    return claims


def _message(platform: Platform, claims: Mapping[str, Any], kind: str, deployment: str) -> Message:
    context, link = _object(claims, CLAIM + "context"), _object(claims, CLAIM + "resource_link")
    subject = _identifier(claims, "sub", LONGEST_VALUE)
    context_id, link_id = _identifier(context, "id"), _identifier(link, "id")
    is_deep = kind == DEEP_LINKING_REQUEST
    if not subject:
        raise RefusedError("it names nobody")
    if not context_id:
        raise RefusedError("it names no course")
    if not link_id and not is_deep:
        raise RefusedError("it names no activity")
    settings = _object(claims, DEEP_LINKING + "deep_linking_settings") if is_deep else None
    presentation = _object(claims, CLAIM + "launch_presentation")
    custom = _object(claims, CLAIM + "custom")
    return Message(
        subject=subject,
        names=(
            _text(claims, "given_name", 150),
            _text(claims, "family_name", 150) or _text(claims, "name", 150),
            _text(claims, "email", 254),
        ),
        is_teacher=teaches(claims.get(CLAIM + "roles")),
        context=(context_id, _text(context, "title", 250)),
        resource_link=(link_id, _text(link, "title", 250)),
        deployment_id=deployment,
        deep_linking=settings,
        custom={str(key): str(value) for key, value in custom.items() if isinstance(value, str | int)},
        memberships_url=_memberships_url(platform, claims),
        lineitem_url=_lineitem_url(platform, claims),
        language=_text(presentation, "locale", 20).partition("-")[0].partition("_")[0].lower()[:5],
    )


def _memberships_url(platform: Platform, claims: Mapping[str, Any]) -> str:
    """NRPS 2.0, section 3.6.1.1."""
    url = _object(claims, NAMES_AND_ROLES).get("context_memberships_url")
    return url if isinstance(url, str) and services.is_of(platform, url) else ""


def _lineitem_url(platform: Platform, claims: Mapping[str, Any]) -> str:
    """AGS 2.0, section 3.1.1: `lineitem` is there where the activity has one column, and the scopes say what we may."""
    endpoint = _object(claims, GRADES)
    url, scopes = endpoint.get("lineitem"), endpoint.get("scope")
    may_score = isinstance(scopes, list) and services.SCORE in scopes
    return url if may_score and isinstance(url, str) and services.is_of(platform, url) else ""


def teaches(roles: object) -> bool:
    """Whether some roles are a teacher's in this course. Roles in the institution say nothing of the course; short names are context roles (core, A.2.3)."""
    if not isinstance(roles, Iterable) or isinstance(roles, str):
        return False
    short = {str(role).removeprefix(MEMBERSHIP) for role in roles}
    return not short.isdisjoint(TEACHERS)


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def _identifier(given: Mapping[str, Any], name: str, longest: int = LONGEST_ID) -> str:
    """An identifier to the letter; empty where it is none. It is never shortened: two of them could become one."""
    value = given.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() else ""


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    value = given.get(name)
    return clean_line(value)[:longest] if isinstance(value, str) else ""
