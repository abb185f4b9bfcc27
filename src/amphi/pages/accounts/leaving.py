"""Where somebody goes on to who logs out: the system that their session began with, to log out there too."""

import logging

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from amphi.accounts.models import SignOnSession
from amphi.signon import cas
from amphi.signon.exceptions import SignOnError

log = logging.getLogger(__name__)

PROOF = "sign_on_proof"
"""What the session keeps to log out at the other system."""


def leaving(request: HttpRequest) -> tuple[str, str] | None:
    """The label of the system that this session began with, and where to log out of it; None when that is not wanted or possible."""
    began = SignOnSession.objects.select_related("identity").filter(pk=request.session.session_key).first()
    if began is None:
        return None
    try:
        label, url = _address(began.identity.provider, request.session.get(PROOF, ""))
    except SignOnError as error:
        log.warning("somebody can’t be led on to log out of %s: %s", began.identity.provider, error)
        return None
    return (label, url) if url else None


def _address(provider: str, proof: str) -> tuple[str, str]:
    back, known = settings.AMPHI_URL + reverse(settings.LOGOUT_REDIRECT_URL), settings.SIGN_ON
    if known.cas and provider == cas.PROVIDER and known.cas.ends_everywhere:
        return known.cas.label, known.cas.logout_url(back)
    if known.oidc and provider == known.oidc.provider:
        return known.oidc.label, known.oidc.logout_url(back, proof)
    if known.shibboleth and provider == "shibboleth":
        return known.shibboleth.label, known.shibboleth.logout
    if known.saml and provider.startswith("saml "):
        session, _, name_id = proof.partition("\n")
        return known.saml.label, known.saml.logout_url(provider, name_id, session)
    return "", ""
