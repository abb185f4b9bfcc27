"""What all pages in a course have in common: who may show them in a frame, the one cookie that comes there, the language."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation

from amphi.lti.models import LAUNCH_LASTS, Launch, Platform
from amphi.system import security

COOKIE = "amphi_lti"


def browser_in(request: HttpRequest) -> str:
    """The name that this browser has in this site's frames; empty when it has none."""
    return request.COOKIES.get(COOKIE, "")[:100]


def remember(response: HttpResponse, browser: str) -> HttpResponse:
    """Have the browser say its name again in the frames of this site.

    A cookie of one site's frames (CHIPS), which browsers keep where they block other cookies in frames; Django can't write it yet.
    """
    lasts = int(LAUNCH_LASTS.total_seconds())
    response["Set-Cookie"] = (
        f"{COOKIE}={browser}; Path=/lti/; Max-Age={lasts}; Secure; HttpOnly; SameSite=None; Partitioned"
    )
    return response


def sites_of(platform: Platform) -> list[str]:
    """Where the pages of `platform` come from."""
    origins = []
    for url in (platform.auth_url, platform.issuer):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.netloc:
            origins.append(f"{parts.scheme}://{parts.netloc}")
    return list(dict.fromkeys(origins))


def framed(response: HttpResponse, platform: Platform | None, *, forms_to: str = "'self'") -> HttpResponse:
    """Let the pages of `platform` show a page in a frame; without one nobody may."""
    return framed_by(response, sites_of(platform) if platform is not None else [], forms_to=forms_to)


def framed_by(response: HttpResponse, sites: list[str], *, forms_to: str = "'self'") -> HttpResponse:
    """Let the pages of some sites show a page in a frame."""
    response.headers[security.HEADER] = security.policy(framed_by=sites, forms_to=forms_to)
    return exempt(response) if sites else response


def exempt(response: HttpResponse) -> HttpResponse:
    """Leave frames to the policy, which names sites."""
    response.xframe_options_exempt = True
    return response


def outdated(request: HttpRequest, platform: Platform | None = None) -> HttpResponse:
    """This browser did not open that page, or long ago."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": "open_again"}, status=403)
    return framed(render(request, "lti/refused.html", {"why": "outdated"}, status=403), platform)


@contextmanager
def speaking(launch: Launch) -> Iterator[None]:
    """The language that its person has in the course."""
    if launch.language not in dict(settings.LANGUAGES):
        yield
        return
    with translation.override(launch.language):
        yield
