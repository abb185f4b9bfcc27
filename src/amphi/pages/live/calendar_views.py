"""Events for listeners' calendars."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amphi.audience import calendar
from amphi.audience.models import Event
from amphi.pages.access import anyone, watcher

FEED_FRESH_S = 300


@require_safe
@anyone
def feed(request: HttpRequest) -> HttpResponse:
    """The feed of all public events."""
    content = calendar.write_feed(calendar.feed(timezone.now()).select_related("owner"))
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'inline; filename="directs.ics"'
    answer["ETag"] = etag
    answer["Cache-Control"] = f"public, max-age={FEED_FRESH_S}"
    return answer


@require_safe
@never_cache
@watcher
def event(request: HttpRequest, event: Event) -> HttpResponse:  # noqa: ARG001 -- the rule has read it
    """One event, as a calendar file."""
    answer = HttpResponse(calendar.write_event(event), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{event.slug}.ics"'
    return answer
