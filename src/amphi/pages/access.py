"""Who may do what: the only place that decides it, for every page, stream and file. What pages share with the API is in the `rights` of their packages.

Every view has one of the decorators below; a test walks all addresses and fails for a view without one. A decorator loads the object
that the address names and passes it to the view, so that no view can forget the check.

- Somebody who is not logged in is redirected to the login page; a script gets 401.
- What a person must not know of answers 404; what they may see but not do answers 403.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.csrf import csrf_exempt

from amphi.accounts.models import User
from amphi.accounts.rights import can_edit_meetings
from amphi.audience.captions.choosing import is_token
from amphi.audience.models import Event, Registration, Replay, ReplayFor, Role
from amphi.audience.personal_links import by_token
from amphi.audience.replays.rights import is_gone
from amphi.audience.rights import (
    can_find,
    can_watch,
    is_banned,
    is_open_to_all,
    meets_restriction,
    moderates_event,
    owns_event,
)
from amphi.audience.speakers import Speaker, account_speaker, guest_speaker
from amphi.lti import visiting
from amphi.meetings.models import Meeting
from amphi.meetings.rights import can_join, can_moderate
from amphi.pages.live.viewers import network_in, viewer_in
from amphi.pages.lti import frames
from amphi.system import metrics, passwords, rows

View = Callable[..., HttpResponseBase]


class UserRequest(HttpRequest):
    """A request of somebody who is logged in, as the rule of the view guarantees."""

    user: User


# --- predicates and querysets


def asks_password(request: HttpRequest, event: Event) -> bool:
    """Whether somebody who may watch `event` must still give its password."""
    return (
        bool(event.password)
        and not passwords.is_known(request.session, event.door, event.password)
        and not moderates_event(request.user, event)
    )


def speaker_of(request: HttpRequest, event: Event) -> Speaker | None:
    """Who speaks in `event` by this request; None for somebody who may not, but may watch."""
    user, row = request.user, registration_of(request)
    if row is not None:
        # Their link came by mail, so they are who registered, and no unverified guest.
        return Speaker(row.viewer, row.name, row.user, Role.LISTENER, network_in(request))
    if isinstance(user, User):
        return account_speaker(user, event) if can_watch(user, event) else None
    return guest_speaker(event, viewer_in(request), network_in(request))


# --- decorators


def is_of_a_script(request: HttpRequest) -> bool:
    """Whether a page's script asks, which is answered in JSON."""
    return request.headers.get("Accept", "").startswith("application/json")


def _asks_for_login(request: HttpRequest) -> HttpResponse:
    if is_of_a_script(request):
        return JsonResponse({"error": "login_required"}, status=401)
    return redirect_to_login(request.get_full_path())


def _ruled(rule: str, view: View) -> View:
    view.access_rule = rule  # type: ignore[attr-defined]
    return view


def anyone(view: View) -> View:
    """For everybody."""
    return _ruled("anyone", view)


def logged_in(view: View) -> View:
    """For people who are logged in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _asks_for_login(request)
        return view(request, *args, **kwargs)

    return _ruled("logged_in", guarded)


def moderator(view: View) -> View:
    """For the moderators of the meeting named by ``slug``; the view gets the meeting."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _asks_for_login(request)
        meeting = get_object_or_404(Meeting.objects.select_related("owner", "livestream__event"), slug=slug)
        if not can_moderate(request.user, meeting):
            raise PermissionDenied
        return view(request, meeting, **kwargs)

    return _ruled("moderator", guarded)


def planner(view: View) -> View:
    """For people who may make meetings."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _asks_for_login(request)
        if not can_edit_meetings(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return _ruled("planner", guarded)


def editor(view: View) -> View:
    """For the moderators of the meeting named by ``slug`` who may also change meetings; the view gets the meeting."""

    @wraps(view)
    def guarded(request: HttpRequest, meeting: Meeting, **kwargs: Any) -> HttpResponseBase:
        if not can_edit_meetings(request.user):
            raise PermissionDenied
        return view(request, meeting, **kwargs)

    return _ruled("editor", moderator(guarded))


def participant(view: View) -> View:
    """For people who may join the meeting named by ``slug``; the view gets the meeting and whether the address had a presenter's key.

    A webinar's meeting is for its moderators and for holders of its presenters' key; all others are redirected to its live page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, key: str = "") -> HttpResponseBase:
        meeting = get_object_or_404(Meeting.objects.select_related("owner"), slug=slug)
        if key:
            if not hmac.compare_digest(key.encode(), meeting.presenter_key.encode()):
                raise Http404
            return view(request, meeting, invited=True)
        event = (
            Event.objects.filter(livestream__meeting=meeting).first()
            if settings.USE_MEETING_WEBINAR
            else None
        )
        if event is not None and not can_moderate(request.user, meeting):
            return redirect(event)
        if not can_join(request.user, meeting):
            if not request.user.is_authenticated:
                return _asks_for_login(request)
            raise PermissionDenied
        return view(request, meeting, invited=False)

    return _ruled("participant", guarded)


def _asks_for_password(request: HttpRequest, event: Event) -> HttpResponse:
    if is_of_a_script(request):
        return JsonResponse({"error": "password_required"}, status=403)
    return redirect("live:door", event.slug)


def registered(request: HttpRequest, event: Event) -> Registration | None:
    """The registration whose personal link to `event` this browser opened; None when there is none or the link is no longer valid."""
    token = request.session.get(f"registration-{event.pk}", "")
    row = by_token(event, token) if isinstance(token, str) and token else None
    return row if row is not None and row.is_good else None


def _watches_as_registered(request: HttpRequest, event: Event) -> bool:
    """Whether to let this browser watch `event` by its personal link, rather than by an account that may watch."""
    row, user = registered(request, event), request.user
    if row is None or not can_watch(user, event, row):
        return False
    if user.is_authenticated and can_watch(user, event) and not asks_password(request, event):
        return False
    request.registration = row  # type: ignore[attr-defined]
    return True


def registration_of(request: HttpRequest) -> Registration | None:
    """The registration by whose personal link this request watches; None when it does not."""
    return getattr(request, "registration", None)


def _watchable(request: HttpRequest, slug: str, *, at_the_door: bool = False) -> Event | HttpResponse:
    event = get_object_or_404(Event.objects.select_related("broadcaster", "owner"), slug=slug)
    return _if_watchable(request, event, at_the_door=at_the_door)


def _if_watchable(request: HttpRequest, event: Event, *, at_the_door: bool = False) -> Event | HttpResponse:
    if _watches_as_registered(request, event):
        if is_banned(event, viewer_in(request)):
            raise PermissionDenied
        return event
    if is_banned(event, viewer_in(request)) and not moderates_event(request.user, event):
        raise PermissionDenied
    if can_watch(request.user, event):
        if asks_password(request, event) and not at_the_door:
            return _asks_for_password(request, event)
        return event
    if not event.is_draft and event.needs_registration and meets_restriction(request.user, event):
        if at_the_door and asks_password(request, event):
            return event
        return _asks_for_registration(request, event)
    return _shut(request, event)


def _shut(request: HttpRequest, event: Event) -> HttpResponse:
    if event.is_draft:
        raise Http404
    if not request.user.is_authenticated:
        return _asks_for_login(request)
    raise PermissionDenied


def _asks_for_registration(request: HttpRequest, event: Event) -> HttpResponse:
    if is_of_a_script(request):
        return JsonResponse({"error": "registration_required"}, status=403)
    return redirect("live:registration", event.slug)


def candidate(view: View) -> View:
    """For people who may register for the event named by ``slug`` and gave its password; the view gets the event."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = get_object_or_404(Event.objects.select_related("broadcaster", "owner"), slug=slug)
        if _watches_as_registered(request, event):
            return view(request, event, **kwargs)
        may = owns_event(request.user, event) or (
            not event.is_draft and meets_restriction(request.user, event)
        )
        if not may:
            return _shut(request, event)
        if asks_password(request, event):
            return _asks_for_password(request, event)
        return view(request, event, **kwargs)

    return _ruled("candidate", guarded)


def finder(view: View) -> View:
    """For those who may find the event named by ``slug`` in the list, whether they may watch it or not; the view gets the event."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = get_object_or_404(Event.objects.select_related("owner"), slug=slug)
        if not can_find(request.user, event):
            raise Http404
        return view(request, event, **kwargs)

    return _ruled("finder", guarded)


def embedded(view: View) -> View:
    """For whoever meets the event named by ``slug`` in a page of another site; the view gets the event and whether it is open to all.

    Browsers send no cookies there, so nobody is known: what is not open to all is refused to the scripts of that page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = get_object_or_404(
            Event.objects.select_related("broadcaster", "owner"), slug=slug, is_draft=False
        )
        if not settings.AMPHI_EMBED_SITES:
            raise Http404
        is_open = is_open_to_all(event)
        if not is_open and is_of_a_script(request):
            return JsonResponse({"error": "open_page"}, status=403)
        return view(request, event, is_open=is_open, **kwargs)

    return _ruled("embedded", guarded)


def watcher(view: View) -> View:
    """For people who may watch the event named by ``slug``, even before they give its password; the view gets the event."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = _watchable(request, slug)
        return event if isinstance(event, HttpResponse) else view(request, event, **kwargs)

    return _ruled("watcher", guarded)


def _kept_from(request: HttpRequest, replay: Replay) -> HttpResponse | None:
    """What somebody gets who may not see a replay; None for who may."""
    event = replay.airing.event
    if moderates_event(request.user, event):
        return None
    if event.is_draft or is_gone(replay):
        raise Http404
    if replay.shown_to == ReplayFor.PUBLIC:
        return None
    if replay.shown_to == ReplayFor.ATTENDEES:
        found = _watchable(request, event.slug)
        return found if isinstance(found, HttpResponse) else None
    if not request.user.is_authenticated:
        return _asks_for_login(request)
    raise Http404


def sees_replay(request: HttpRequest, replay: Replay) -> bool:
    """Whether somebody who may watch the live of its event also sees `replay`."""
    is_open = replay.shown_to != ReplayFor.PRESENTERS and not is_gone(replay)
    return is_open or moderates_event(request.user, replay.airing.event)


def replay_viewer(view: View) -> View:
    """For people who may see the replay ``pk`` of the event named by ``slug``; the view gets the replay."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, pk: int, **kwargs: Any) -> HttpResponseBase:
        replays = Replay.objects.select_related("airing__event__broadcaster", "airing__event__owner")
        replay = get_object_or_404(replays, pk=pk, airing__event__slug=slug)
        return _kept_from(request, replay) or view(request, replay, **kwargs)

    return _ruled("replay_viewer", guarded)


def captioner(view: View) -> View:
    """For whoever has the token to send captions of the event named by ``slug``; the view gets the event.

    Whether there is such an event is nobody else's business.
    """

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        event = Event.objects.filter(slug=slug).first() if scheme.lower() == "bearer" else None
        if event is None or not is_token(event, token.strip()):
            headers = {"WWW-Authenticate": "Bearer"}
            detail = "send the token of this webinar: Authorization: Bearer …"
            return JsonResponse({"error": "token", "detail": detail}, status=401, headers=headers)
        return view(request, event, **kwargs)

    return _ruled("captioner", guarded)


def visitor(view: View) -> View:
    """For people who may watch the event named by ``slug`` and gave its password; the view gets the event."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = _watchable(request, slug, at_the_door=True)
        return event if isinstance(event, HttpResponse) else view(request, event, **kwargs)

    return _ruled("visitor", guarded)


def speaker(view: View) -> View:
    """For those who may ask and raise their hand in the event named by ``slug``; the view gets the event and who speaks."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        # What thousands send at once: neither the owner nor the broadcaster is read for it.
        named = rows.find(Event, slug=slug)
        if named is None:
            raise Http404
        event = _if_watchable(request, named)
        if isinstance(event, HttpResponse):
            return event
        who = speaker_of(request, event)
        if who is None:
            if not request.user.is_authenticated:
                return _asks_for_login(request)
            raise PermissionDenied
        return view(request, event, who, **kwargs)

    return _ruled("speaker", guarded)


def usher(view: View) -> View:
    """For those who present or moderate the event named by ``slug``; the view gets the event."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        event = _watchable(request, slug)
        if isinstance(event, HttpResponse):
            return event
        if not request.user.is_authenticated:
            return _asks_for_login(request)
        if not moderates_event(request.user, event):
            raise PermissionDenied
        return view(request, event, **kwargs)

    return _ruled("usher", guarded)


def scraper(view: View) -> View:
    """For who knows ``AMPHI_METRICS_TOKEN``; without that setting there is nothing to read."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("Authorization", "")
        status = metrics.status_for(given, settings.AMPHI_METRICS_TOKEN)
        if status == 404:  # noqa: PLR2004 -- HTTP's Not Found
            raise Http404
        if status == 401:  # noqa: PLR2004 -- HTTP's Unauthorized
            return HttpResponse(status=status, headers={"WWW-Authenticate": metrics.CHALLENGE})
        return view(request)

    return _ruled("scraper", guarded)


def signed(view: View) -> View:
    """For another service; the view itself verifies its signature or nonce."""
    return _ruled("signed", view)


def launched(view: View) -> View:
    """For the browser that a learning platform brought by the launch ``pk``, and its person; the view gets the launch.

    Browsers send our usual cookies to no frame of another site, so neither the login nor Django's CSRF token counts here: the launch has its
    own cookie, and each form a token made of it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, pk: UUID, **kwargs: Any) -> HttpResponseBase:
        browser = frames.browser_in(request)
        launch = visiting.launch_of(pk, browser)
        if launch is None:
            return frames.outdated(request)
        if request.method == "POST" and not visiting.is_form_token(
            launch, browser, request.POST.get("token", "")
        ):
            return frames.outdated(request, launch.platform)
        request.user = launch.identity.user
        with frames.speaking(launch):
            return view(request, launch, **kwargs)

    return _ruled("launched", csrf_exempt(guarded))
