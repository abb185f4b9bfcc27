"""What is answered where no view could answer: a page, or a problem to programs that ask by the API."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from amphi.system import problems


def failed(request: HttpRequest) -> HttpResponse:
    """An error of ours, which Django has logged."""
    if problems.is_asked_for(request):
        return problems.answer(500, "error")
    return defaults.server_error(request)
