"""Addresses of the API."""

import json
from functools import cache
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from amphi.api.application import api
from amphi.api.door import View, door
from amphi.api.problems import Problem

app_name = "api"


@cache
def _document() -> str:
    """Made once: anybody may ask for it, and making it takes a while."""
    with translation.override("en"):
        return json.dumps(api.get_openapi_schema(), ensure_ascii=False)


def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document, for everybody."""
    if request.method not in {"GET", "HEAD"}:
        return Problem(405, "method", headers={"Allow": "GET, HEAD"}).response()
    return HttpResponse(_document(), content_type="application/json")


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- the same for all
    """What is not there is told as a problem, too."""
    return Problem(404, "not_found").response()


document.access_rule = nothing.access_rule = "anyone"  # type: ignore[attr-defined]
_operations, _app, _namespace = api.urls
for _one in _operations:
    _one.callback = door(cast("View", _one.callback))
urlpatterns = [
    path("openapi.json", csrf_exempt(document), name="openapi"),
    *_operations,
    re_path(r"", nothing, name="nothing"),
]
