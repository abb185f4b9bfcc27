"""Public pages about the service."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from amphi.pages.about.institution import link_to
from amphi.pages.access import anyone
from amphi.privacy.records import records
from amphi.system import security


@require_safe
@anyone
def accessibility(request: HttpRequest) -> HttpResponse:
    """The accessibility statement, in the form that French law requires of a public service."""
    context = {
        "address": settings.AMPHI_URL,
        "result": settings.AMPHI_ACCESSIBILITY_RESULT,
        "contact": link_to(settings.AMPHI_ACCESSIBILITY_CONTACT or settings.AMPHI_HELP),
        "contact_shown": settings.AMPHI_ACCESSIBILITY_CONTACT or settings.AMPHI_HELP,
        "subject": settings.AMPHI_INSTITUTION or _("The institution that runs this service"),
    }
    return render(request, "about/accessibility.html", context)


@require_safe
@anyone
def personal_data(request: HttpRequest) -> HttpResponse:
    """The page on personal data: what is stored, why, for how long, and who can see it."""
    context = {
        "records": records(),
        "contact": link_to(settings.AMPHI_PRIVACY_CONTACT),
        "contact_shown": settings.AMPHI_PRIVACY_CONTACT,
        "subject": settings.AMPHI_INSTITUTION or _("The institution that runs this service"),
    }
    return render(request, "about/personal_data.html", context)


@require_safe
@cache_control(public=True, max_age=3600)
@anyone
def logo(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- as Django calls a view
    """The institution's logo."""
    if settings.AMPHI_LOGO is None:
        raise Http404
    answer = HttpResponse(settings.AMPHI_LOGO.content, content_type=settings.AMPHI_LOGO.content_type)
    # An SVG opened on its own is a document, in which no script may run.
    answer.headers[security.HEADER] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer
