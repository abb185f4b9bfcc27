"""Joining a meeting: the participants' link, the waiting room, and the page after leaving.

The session remembers people who passed the form, so that the waiting room lets them in automatically.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amphi.accounts.models import User
from amphi.audience import hands
from amphi.audience.models import Event
from amphi.meetings import join as joining
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.meetings.queries import when
from amphi.meetings.rights import can_moderate
from amphi.pages.access import anyone, participant
from amphi.pages.live.viewers import viewer_in
from amphi.pages.meetings.join_form import JoinForm
from amphi.system import passwords

NAME_KEY = "join-name"


def _as_moderator(request: HttpRequest, meeting: Meeting, user: User) -> HttpResponse:
    if not meeting.is_open:
        messages.info(request, _("It has not been started yet, or is over. Start it here."))
        return redirect(meeting)
    try:
        return HttpResponseRedirect(joining.moderator_url(meeting, user=user))
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect(meeting)


@participant
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, meeting: Meeting, *, invited: bool) -> HttpResponse:
    """Enter the meeting: at once, after the form or after the waiting room. Moderators enter as moderators."""
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"running": meeting.is_open})
    user = request.user if isinstance(request.user, User) else None
    if user is not None and can_moderate(user, meeting):
        return _as_moderator(request, meeting, user)
    asks_password = bool(meeting.password) and not invited
    if "again" in request.GET:
        request.session.pop(meeting.door, None)
    name = str(user) if user else request.session.get(NAME_KEY, "")
    passed = (user is not None and not asks_password) or passwords.is_known(
        request.session, meeting.door, meeting.password
    )
    if request.method != "POST" and passed and name:
        return _enter(request, meeting, name, user)
    form = JoinForm(
        request,
        meeting=meeting,
        asks_name=user is None,
        asks_password=asks_password,
        name=name,
    )
    if not form.is_valid():
        context = {
            "meeting": meeting,
            "when": when(meeting, timezone.now()),
            "form": form,
            "is_on": meeting.is_open,
        }
        return render(request, "meetings/join.html", context, status=422 if form.is_bound else 200)
    request.session[meeting.door] = passwords.proof(meeting.door, meeting.password)
    if user is None:
        request.session[NAME_KEY] = form.cleaned_data["name"]
    return redirect(request.path)


def _enter(request: HttpRequest, meeting: Meeting, name: str, user: User | None) -> HttpResponse:
    error = ""
    try:
        url = joining.participant_url(meeting, name=name, user=user)
    except MeetingError as refused:
        url, error = None, str(refused)
    if url is None:
        context = {"meeting": meeting, "when": when(meeting, timezone.now()), "name": name, "error": error}
        return render(request, "meetings/waiting.html", context, status=503 if error else 200)
    request.session.pop(meeting.door, None)
    return HttpResponseRedirect(url)


@anyone
@never_cache
@require_safe
def left(request: HttpRequest, slug: str) -> HttpResponse:
    """The page to which BBB sends people who leave: moderators go on to their meeting's page, all others see a goodbye."""
    meeting = get_object_or_404(Meeting, slug=slug)
    if can_moderate(request.user, meeting):
        return redirect(meeting)
    event = Event.objects.filter(livestream__meeting=meeting).first()
    if event is not None and hands.of_viewer(event.pk, viewer_in(request)):
        return redirect(event)  # a listener who was on stage
    return render(request, "meetings/left.html", {"meeting": meeting})
