"""Signing on by Shibboleth in front of the platform."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from amphi.pages.access import anyone, signed
from amphi.pages.accounts import pending
from amphi.pages.accounts.entering import enter, outdated, public_address, refused
from amphi.signon.exceptions import SignOnError

if TYPE_CHECKING:
    from amphi.signon.shibboleth import ShibbolethProxy

KIND = "shibboleth"


def _proxy() -> "ShibbolethProxy":
    if settings.SIGN_ON.shibboleth is None:
        raise Http404
    return settings.SIGN_ON.shibboleth


@anyone
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the proxy's login."""
    proxy = _proxy()
    state = urlencode({"state": pending.begin(request, KIND)})
    return redirect(proxy.login_url(f"{public_address('accounts:shibboleth_back')}?{state}"))


@signed
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Let in whom the proxy tells of."""
    proxy = _proxy()
    begun = pending.take(request, KIND, request.GET.get("state", ""))
    if begun is None:
        return outdated(request)
    try:
        return enter(request, proxy.person(request.headers), begun["next"])
    except SignOnError as error:
        return refused(request, proxy.label, error, begun["next"])
