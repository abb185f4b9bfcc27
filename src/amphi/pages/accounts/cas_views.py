"""Signing on by CAS."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from amphi.accounts.identities import end_session
from amphi.pages.access import anyone, signed
from amphi.pages.accounts import pending
from amphi.pages.accounts.entering import arrive, outdated, public_address, refused
from amphi.signon.cas import PROVIDER, CasServer, ended_session
from amphi.signon.exceptions import SignOnError


def _server() -> CasServer:
    if settings.SIGN_ON.cas is None:
        raise Http404
    return settings.SIGN_ON.cas


def _service(state: str) -> str:
    return f"{public_address('accounts:cas_back')}?{urlencode({'state': state})}"


@anyone
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Lead the browser to CAS."""
    return redirect(_server().login_url(_service(pending.begin(request, PROVIDER))))


@signed
@csrf_exempt
@require_http_methods(["GET", "POST"])
def back(request: HttpRequest) -> HttpResponse:
    """Let in who comes back with a ticket; CAS itself posts here which session has ended."""
    server = _server()
    if request.method == "POST":
        ticket = ended_session(request.POST.get("logoutRequest", ""))
        if ticket:
            end_session(PROVIDER, ticket)
        return HttpResponse(status=204)
    state = request.GET.get("state", "")
    begun = pending.take(request, PROVIDER, state)
    if begun is None:
        return outdated(request)
    try:
        person = server.person(request.GET.get("ticket", ""), _service(state))
        if settings.SIGN_ON.directory is not None and settings.SIGN_ON.cas_with_directory:
            person = settings.SIGN_ON.directory.complete(person)
    except SignOnError as error:
        return refused(request, server.label, error, begun["next"])
    return arrive(request, person, begun)
