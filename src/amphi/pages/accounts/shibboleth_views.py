"""Signing on by Shibboleth in front of the platform."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from amphi.accounts.identities import end_session
from amphi.pages.access import anyone, signed
from amphi.pages.accounts import pending
from amphi.pages.accounts.entering import arrive, outdated, public_address, refused
from amphi.signon.exceptions import SignOnError
from amphi.signon.shibboleth import HEARD, PROVIDER, ended_sessions

if TYPE_CHECKING:
    from amphi.signon.shibboleth import ShibbolethProxy


def _proxy() -> "ShibbolethProxy":
    if settings.SIGN_ON.shibboleth is None:
        raise Http404
    return settings.SIGN_ON.shibboleth


@anyone
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the proxy's login."""
    proxy = _proxy()
    state = urlencode({"state": pending.begin(request, PROVIDER)})
    return redirect(proxy.login_url(f"{public_address('accounts:shibboleth_back')}?{state}"))


@signed
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Let in whom the proxy tells of."""
    proxy = _proxy()
    begun = pending.take(request, PROVIDER, request.GET.get("state", ""))
    if begun is None:
        return outdated(request)
    try:
        return arrive(request, proxy.person(request.headers), begun)
    except SignOnError as error:
        return refused(request, proxy.label, error, begun["next"])


@signed
@csrf_exempt
@require_POST
def ended(request: HttpRequest) -> HttpResponse:
    """End the sessions that the service provider says have ended."""
    _proxy()
    for session in ended_sessions(request.body):
        end_session(PROVIDER, session)
    return HttpResponse(HEARD, content_type="text/xml; charset=utf-8")
