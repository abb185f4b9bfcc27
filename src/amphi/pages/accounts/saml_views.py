"""Signing on by SAML 2.

The identity provider has the browser post its response, which comes without our session: browsers send no cookie with what another site
posts. So the response is verified first, put aside for a moment, and the session begins with the next page, in the browser that began.
"""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from amphi.accounts.identities import end_session
from amphi.accounts.models import SignOnSession
from amphi.pages.access import anyone, signed
from amphi.pages.accounts import adding, pending
from amphi.pages.accounts.entering import arrive, outdated, public_address, refused
from amphi.pages.accounts.leaving import PROOF
from amphi.signon.exceptions import SignOnError, UnreachableError
from amphi.signon.person import Person

if TYPE_CHECKING:
    from amphi.signon.saml import SamlFederation

log = logging.getLogger(__name__)
KIND = "saml"
ASIDE_S = 120
"""How long a verified response waits for its browser, in seconds."""


def _federation() -> "SamlFederation":
    if settings.SIGN_ON.saml is None:
        raise Http404
    return settings.SIGN_ON.saml


def _key() -> bytes:
    return settings.SECRET_KEY.encode()


@anyone
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the identity provider, or to the page where it is chosen."""
    federation = _federation()
    try:
        known = federation.identity_providers()
        chosen = request.GET.get("entityID", "")
        if not chosen and federation.discovery:
            wished = urlencode(
                {"next": pending.safe_next(request, request.GET.get("next", ""))}
                | ({adding.ASKED: "1"} if request.GET.get(adding.ASKED) else {})
            )
            return redirect(federation.discovery_url(f"{public_address('accounts:saml_begin')}?{wished}"))
        entity = chosen or (known[0] if len(known) == 1 else "")
        if entity not in known:
            raise UnreachableError("no identity provider is chosen")
        return redirect(federation.login_url(entity, pending.begin(request, KIND), _key()))
    except SignOnError as error:
        return refused(request, federation.label, error)


@signed
@csrf_exempt
@require_POST
def consume(request: HttpRequest) -> HttpResponse:
    """Verify what the identity provider says, and go on in our own site."""
    federation = _federation()
    state = request.POST.get("RelayState", "")[:100]
    try:
        person, name_id = federation.person(request.POST.get("SAMLResponse", ""), state, _key())
    except SignOnError as error:
        return refused(request, federation.label, error)
    aside = SessionStore()
    aside.update({"person": asdict(person), "name_id": name_id, "state": state})
    aside.set_expiry(ASIDE_S)
    aside.create()
    return redirect(f"{reverse('accounts:saml_finish')}?{urlencode({'aside': aside.session_key or ''})}")


@signed
@require_safe
def finish(request: HttpRequest) -> HttpResponse:
    """Let in whose response was verified, in the browser that began."""
    federation = _federation()
    aside = SessionStore(request.GET.get("aside", "")[:40])
    kept = {name: aside.get(name) for name in ("person", "name_id", "state")}
    if not kept["person"]:
        return outdated(request)
    aside.delete()
    begun = pending.take(request, KIND, str(kept["state"]))
    if begun is None:
        return outdated(request)
    found = kept["person"] | {name: tuple(kept["person"][name]) for name in ("affiliations", "groups")}
    log.info("a response of %s was verified", federation.label)
    return arrive(request, Person(**found), begun, proof=f"{found['session']}\n{kept['name_id']}")


@signed
@require_safe
def logged_out(request: HttpRequest) -> HttpResponse:
    """End the sessions that an identity provider says have ended; or its answer to a logout of ours."""
    federation = _federation()
    if "SAMLRequest" not in request.GET:
        return redirect(settings.LOGOUT_REDIRECT_URL)
    try:
        ended = federation.ended(request.GET.dict())
    except SignOnError as error:
        log.warning("%s", error)
        return HttpResponse(status=400)
    for session in ended.sessions:
        end_session(ended.provider, session)
    if ended.name:
        _end_all(ended.provider, ended.name)
    return redirect(ended.answer)


def _end_all(provider: str, name: str) -> None:
    """End all sessions of whom the identity provider calls `name`: their names, which may be for one session, stand in these alone."""
    from amphi.signon.saml import names  # noqa: PLC0415 -- loaded only where SAML is used

    rows = SignOnSession.objects.filter(identity__provider=provider).select_related("session")
    for row in rows:
        session, _, name_id = str(row.session.get_decoded().get(PROOF, "")).partition("\n")
        if names(name_id, name):
            end_session(provider, session)


@anyone
@require_safe
def metadata(_request: HttpRequest) -> HttpResponse:
    """This platform's metadata."""
    try:
        return HttpResponse(_federation().described(), content_type="application/samlmetadata+xml")
    except SignOnError as error:
        log.warning("there is no metadata of this platform: %s", error)
        return HttpResponse(status=503)
