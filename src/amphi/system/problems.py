"""Errors that programs are told, as RFC 9457 has them: `application/problem+json`, in the language of Accept-Language."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

API = "/api/"
"""Where the addresses of the API begin."""
MEDIA_TYPE = "application/problem+json"
TITLES: dict[int, Promise] = {
    400: gettext_lazy("The request can’t be read"),
    401: gettext_lazy("A valid token is needed"),
    403: gettext_lazy("This is not allowed"),
    404: gettext_lazy("There is nothing here"),
    405: gettext_lazy("This can’t be done here"),
    409: gettext_lazy("This can’t be done now"),
    413: gettext_lazy("That is too much at once"),
    422: gettext_lazy("Some values are not valid"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("An error occurred"),
    502: gettext_lazy("The meeting server does not answer"),
    503: gettext_lazy("Too many requests at once"),
}


def answer(
    status: int, code: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """A problem.

    Args:
        status: HTTP's.
        code: what happened, in a word for programs.
        detail: the same, as a translated sentence for people.
        headers: to send along.
        more: members besides those of the RFC.
    """
    title = str(TITLES[status])
    said = {"type": "about:blank", "title": title, "status": status, "code": code}
    body = json.dumps(said | {"detail": detail or title} | more, ensure_ascii=False)
    told = {"Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers=told)


def is_asked_for(request: HttpRequest) -> bool:
    """Whether a program asks by the API, where every error is a problem."""
    return request.path_info.startswith(API)


def outside_views(request: HttpRequest, status: int, code: str, **headers: str) -> HttpResponse:
    """A problem that no view met with, so that nobody has looked for the language yet."""
    with translation.override(translation.get_language_from_request(request)):
        return answer(status, code, headers={name.replace("_", "-"): said for name, said in headers.items()})
