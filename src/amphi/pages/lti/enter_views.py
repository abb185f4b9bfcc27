"""From the frame into a tab of one's own, where our cookies count: one logs in there, after a look at who one will be."""

import logging

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from amphi.accounts.identities import remember_session
from amphi.lti import visiting
from amphi.lti.models import Launch
from amphi.pages.access import signed
from amphi.pages.accounts.entering import BACKEND
from amphi.pages.lti import frames
from amphi.signon.person import Person

log = logging.getLogger(__name__)
PANEL = "panel"


def _next(launch: Launch, to: str) -> str:
    """Where to go: to the page of presenters, the live page, or what somebody has here."""
    event = visiting.event_of(launch)
    if event is None:
        return reverse("meetings:list")
    if to == PANEL and launch.link is not None:
        return launch.link.meeting.get_absolute_url()
    return event.get_absolute_url()


@signed
@csrf_exempt
@never_cache
@require_POST
def enter(request: HttpRequest) -> HttpResponse:
    """Show who will be logged in. A form of any site can lead here, so nobody is logged in by it alone."""
    given, to = request.POST.get("pass", ""), request.POST.get("to", "")
    launch = visiting.by_pass(given)
    if launch is None:
        return frames.outdated(request)
    if request.user == launch.identity.user:
        return redirect(_next(launch, to))
    if launch.entered_at is not None:
        return frames.outdated(request)
    context = {"launch": launch, "pass": given, "to": to, "person": launch.identity.user}
    return render(request, "lti/enter.html", context)


@signed
@never_cache
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Log in who said so, once."""
    launch = visiting.by_pass(request.POST.get("pass", ""))
    if launch is None or not visiting.enter(launch):
        return frames.outdated(request)
    identity = launch.identity
    login(request, identity.user, backend=BACKEND)
    remember_session(request.session, identity, Person(identity.provider, identity.subject, ""))
    log.info("%s logged in from a course of %s", identity.user.get_username(), launch.platform)
    return redirect(_next(launch, request.POST.get("to", "")))
