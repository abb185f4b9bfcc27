"""Pages of meetings, for their moderators."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amphi.accounts.models import User
from amphi.accounts.rights import can_create_webinar, can_edit_meetings
from amphi.meetings import domain, slides
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.meetings.queries import when
from amphi.pages.access import UserRequest, editor, logged_in, moderator, planner, signed
from amphi.pages.meetings.forms import FilterForm, MeetingForm, MoveForm, copy_of
from amphi.pages.webinars.panel import panel
from amphi.webinars import deletion, saving, starting
from amphi.webinars.invitations import presenters_url
from amphi.webinars.listing import listed_meetings
from amphi.webinars.offers import livestream_of, offer
from amphi.webinars.saving import SavedMeeting

PAGE_SIZE = 24


def _card(meeting: Meeting, user: User, now: datetime) -> dict[str, Any]:
    livestream = livestream_of(meeting)
    times = when(meeting, now)
    return {
        "meeting": meeting,
        "livestream": livestream,
        "offer": offer(meeting),
        "is_on": meeting.is_open,
        "can_edit": can_edit_meetings(user),
        "is_mine": meeting.owner_id == user.pk,
        "when": times,
        "is_over": not meeting.is_personal
        and times.end_at <= now
        and not meeting.is_open
        and not (livestream and livestream.is_running),
        "event_url": settings.AMPHI_URL + livestream.event.get_absolute_url() if livestream else "",
        "join_url": presenters_url(meeting),
    }


@logged_in
@require_safe
def meeting_list(request: HttpRequest) -> HttpResponse:
    """My meetings."""
    filters = FilterForm(request.GET)
    now = timezone.now()
    kind = filters.chosen("kind") if settings.USE_MEETING_WEBINAR else ""
    past = filters.chosen("when") == "past"
    words = filters.chosen("q")
    rows = listed_meetings(request.user, now=now, kind=kind, past=past, words=words)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "meetings/list.html",
        {
            "cards": [_card(meeting, request.user, now) for meeting in page],
            "page": page,
            "kind": kind,
            "past": past,
            "words": words,
            "can_edit": can_edit_meetings(request.user),
            "has_room": Meeting.objects.filter(owner=request.user, is_personal=True).exists(),
            "can_create_webinar": can_create_webinar(request.user) and can_edit_meetings(request.user),
            "webinars_in_use": settings.USE_MEETING_WEBINAR,
        },
    )


# --- saving


def _remember_conflict(request: HttpRequest, saved: SavedMeeting) -> None:
    """Keep the times that the page offers instead, until the meeting is saved again."""
    key = f"conflict-{saved.meeting.pk}"
    request.session.pop(key, None)
    if saved.conflict is not None:
        request.session[key] = {
            "overlapping": len(saved.conflict.overlapping),
            "nearest": [start.isoformat() for start in saved.conflict.nearest],
            "backstage": saved.conflict.is_backstage,
        }


def _saved(request: HttpRequest, saved: SavedMeeting, done: str) -> HttpResponse:
    _remember_conflict(request, saved)
    if saved.conflict is None:
        messages.success(request, done)
    return redirect(saved.meeting)


def _form_page(
    request: HttpRequest,
    form: MeetingForm,
    meeting: Meeting | None,
    status: int,
    source: Meeting | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "meeting": meeting,
        "source": source,
        "can_create_webinar": can_create_webinar(request.user),
    }
    return render(request, "meetings/form.html", context, status=status)


@planner
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new meeting or webinar."""
    initial = {"is_webinar": request.GET.get("webinar") == "1"}
    form = MeetingForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        meeting=None,
        webinars=can_create_webinar(request.user),
        initial=initial,
    )
    return _add(request, form)


def _add(request: UserRequest, form: MeetingForm, source: Meeting | None = None) -> HttpResponse:
    """Make the meeting of a form, as a copy of `source` where it is one."""
    if not form.is_valid():
        return _form_page(request, form, None, 422 if form.is_bound else 200, source)
    try:
        saved = saving.create_meeting(user=request.user, fields=form.meeting_fields(), source=source)
    except MeetingError as error:
        form.add_error(None, str(error))
        return _form_page(request, form, None, 422, source)
    done = _("The webinar is scheduled.") if saved.meeting.is_webinar else _("The meeting is scheduled.")
    return _saved(request, saved, done)


@planner
@require_POST
def personal(request: HttpRequest) -> HttpResponse:
    """My personal room, made on first use."""
    return redirect(domain.personal_room(request.user))


@editor
@require_http_methods(["GET", "HEAD", "POST"])
def duplicate(request: UserRequest, meeting: Meeting) -> HttpResponse:
    """Make a new meeting like `meeting`; the form begins with its values."""
    form = MeetingForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        meeting=None,
        webinars=can_create_webinar(request.user),
        initial=copy_of(meeting, timezone.now()),
    )
    return _add(request, form, meeting)


@editor
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Change a meeting or webinar."""
    form = MeetingForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        meeting=meeting,
        webinars=can_create_webinar(request.user),
    )
    if not form.is_valid():
        return _form_page(request, form, meeting, 422 if form.is_bound else 200)
    try:
        saved = saving.update_meeting(meeting, user=request.user, fields=form.meeting_fields())
    except MeetingError as error:
        form.add_error(None, str(error))
        return _form_page(request, form, meeting, 422)
    stopping = "stops_live" in form.fields and not saved.meeting.is_webinar
    done = _("The changes are saved. The live is stopping.") if stopping else _("The changes are saved.")
    return _saved(request, saved, done)


@editor
@require_POST
def move(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Move the meeting to one of the offered times, as a webinar."""
    if not can_create_webinar(request.user):
        raise PermissionDenied
    form = MoveForm(request.POST, offered=_offered(request, meeting))
    if not form.is_valid():
        messages.error(request, _("This time slot is no longer available. Choose another."))
        return redirect(meeting)
    fields = replace(domain.fields_of(meeting), start_at=form.cleaned_data["start_at"], is_webinar=True)
    try:
        saved = saving.update_meeting(meeting, user=request.user, fields=fields)
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect(meeting)
    return _saved(request, saved, _("The webinar is rescheduled."))


@editor
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Ask, then delete."""
    if request.method != "POST":
        livestream, times = livestream_of(meeting), when(meeting, timezone.now())
        context = {
            "meeting": meeting,
            "when": times,
            "livestream": livestream,
            "runs": meeting.is_open or (livestream is not None and livestream.is_running),
            "invited": meeting.invitations.count() if times.end_at > timezone.now() else 0,
        }
        return render(request, "meetings/delete.html", context)
    name = meeting.name
    try:
        gone = deletion.delete(meeting, user=request.user, tells_invited="tells_invited" in request.POST)
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect(meeting)
    done = (
        _("“%(name)s” was deleted.")
        if gone
        else _("“%(name)s” is ending and will be deleted in a few seconds.")
    )
    messages.success(request, done % {"name": name})
    return redirect("meetings:list")


# --- the page of one meeting


def _offered(request: HttpRequest, meeting: Meeting) -> list[datetime]:
    """The starts offered for a webinar that found no gateway, as far as they are in the future."""
    kept = request.session.get(f"conflict-{meeting.pk}", {"nearest": []})
    starts = [datetime.fromisoformat(text) for text in kept["nearest"]]
    return [start for start in starts if start > timezone.now()]


def _conflict(request: HttpRequest, meeting: Meeting) -> dict[str, Any] | None:
    kept = request.session.get(f"conflict-{meeting.pk}")
    if kept is None or meeting.is_webinar or not can_create_webinar(request.user):
        return None
    return {**kept, "nearest": _offered(request, meeting)}


@moderator
@require_safe
def detail(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The page of a meeting; for a webinar, with its panel."""
    card = _card(meeting, request.user, timezone.now())
    livestream = card["livestream"]
    context = {
        **card,
        "conflict": _conflict(request, meeting),
        "additional_owners": meeting.additional_owners.all(),
    }
    if livestream is not None:
        context["panel"] = panel(meeting, livestream)
        context["replays_on"] = settings.RECORDINGS is not None
    return render(request, "webinars/panel.html" if livestream else "meetings/detail.html", context)


@moderator
@require_POST
def start(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Start the meeting, with its live if it is a webinar, and enter it."""
    try:
        return HttpResponseRedirect(starting.start_meeting(meeting, user=request.user))
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect(meeting)


@signed
@require_safe
def slides_file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:  # noqa: ARG001 -- the token says it all
    """The slides of a meeting, for BBB."""
    meeting = slides.meeting_of(token)
    if meeting is None:
        raise Http404
    return FileResponse(
        meeting.slides.open("rb"), content_type="application/pdf", filename=meeting.slides_name
    )
