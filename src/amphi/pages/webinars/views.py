"""Moderators' actions on the live of their webinar, from its panel and from the list."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.accounts.rights import can_create_webinar
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.pages.access import logged_in, moderator
from amphi.pages.webinars.forms import ChatForm
from amphi.pages.webinars.panel import panel
from amphi.pages.webinars.picture_form import PictureForm
from amphi.webinars import domain
from amphi.webinars.models import Livestream


def livestream_or_404(meeting: Meeting) -> Livestream:
    """The livestream of `meeting`; 404 when it is not a webinar or webinars are switched off."""
    livestream = domain.livestream_of(meeting) if settings.USE_MEETING_WEBINAR else None
    if livestream is None:
        raise Http404
    return livestream


def _back(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Redirect to the page of the pressed button."""
    next_url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        next_url, {request.get_host()}, require_https=request.is_secure()
    )
    if is_ours and next_url.startswith("/"):
        return HttpResponseRedirect(next_url)  # `redirect` could take it for the name of a view
    return redirect(meeting)


def _act(request: HttpRequest, meeting: Meeting, action: Callable[[], None], done: str) -> HttpResponse:
    try:
        action()
    except MeetingError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return _back(request, meeting)


@moderator
@require_POST
def stop(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Stop only the live."""
    livestream = livestream_or_404(meeting)
    done = _("The live is stopping; the meeting goes on.")
    return _act(request, meeting, lambda: domain.stop_live(livestream, user=request.user), done)


@moderator
@require_POST
def open_live(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Go live from backstage."""
    livestream = livestream_or_404(meeting)
    done = _("You are live.")
    return _act(request, meeting, lambda: domain.open_live(livestream, user=request.user), done)


@moderator
@require_POST
def restart(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Restart only the live, or start it again while the meeting goes on."""
    livestream = livestream_or_404(meeting)
    done = _("The live is restarting; the meeting goes on.")
    return _act(request, meeting, lambda: domain.restart_or_start(livestream, user=request.user), done)


@moderator
@require_POST
def end(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """End the webinar: meeting and live."""
    livestream = livestream_or_404(meeting)
    done = _("The webinar is ending: the meeting closes and the live stops.")
    return _act(request, meeting, lambda: domain.end_webinar(livestream, user=request.user), done)


@moderator
@require_POST
def chat(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Show or hide the listeners' chat. The request names the wanted state, so a double click has no further effect."""
    livestream_or_404(meeting)
    if "enable_chat" not in settings.MEETING_WEBINAR_FIELDS:
        raise PermissionDenied
    form = ChatForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed."))
        return _back(request, meeting)
    enabled = form.cleaned_data["enabled"] == "1"
    done = _("The chat is open to listeners.") if enabled else _("The chat is hidden from listeners.")
    return _act(request, meeting, lambda: domain.set_chat(meeting, enabled=enabled, user=request.user), done)


@moderator
@require_POST
def change_picture(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Have slides, cameras or both in the picture, or the meeting's chat, or not. The request names the wanted state."""
    livestream_or_404(meeting)
    form = PictureForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed."))
        return _back(request, meeting)
    done = _("Listeners see it in a few seconds.")
    return _act(request, meeting, lambda: form.save(meeting, user=request.user), done)


@moderator
@require_safe
@never_cache
def status(request: HttpRequest, meeting: Meeting) -> HttpResponse:  # noqa: ARG001 -- the address names the meeting
    """The panel's changing data, as JSON."""
    return JsonResponse(panel(meeting, livestream_or_404(meeting)))


@logged_in
@require_safe
def explained(request: HttpRequest) -> HttpResponse:
    """The page that explains webinar mode, for people who may use it."""
    if not can_create_webinar(request.user):
        raise PermissionDenied
    return render(request, "webinars/explained.html")
