"""Signing on by OpenID Connect."""

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from amphi.accounts.identities import end_session, end_sessions_of
from amphi.pages.access import anyone, signed
from amphi.pages.accounts import pending
from amphi.pages.accounts.entering import arrive, outdated, public_address, refused
from amphi.signon.exceptions import RefusedError, SignOnError
from amphi.signon.oidc import OpenIdProvider, new_secret

log = logging.getLogger(__name__)
KIND = "oidc"


def _provider() -> OpenIdProvider:
    if settings.SIGN_ON.oidc is None:
        raise Http404
    return settings.SIGN_ON.oidc


def _back() -> str:
    return public_address("accounts:oidc_back")


@anyone
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the provider."""
    provider = _provider()
    nonce, verifier = new_secret(), new_secret()
    state = pending.begin(request, KIND, nonce=nonce, verifier=verifier)
    try:
        return redirect(provider.login_url(back=_back(), state=state, nonce=nonce, verifier=verifier))
    except SignOnError as error:
        return refused(request, provider.label, error)


@signed
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Let in who comes back with a code."""
    provider = _provider()
    begun = pending.take(request, KIND, request.GET.get("state", ""))
    if begun is None:
        return outdated(request)
    try:
        if request.GET.get("iss", provider.issuer) != provider.issuer:
            raise RefusedError("another provider answers (RFC 9207)")
        person, id_token = provider.person(
            code=request.GET.get("code", ""), back=_back(), nonce=begun["nonce"], verifier=begun["verifier"]
        )
    except SignOnError as error:
        return refused(request, provider.label, error, begun["next"])
    return arrive(request, person, begun, proof=id_token)


@signed
@csrf_exempt
@never_cache
@require_POST
def ended(request: HttpRequest) -> HttpResponse:
    """End the sessions that the provider says have ended (back-channel logout)."""
    provider = _provider()
    try:
        session, subject = provider.ended(request.POST.get("logout_token", ""))
    except SignOnError as error:
        log.warning("a logout token was refused: %s", error)
        return HttpResponse(status=400)
    if session:
        end_session(provider.provider, session)
    else:
        end_sessions_of(provider.provider, subject)
    return HttpResponse(status=200)
