"""Dynamic registration (LTI Dynamic Registration 1.0): a platform that an administrator invited tells of itself, and is told of us."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from amphi.lti.exceptions import LtiError, RefusedError, UnreachableError
from amphi.lti.messages import DEEP_LINKING_REQUEST, LONGEST_ID, RESOURCE_LINK_REQUEST
from amphi.lti.models import Invitation, Platform
from amphi.lti.services import NAMES, SCORE
from amphi.system import outbound

SALT = "amphi.lti.invitation"
GOOD_FOR = timedelta(days=7)
TIMEOUT_S = 15.0
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
LONGEST_TOKEN = 8000


def site_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def key_of(invitation: Invitation) -> str:
    """What stands in the link of `invitation`."""
    return signing.dumps(invitation.pk, salt=SALT)


def by_key(key: str) -> Invitation | None:
    """The invitation with that link, if it still counts."""
    try:
        found = Invitation.objects.filter(pk=signing.loads(key, salt=SALT)).first()
    except signing.BadSignature:
        return None
    return None if found is None or is_over(found) else found


def is_over(invitation: Invitation) -> bool:
    """Whether it was used, or is too old."""
    return invitation.used_at is not None or timezone.now() > invitation.created_at + GOOD_FOR


def register(invitation: Invitation, *, configuration_url: str, token: str) -> Platform:
    """Register with the platform that was invited, and it with us. The invitation is used when this succeeds.

    Args:
        invitation: as an administrator made it.
        configuration_url: where the platform describes itself.
        token: what it wants to be shown when we register.

    Raises:
        RefusedError: it is another platform, or the invitation was used meanwhile.
        UnreachableError: the platform does not answer, or says no.
    """
    if site_of(configuration_url) != invitation.site or len(token) > LONGEST_TOKEN:
        raise RefusedError("another site describes itself than the one that was invited")
    # Taken first, so that two requests at once register one platform.
    mine = Invitation.objects.filter(pk=invitation.pk)
    if not mine.filter(used_at=None).update(used_at=timezone.now()):
        raise RefusedError("the invitation was used")
    try:
        return _register(invitation, configuration_url, token)
    except LtiError:
        mine.update(used_at=None)
        raise


def _register(invitation: Invitation, configuration_url: str, token: str) -> Platform:
    caller = outbound.Caller(timeout_s=TIMEOUT_S)
    try:
        told = _json(caller, "GET", configuration_url)
        described = {name: _address(invitation, told, name) for name in _ADDRESSES}
        issuer = told.get("issuer")
        if not isinstance(issuer, str) or len(issuer) > 250 or site_of(issuer) != invitation.site:  # noqa: PLR2004 -- its column
            raise RefusedError("it describes itself under another site")
        answer = _json(caller, "POST", described["registration_endpoint"], _ourselves(), token)
    finally:
        caller.close()
    return _kept(invitation, issuer, described, answer)


_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")


def _address(invitation: Invitation, told: Mapping[str, Any], name: str) -> str:
    """An address of the platform, which must be of its site: what is shown there is not for others."""
    value = told.get(name)
    longest = 500  # its column
    if not isinstance(value, str) or not value.startswith(f"{invitation.site}/") or len(value) > longest:
        raise RefusedError(f"it tells no {name} of its site")
    return value


def _ourselves() -> dict[str, Any]:
    """What the platform is told (section 3.5), in the words of OpenID Connect Dynamic Client Registration."""
    launch = settings.AMPHI_URL + reverse("lti:launch")
    host = urlsplit(settings.AMPHI_URL).netloc
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": settings.AMPHI_URL + reverse("lti:login"),
        "redirect_uris": [launch],
        "client_name": "Amphi",
        "jwks_uri": settings.AMPHI_URL + reverse("lti:keys"),
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"{NAMES} {SCORE}",
        TOOL: {
            "domain": host,
            "description": settings.AMPHI_INSTITUTION or host,
            "target_link_uri": launch,
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "messages": [
                {"type": kind, "target_link_uri": launch, "label": "Amphi"}
                for kind in (DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST)
            ],
        },
    }


def _kept(
    invitation: Invitation, issuer: str, described: Mapping[str, str], answer: Mapping[str, Any]
) -> Platform:
    client_id = answer.get("client_id")
    if not isinstance(client_id, str) or not 0 < len(client_id) <= 250:  # noqa: PLR2004 -- its column
        raise UnreachableError("it gave no client id")
    tool = answer.get(TOOL)
    given = tool.get("deployment_id") if isinstance(tool, dict) else None
    try:
        with transaction.atomic():
            return Platform.objects.create(
                name=invitation.name,
                issuer=issuer,
                client_id=client_id,
                # A platform may make the deployment later: an administrator then writes its id.
                deployments=[given] if isinstance(given, str) and 0 < len(given) <= LONGEST_ID else [],
                auth_url=described["authorization_endpoint"],
                token_url=described["token_endpoint"],
                jwks_url=described["jwks_uri"],
                teachers_group=invitation.teachers_group,
            )
    except IntegrityError:
        raise RefusedError("it is registered already") from None


def _json(
    caller: outbound.Caller, method: str, url: str, body: Mapping[str, Any] | None = None, token: str = ""
) -> Mapping[str, Any]:
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        answer = caller.call(method, url, headers=headers, json=body)
    except outbound.OutboundError as error:
        raise UnreachableError(f"the platform can't be asked: {error}") from error
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's success
        raise UnreachableError(f"the platform answers with HTTP status {answer.status}")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise UnreachableError("the platform's answer is no JSON") from None
    if not isinstance(found, dict):
        raise UnreachableError("the platform's answer is no object")
    return found
