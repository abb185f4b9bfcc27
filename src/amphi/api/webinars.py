"""Webinars: their plans and their life."""

from typing import Any

from django.conf import settings
from ninja import Query, Router, Status

from amphi.accounts.models import User
from amphi.api import meetings, planning, rules
from amphi.api.documents import refuses
from amphi.api.door import TokenRequest
from amphi.api.meetings import CONTROL, READ, WRITE, Filters
from amphi.api.paging import PageOf, page
from amphi.api.rules import Slug
from amphi.api.schemas import Deletion, NewWebinar, Started, State, WebinarChange, WebinarOut
from amphi.meetings.models import Meeting
from amphi.meetings.queries import meetings_for_user
from amphi.webinars import domain, starting
from amphi.webinars.models import Livestream

router = Router()


class WebinarFilters(Filters):
    state: State | None = None


@router.get("", response=PageOf[WebinarOut], auth=READ, operation_id="list_webinars", summary="My webinars")
def list_webinars(request: TokenRequest, asked: Query[WebinarFilters]) -> dict[str, Any]:
    """The webinars that I moderate, the latest first."""
    rows = meetings_for_user(request.user).exclude(livestream=None)
    if not settings.USE_MEETING_WEBINAR:
        rows = rows.none()
    if asked.state is not None:
        rows = rows.filter(livestream__state=asked.state)
    rows = rows.select_related("owner", "livestream__event", "livestream__gateway__broadcaster")
    rows = meetings.narrowed(rows.prefetch_related("additional_owners", "access_groups"), asked)
    return page(rows, asked, by=["-start_at", "-pk"], show=_shown)


def _shown(meeting: Meeting) -> dict[str, Any]:
    livestream = meeting.livestream
    livestream.meeting = meeting
    return planning.webinar_out(livestream)


def _now(meeting: Meeting, user: User) -> dict[str, Any]:
    return planning.webinar_out(rules.webinar(user, meeting.slug))


@router.post(
    "", response={201: WebinarOut}, auth=WRITE, operation_id="make_webinar", summary="Make a webinar"
)
def make(request: TokenRequest, given: NewWebinar) -> Status[dict[str, Any]]:
    """Make a webinar and book a gateway for it. When none is free nothing is made, and `nearest` says when one is."""
    rules.check_plans(request.user, webinars=True)
    fields = planning.new_fields(given, is_webinar=True)
    return Status(201, _now(planning.create(request.user, fields), request.user))


@router.get("/{slug}", response=WebinarOut, auth=READ, operation_id="get_webinar", summary="One webinar")
def get(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """One webinar, with its live as it is now."""
    return planning.webinar_out(rules.webinar(request.user, slug))


@router.patch(
    "/{slug}",
    response=WebinarOut,
    auth=WRITE,
    operation_id="change_webinar",
    summary="Change a webinar",
    openapi_extra=refuses(409),
)
def change(request: TokenRequest, slug: Slug, given: WebinarChange) -> dict[str, Any]:
    """Change the fields that are given. When no gateway is free in new hours, nothing is changed."""
    livestream = rules.webinar(request.user, slug)
    rules.check_plans(request.user, webinars=True)
    fields = planning.changed_fields(livestream.meeting, given)
    return _now(planning.update(livestream.meeting, request.user, fields), request.user)


@router.delete(
    "/{slug}", response=Deletion, auth=WRITE, operation_id="delete_webinar", summary="Delete a webinar"
)
def delete(request: TokenRequest, slug: Slug, *, tells_invited: bool = False) -> dict[str, Any]:
    """Delete a webinar; one that runs is ended first. People who were invited are told by email if you wish."""
    livestream = rules.webinar(request.user, slug)
    return meetings.deleted(request, livestream.meeting, tells_invited=tells_invited)


# --- its life


@router.post(
    "/{slug}/start",
    response=Started,
    auth=CONTROL,
    operation_id="start_webinar",
    summary="Start a webinar",
    openapi_extra=refuses(502),
)
def start(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """Start the meeting and request the live. Starting a webinar that runs has no further effect."""
    meeting = rules.webinar(request.user, slug).meeting
    return {"join_url": starting.start_meeting(meeting, user=request.user)}


@router.post(
    "/{slug}/stop", response=WebinarOut, auth=CONTROL, operation_id="stop_live", summary="Stop only the live"
)
def stop(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """Stop only the live; the meeting goes on."""
    livestream = rules.webinar(request.user, slug)
    domain.stop_live(livestream, user=request.user)
    return _again(livestream)


@router.post(
    "/{slug}/restart",
    response=WebinarOut,
    auth=CONTROL,
    operation_id="restart_live",
    summary="Restart only the live",
)
def restart(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """Restart only the live, or start it again while the meeting goes on."""
    livestream = rules.webinar(request.user, slug)
    domain.restart_or_start(livestream, user=request.user)
    return _again(livestream)


@router.post(
    "/{slug}/open",
    response=WebinarOut,
    auth=CONTROL,
    operation_id="open_live",
    summary="Go live from backstage",
)
def open_live(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """Show listeners what has been backstage."""
    livestream = rules.webinar(request.user, slug)
    domain.open_live(livestream, user=request.user)
    return _again(livestream)


@router.post(
    "/{slug}/end", response=WebinarOut, auth=CONTROL, operation_id="end_webinar", summary="End a webinar"
)
def end(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """End the webinar: the meeting closes and the live stops."""
    livestream = rules.webinar(request.user, slug)
    domain.end_webinar(livestream, user=request.user)
    return _again(livestream)


def _again(livestream: Livestream) -> dict[str, Any]:
    return planning.webinar_out(planning.seen_again(livestream))
