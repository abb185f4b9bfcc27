"""Who came: to the meeting, by its sessions, and to the live, by its airings."""

from typing import Any

from ninja import Query, Router

from amphi.api import rules
from amphi.api.door import Scope, TokenRequest
from amphi.api.paging import Paged, PageOf, page
from amphi.api.rules import Number, Slug
from amphi.api.schemas import AiringFigures, AiringOut, ComingOut, ListenerOut, SessionOut
from amphi.audience import attendance_report
from amphi.audience.models import Airing
from amphi.meetings.models import Attendance, Session

router = Router()
READ = Scope("attendance:read")


@router.get(
    "/meetings/{slug}/sessions",
    response=PageOf[SessionOut],
    auth=READ,
    operation_id="list_sessions",
    summary="Sessions of a meeting or webinar",
)
def sessions(request: TokenRequest, slug: Slug, asked: Query[Paged]) -> dict[str, Any]:
    """Each time that the meeting ran, the last one first."""
    rows = Session.objects.filter(meeting=rules.moderated(request.user, slug))
    return page(rows, asked, by=["-started_at", "-pk"], show=_session)


def _session(row: Session) -> dict[str, Any]:
    return {"id": row.pk, "started_at": row.started_at, "ended_at": row.ended_at}


@router.get(
    "/meetings/{slug}/sessions/{number}/people",
    response=PageOf[ComingOut],
    auth=READ,
    operation_id="list_comings",
    summary="Who came to a session",
)
def comings(request: TokenRequest, slug: Slug, number: Number, asked: Query[Paged]) -> dict[str, Any]:
    """Who came to a session, as the meeting server reported."""
    session = rules.session(rules.moderated(request.user, slug), number)
    rows = session.attendances.select_related("user")
    return page(rows, asked, by=["joined_at", "pk"], show=_coming)


def _coming(row: Attendance) -> dict[str, Any]:
    return {
        "name": row.name,
        "account": row.user.get_username() if row.user else "",
        "email": row.user.email if row.user else "",
        "is_moderator": row.is_moderator,
        "joined_at": row.joined_at,
        "left_at": row.left_at,
    }


@router.get(
    "/webinars/{slug}/airings",
    response=PageOf[AiringOut],
    auth=READ,
    operation_id="list_airings",
    summary="Airings of a webinar",
)
def airings(request: TokenRequest, slug: Slug, asked: Query[Paged]) -> dict[str, Any]:
    """Each time that the live was on the air, the last one first."""
    rows = Airing.objects.filter(event=rules.webinar(request.user, slug).event_id)
    return page(rows, asked, by=["-began_at", "-pk"], show=_airing)


def _airing(row: Airing) -> dict[str, Any]:
    return {"id": row.pk, "began_at": row.began_at, "ended_at": row.ended_at}


@router.get(
    "/webinars/{slug}/airings/{number}",
    response=AiringFigures,
    auth=READ,
    operation_id="get_airing",
    summary="An airing in numbers",
)
def airing(request: TokenRequest, slug: Slug, number: Number) -> dict[str, Any]:
    """An airing in numbers, and its listeners by minute."""
    row = rules.airing(rules.webinar(request.user, slug), number)
    figures = attendance_report.figures(row)
    return {
        **_airing(row),
        "viewers": figures.viewers,
        "anonymous": figures.anonymous,
        "average_minutes": figures.average_minutes,
        "curve": [point._asdict() for point in figures.curve],
    }


@router.get(
    "/webinars/{slug}/airings/{number}/people",
    response=PageOf[ListenerOut],
    auth=READ,
    operation_id="list_listeners",
    summary="Who listened to an airing",
)
def listeners(request: TokenRequest, slug: Slug, number: Number, asked: Query[Paged]) -> dict[str, Any]:
    """Who listened, by name or pseudonym, and for how long. Those without either are in the numbers alone."""
    row = rules.airing(rules.webinar(request.user, slug), number)
    found = page(attendance_report.people(row), asked, by=["pk"], show=lambda presence: presence)
    found["items"] = [_listener(one) for one in attendance_report.named(found["items"])]
    return found


def _listener(one: attendance_report.Person) -> dict[str, Any]:
    return {
        "name": one.name,
        "account": one.account,
        "email": one.address,
        "minutes": one.minutes,
        "came_at": one.came_at,
        "left_at": one.left_at,
    }
