"""Posters, from our own address."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from amphi.audience.models import Event, Poster
from amphi.pages.access import finder

SIZES = {"full": "full", "small": "thumbnail"}


@require_safe
@finder
def poster(request: HttpRequest, event: Event, mark: str, size: str) -> HttpResponse:  # noqa: ARG001 -- the rule has read it
    """One poster; another one has another address, so that it can be kept for long."""
    if mark != event.poster_mark or size not in SIZES:
        raise Http404
    found = get_object_or_404(Poster.objects.only(SIZES[size]), event=event)
    answer = HttpResponse(bytes(getattr(found, SIZES[size])), content_type="image/jpeg")
    scope = "private" if event.is_draft else "public"
    answer["Cache-Control"] = f"{scope}, max-age=31536000, immutable"
    return answer
