"""What is answered where no view could answer: a page, or a problem to programs that ask by the API."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop
from django.views import defaults

from amphi.system import problems, request_ids


def failed(request: HttpRequest) -> HttpResponse:
    """An error of ours, which Django has logged."""
    if problems.is_asked_for(request):
        return problems.answer(500, "error")
    # Without the request: what the pages' context reads may be what failed.
    page = render_to_string("500.html", {"request_id": request_ids.current()})
    return HttpResponse(page, status=500)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django's
    """A request that nobody can read. Django's own answer reads the form again, fails as before, and becomes an error of ours."""
    if problems.is_asked_for(request):
        return problems.answer(400, "unreadable")
    said = {
        "title": gettext_noop("The request can’t be read"),
        "text": gettext_noop("What was sent is not as a browser sends it. Go back and try again."),
    }
    return HttpResponse(render_to_string("refused.html", said), status=400)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is no such page. Where the browser has a cookie, Django looks for its token in the form."""
    try:
        return defaults.page_not_found(request, exception)
    except (MultiPartParserError, SuspiciousOperation) as error:
        return unreadable(request, error)
