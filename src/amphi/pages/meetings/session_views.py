"""Attendance, for moderators."""

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from amphi.meetings.attendance import as_csv
from amphi.meetings.models import Meeting, Session
from amphi.pages.access import UserRequest, moderator

SHOWN = 50
"""The most sessions in the list; the administration has all of them."""


@moderator
@require_safe
def sessions(request: UserRequest, meeting: Meeting, pk: int | None = None) -> HttpResponse:
    """The sessions of a meeting, and the attendance of one: the chosen or else the latest."""
    rows = list(meeting.sessions.annotate(people=Count("attendances")).order_by("-started_at", "-pk")[:SHOWN])
    chosen = get_object_or_404(Session, pk=pk, meeting=meeting) if pk else next(iter(rows), None)
    people = chosen.attendances.select_related("user") if chosen else []
    context = {
        "meeting": meeting,
        "sessions": rows,
        "chosen": chosen,
        "people": people,
        "goes_on": chosen is not None and chosen.ended_at is None and meeting.is_open,
    }
    return render(request, "meetings/sessions.html", context)


@moderator
@require_safe
def session_csv(request: UserRequest, meeting: Meeting, pk: int) -> HttpResponse:  # noqa: ARG001 -- the address says it all
    """One session as a CSV file."""
    session = get_object_or_404(Session, pk=pk, meeting=meeting)
    day = timezone.localtime(session.started_at).strftime("%Y-%m-%d")
    name = f"{slugify(meeting.name)[:60] or 'session'}-{day}.csv"
    return HttpResponse(
        as_csv(session),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
