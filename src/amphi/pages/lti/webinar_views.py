"""The live of a webinar in a course."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amphi.audience.domain import ticket_for
from amphi.audience.models import Event
from amphi.audience.rights import moderates_event
from amphi.lti import visiting
from amphi.lti.models import Launch
from amphi.pages.access import launched
from amphi.pages.live.views import replay_comes, stream_facts, with_pictures
from amphi.pages.lti import frames


def _facts(launch: Launch, event: Event) -> dict[str, object]:
    """What the page plays from. The ticket is in it, so nothing that it fetches needs a cookie but its own state."""
    ticket = ticket_for(event, launch.identity.user)
    return {
        **stream_facts(event, ticket),
        "remembered": True,
        "state_url": reverse("lti:state", args=[launch.pk]),
    }


@require_safe
@never_cache
@launched
def webinar(request: HttpRequest, launch: Launch) -> HttpResponse:
    """The player, and ways out of the frame; a teacher whose activity has no webinar yet chooses one."""
    event, user = visiting.event_of(launch), launch.identity.user
    if event is None:
        if launch.is_teacher:
            return redirect("lti:choose", launch.pk)
        page = render(request, "lti/refused.html", {"why": "none"})
        return frames.framed(page, launch.platform)
    is_open = visiting.may_watch(user, event)
    context: dict[str, object] = {
        "event": event,
        "embedded": True,
        "is_open": is_open,
        "launch": launch,
        "pass": visiting.pass_of(launch),
        "presents": moderates_event(user, event),
    }
    if is_open:
        facts = _facts(launch, event)
        context |= {"live": facts, "state": facts["state"], "replay_comes": replay_comes(event)}
    response = with_pictures(
        render(request, "lti/webinar.html", context), framed_by=frames.sites_of(launch.platform)
    )
    return frames.exempt(response)


@require_safe
@never_cache
@launched
def state(request: HttpRequest, launch: Launch) -> HttpResponse:
    """The facts of that page anew."""
    event = visiting.event_of(launch)
    if event is None or not visiting.may_watch(launch.identity.user, event):
        return JsonResponse({"error": "refused"}, status=403)
    facts = _facts(launch, event)
    if "aside" in request.GET:
        facts["events_url"] = f"{facts['events_url']}&aside=1"
    return JsonResponse(facts)
