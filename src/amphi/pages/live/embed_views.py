"""The live in a page of another site."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from amphi.audience.domain import is_visitor, new_visitor, ticket_for
from amphi.audience.models import Event
from amphi.audience.rights import is_open_to_all
from amphi.pages.access import anyone, embedded
from amphi.pages.live import oembed as other_sites
from amphi.pages.live.views import replay_comes, stream_facts, with_pictures

VISITOR_COOKIE = "amphi_embed"


def _remembered(request: HttpRequest) -> str:
    """The browser's name in that site, as it has kept it; empty when it has none."""
    kept = (request.COOKIES.get(VISITOR_COOKIE, ""), request.GET.get("viewer", ""))
    return next((name for name in kept if is_visitor(name)), "")


def _facts(request: HttpRequest, event: Event) -> dict[str, object]:
    """What anybody may know: who is logged in here is nobody in a page of another site."""
    known = _remembered(request)
    visitor = known or new_visitor()
    ticket = ticket_for(event, AnonymousUser(), visitor)
    return {**stream_facts(event, ticket), "viewer": visitor, "remembered": bool(known)}


def _remember(response: HttpResponse, visitor: object) -> None:
    """Have the browser say its name again, so that it counts once. It may refuse to: nothing else depends on it.

    A cookie of one site's frames (CHIPS), which browsers keep where they block other cookies in frames; Django can't write it yet.
    """
    response["Set-Cookie"] = (
        f"{VISITOR_COOKIE}={visitor}; Path=/embed/; Secure; HttpOnly; SameSite=None; Partitioned"
    )


@require_safe
@never_cache
@xframe_options_exempt
@embedded
def player(request: HttpRequest, event: Event, *, is_open: bool) -> HttpResponse:
    """The player alone, for a frame. It needs no cookie."""
    context: dict[str, object] = {"event": event, "embedded": True, "is_open": is_open}
    if is_open:
        facts = _facts(request, event)
        facts["state_url"] = reverse("live:embed_state", args=[event.slug])
        context |= {
            "live": facts,
            "state": facts["state"],
            "replay_comes": replay_comes(event),
            "page_url": settings.AMPHI_URL + event.get_absolute_url(),
        }
    response = render(request, "live/embed.html", context)
    if is_open:
        _remember(response, facts["viewer"])
    return with_pictures(response, framed_by=settings.AMPHI_EMBED_SITES)


@require_safe
@never_cache
@embedded
def state(request: HttpRequest, event: Event, *, is_open: bool) -> HttpResponse:
    """The facts of that page anew. Where the browser keeps no cookie for it, it says itself who it was."""
    if not is_open:
        return JsonResponse({"error": "open_page"}, status=403)
    facts = _facts(request, event)
    if "aside" in request.GET:
        facts["events_url"] = f"{facts['events_url']}&aside=1"
    return JsonResponse(facts)


@require_safe
@anyone
def oembed(request: HttpRequest) -> HttpResponse:
    """What other sites ask to show a live whose address somebody pasted there (https://oembed.com)."""
    if request.GET.get("format", "json") != "json":
        return JsonResponse({"error": "only format=json is known here"}, status=501)
    slug = other_sites.slug_in(request.GET.get("url", ""))
    event = Event.objects.filter(slug=slug, is_draft=False).first() if slug else None
    if event is None or not settings.AMPHI_EMBED_SITES:
        return _briefly(JsonResponse({"error": "no live event has this address"}, status=404))
    if not is_open_to_all(event):
        return _briefly(JsonResponse({"error": "this live event is not open to all"}, status=401))
    try:
        content = other_sites.content(
            event, request.GET.get("maxwidth", ""), request.GET.get("maxheight", "")
        )
    except other_sites.BadSizeError:
        least = other_sites.SMALLEST
        return JsonResponse({"error": f"maxwidth and maxheight are pixels, at least {least}"}, status=400)
    return _briefly(JsonResponse(content))


def _briefly(response: HttpResponse) -> HttpResponse:
    """The answer is the same for everybody."""
    response["Cache-Control"] = f"public, max-age={other_sites.FRESH_S}"
    return response
