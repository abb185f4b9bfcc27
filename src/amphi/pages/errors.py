"""What is answered where no view could answer: a page, or a problem to programs that ask by the API."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from amphi.system import problems, request_ids


def failed(request: HttpRequest) -> HttpResponse:
    """An error of ours, which Django has logged."""
    if problems.is_asked_for(request):
        return problems.answer(500, "error")
    # Without the request: what the pages' context reads may be what failed.
    page = render_to_string("500.html", {"request_id": request_ids.current()})
    return HttpResponse(page, status=500)
