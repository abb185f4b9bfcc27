"""Who registered for a webinar, for its moderators: the list, the decision, the file, the rules."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from amphi.audience import registration
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, Registration, RegistrationRules
from amphi.meetings.models import Meeting
from amphi.pages.access import UserRequest, moderator

PAGE_SIZE = 50
SHOWN = [
    Registration.Status.WAITING,
    Registration.Status.ACCEPTED,
    Registration.Status.REFUSED,
    Registration.Status.WITHDRAWN,
]


def _event(meeting: Meeting) -> Event:
    event = (
        Event.objects.filter(livestream__meeting=meeting).first() if settings.USE_MEETING_WEBINAR else None
    )
    if event is None:
        raise Http404
    return event


@moderator
@require_safe
def registrations(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Those who registered, with what they said."""
    event = _event(meeting)
    status = request.GET.get("status", "")
    rules = RegistrationRules.objects.filter(event=event).first()
    counts = {each: event.registrations.filter(status=each).count() for each in SHOWN}
    context = {
        "meeting": meeting,
        "event": event,
        "rules": rules,
        "page": Paginator(registration.listed(event, status), PAGE_SIZE).get_page(request.GET.get("page")),
        "status": status if status in SHOWN else "",
        "kinds": [(each.value, each.label, counts[each]) for each in SHOWN],
        "waiting": counts[Registration.Status.WAITING],
        "accepted": counts[Registration.Status.ACCEPTED],
        "total": sum(counts.values()),
    }
    return render(request, "webinars/registrations.html", context)


@moderator
@require_POST
def decide(request: UserRequest, meeting: Meeting) -> HttpResponse:
    """Accepts or refuses one, gives one another link, or accepts all that wait."""
    event = _event(meeting)
    number = request.POST.get("pk", "")
    pks = [int(number)] if number.isascii() and number.isdigit() and len(number) < 19 else []  # noqa: PLR2004
    try:
        if request.POST.get("decision") == "renew":
            return _renewed(request, meeting, event, pks)
        if "all" in request.POST:
            done = registration.accept_all(event, user=request.user)
        else:
            accept = request.POST.get("decision") == "accept"
            done = registration.decide(event, pks, accept=accept, user=request.user)
    except RegistrationError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            ngettext(
                "%(count)s registration changed; an email is on its way.",
                "%(count)s registrations changed; emails are on their way.",
                done,
            )
            % {"count": done},
        )
    return redirect("webinars:registrations", meeting.slug)


def _renewed(request: UserRequest, meeting: Meeting, event: Event, pks: list[int]) -> HttpResponse:
    row = registration.renew_link(event, *pks[:1] or [0], user=request.user)
    messages.success(
        request,
        _("A new personal link is on its way to %(name)s; the old one opens nothing any more.")
        % {"name": row.name},
    )
    return redirect("webinars:registrations", meeting.slug)


@moderator
@require_safe
def as_csv(request: UserRequest, meeting: Meeting) -> HttpResponse:  # noqa: ARG001 -- the address says it all
    """All of them as a file."""
    name = f"{slugify(meeting.name)[:60] or 'webinar'}-registrations.csv"
    return HttpResponse(
        registration.as_csv(_event(meeting)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
