"""How somebody comes from a course: the platform's call to log in, and its message."""

import logging
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amphi.accounts.identities import AccountClosedError
from amphi.lti import launching, messages, requests, tool_keys
from amphi.lti.exceptions import (
    LtiError,
    NotAllowedError,
    RefusedError,
    UnknownDeploymentError,
    UnreachableError,
)
from amphi.lti.models import Launch, Platform
from amphi.pages.access import anyone, signed
from amphi.pages.lti import frames

log = logging.getLogger(__name__)
KEPT = "kept"
"""A parameter of ours: the browser was given its cookie, and should have it now."""


@require_safe
@anyone
def keys(_request: HttpRequest) -> HttpResponse:
    """The public keys of this platform (RFC 7517)."""
    response = JsonResponse(tool_keys.key_set())
    response["Cache-Control"] = "public, max-age=300"
    return response


@signed
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Answer a platform's call to log in, once the browser is known to keep the cookie that its message will need.

    Asked before the platform is, because Moodle answers one request for each call: so a browser without cookies can begin anew in a tab.
    """
    _check_in_use()
    given = request.POST if request.method == "POST" else request.GET
    platform = None
    try:
        parameters = requests.login_parameters(given.dict())
        platform = requests.platform_of(parameters)
    except RefusedError as error:
        return _refused(request, platform, error)
    browser = frames.browser_in(request)
    if not browser and KEPT in given:
        again = f"{reverse('lti:login')}?{urlencode(parameters)}"
        page = render(request, "lti/new_tab.html", {"again": again, "platform": platform})
        return frames.framed(page, platform)
    if not browser:
        query = urlencode({**parameters, KEPT: "1"})
        return frames.remember(redirect(f"{reverse('lti:login')}?{query}"), requests.new_browser())
    back = settings.AMPHI_URL + reverse("lti:launch")
    return redirect(requests.authentication_url(platform, parameters, browser=browser, back=back))


@signed
@csrf_exempt
@never_cache
@require_POST
def launch(request: HttpRequest) -> HttpResponse:
    """Take in whom a platform's message brings."""
    _check_in_use()
    browser, platform = frames.browser_in(request), None
    try:
        begun = requests.begun_by(request.POST.get("state", ""), browser)
        platform = Platform.objects.filter(pk=begun.platform_id, is_active=True).first()
        if platform is None:
            raise RefusedError("the platform is no longer registered")
        if request.POST.get("error"):
            raise RefusedError("the platform says no")
        message = messages.read(
            request.POST.get("id_token", ""),
            platform,
            nonce=begun.nonce,
            launch_url=settings.AMPHI_URL + reverse("lti:launch"),
        )
        found = launching.receive(platform, message, nonce=begun.nonce, browser=requests.mark_of(browser))
    except AccountClosedError:
        return _said(request, platform, _("Your account here is closed. Ask those who run this platform."))
    except NotAllowedError as error:
        return _said(request, platform, str(error))
    except LtiError as error:
        return _refused(request, platform, error)
    log.info("%s came from the course %s of %s", found.identity.user, found.course_id, platform)
    return redirect(page_of(found))


def page_of(launch: Launch) -> str:
    """Where a launch leads."""
    page = "lti:webinar" if launch.deep_linking is None else "lti:choose"
    return reverse(page, args=[launch.pk])


def _check_in_use() -> None:
    if not settings.USE_MEETING_WEBINAR:
        raise Http404


def _refused(request: HttpRequest, platform: Platform | None, error: LtiError) -> HttpResponse:
    log.warning("a launch from %s was refused: %s", platform or "an unknown platform", error)
    is_down = isinstance(error, UnreachableError)
    context = {"why": "unreachable" if is_down else "refused", "platform": platform}
    if isinstance(error, UnknownDeploymentError):
        context |= {"why": "deployment", "deployment": error.deployment}
    page = render(request, "lti/refused.html", context, status=502 if is_down else 403)
    return frames.framed(page, platform)


def _said(request: HttpRequest, platform: Platform | None, sentence: str) -> HttpResponse:
    page = render(request, "lti/refused.html", {"why": "said", "sentence": sentence}, status=403)
    return frames.framed(page, platform)
