"""Takes captions over HTTP, from whoever has the webinar's token: a person who types them, or any service. See docs/captions.md."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from amphi.audience.captions import taking
from amphi.audience.captions.taking import Sentence
from amphi.audience.exceptions import (
    CaptionError,
    CaptionsOffError,
    InvalidCaptionError,
    NothingOnAirError,
    TooManyCaptionsError,
)
from amphi.audience.models import CaptionsFrom, Event
from amphi.pages.access import captioner

MOST_AT_ONCE = 20
_STATUS: dict[type[CaptionError], int] = {
    InvalidCaptionError: 422,
    CaptionsOffError: 409,
    NothingOnAirError: 409,
    TooManyCaptionsError: 429,
}


# A service with a token has no cookie, so nobody can have it send what it does not want.
@csrf_exempt
@require_POST
@never_cache
@captioner
def captions(request: HttpRequest, event: Event) -> HttpResponse:
    """Take one caption, or several."""
    kept = 0
    try:
        for sentence in list(_sentences(request.body)):
            kept += taking.take(event, sentence, source=CaptionsFrom.OUTSIDE)
    except CaptionError as error:
        headers = {"Retry-After": "10"} if isinstance(error, TooManyCaptionsError) else {}
        said = {"error": error.code, "detail": str(error), "kept": kept}
        return JsonResponse(said, status=_STATUS[type(error)], headers=headers)
    return JsonResponse({"kept": kept})


def _sentences(body: bytes) -> Iterator[Sentence]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidCaptionError("the body is not JSON") from None
    rows = said if isinstance(said, list) else [said]
    if len(rows) > MOST_AT_ONCE:
        raise InvalidCaptionError(f"more than {MOST_AT_ONCE} captions at once")
    return (_sentence(row) for row in rows)


def _sentence(row: Any) -> Sentence:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InvalidCaptionError('a caption is an object with a "text"')
    name, is_final = row.get("id", ""), row.get("final", True)
    if not isinstance(name, str) or not name.isprintable() or not isinstance(is_final, bool):
        raise InvalidCaptionError('"id" is a text of one line, "final" is true or false')
    if not is_final and not name:
        raise InvalidCaptionError('a caption that will be told again needs an "id"')
    at, until = (_moment(row.get(key), key) for key in ("at", "until"))
    return Sentence(row["text"], name=name.strip(), at=at, until=until, is_final=is_final)


def _moment(given: Any, key: str) -> datetime | None:
    """A time: ISO 8601 with its offset, or seconds since the Unix epoch."""
    if given is None:
        return None
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC)
        moment = parse_datetime(given) if isinstance(given, str) else None
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidCaptionError(f'"{key}" is a time as 2026-11-26T14:00:00.5+01:00, or Unix seconds')
    return moment
