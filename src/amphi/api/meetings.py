"""Meetings that are no webinars."""

from typing import Annotated, Any

from django.conf import settings
from ninja import Query, Router, Status
from pydantic import Field

from amphi.api import planning, rules
from amphi.api.documents import refuses
from amphi.api.door import Scope, TokenRequest
from amphi.api.paging import Paged, PageOf, page
from amphi.api.rules import Slug
from amphi.api.schemas import At, Deletion, Line, MeetingChange, MeetingOut, NewMeeting, Started
from amphi.meetings.models import Meeting
from amphi.meetings.queries import meetings_for_user
from amphi.webinars import deletion, starting

router = Router()
READ, WRITE, CONTROL = Scope("meetings:read"), Scope("meetings:write"), Scope("live:control")


class Filters(Paged):
    q: Annotated[Line, Field(description="Words of the name.", max_length=100)] = ""
    starts_after: At | None = None
    starts_before: At | None = None


def narrowed(rows: Any, asked: Filters) -> Any:
    """The meetings that the filters leave."""
    for word in asked.q.split():
        rows = rows.filter(name__icontains=word)
    return planning.is_during(rows, "start_at", asked.starts_after, asked.starts_before)


@router.get("", response=PageOf[MeetingOut], auth=READ, operation_id="list_meetings", summary="My meetings")
def list_meetings(request: TokenRequest, asked: Query[Filters]) -> dict[str, Any]:
    """The meetings that I moderate, but for webinars: the latest first."""
    rows = meetings_for_user(request.user).select_related("owner")
    if settings.USE_MEETING_WEBINAR:
        rows = rows.filter(livestream=None)
    rows = narrowed(rows.prefetch_related("additional_owners", "access_groups"), asked)
    return page(rows, asked, by=["-start_at", "-pk"], show=planning.meeting_out)


@router.post(
    "", response={201: MeetingOut}, auth=WRITE, operation_id="make_meeting", summary="Make a meeting"
)
def make(request: TokenRequest, given: NewMeeting) -> Status[dict[str, Any]]:
    """Make a meeting."""
    rules.check_plans(request.user)
    fields = planning.new_fields(given, is_webinar=False)
    return Status(201, planning.meeting_out(planning.create(request.user, fields)))


@router.get("/{slug}", response=MeetingOut, auth=READ, operation_id="get_meeting", summary="One meeting")
def get(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """One meeting."""
    return planning.meeting_out(rules.plain(request.user, slug))


@router.patch(
    "/{slug}",
    response=MeetingOut,
    auth=WRITE,
    operation_id="change_meeting",
    summary="Change a meeting",
    openapi_extra=refuses(409),
)
def change(request: TokenRequest, slug: Slug, given: MeetingChange) -> dict[str, Any]:
    """Change the fields that are given."""
    meeting = rules.plain(request.user, slug)
    rules.check_plans(request.user)
    fields = planning.changed_fields(meeting, given)
    return planning.meeting_out(planning.update(meeting, request.user, fields))


@router.delete(
    "/{slug}",
    response=Deletion,
    auth=WRITE,
    operation_id="delete_meeting",
    summary="Delete a meeting",
    openapi_extra=refuses(502),
)
def delete(request: TokenRequest, slug: Slug, *, tells_invited: bool = False) -> dict[str, Any]:
    """End and delete a meeting. People who were invited are told by email if you wish."""
    return deleted(request, rules.plain(request.user, slug), tells_invited=tells_invited)


def deleted(request: TokenRequest, meeting: Meeting, *, tells_invited: bool) -> dict[str, Any]:
    """Delete a meeting or webinar."""
    rules.check_plans(request.user)
    return {"is_deleted": deletion.delete(meeting, user=request.user, tells_invited=tells_invited)}


@router.post(
    "/{slug}/start",
    response=Started,
    auth=CONTROL,
    operation_id="start_meeting",
    summary="Start a meeting",
    openapi_extra=refuses(502),
)
def start(request: TokenRequest, slug: Slug) -> dict[str, Any]:
    """Start a meeting. Starting one that runs has no further effect."""
    return {"join_url": starting.start_meeting(rules.plain(request.user, slug), user=request.user)}
