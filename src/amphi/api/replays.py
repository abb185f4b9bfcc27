"""Replays of live events."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Query, Router

from amphi.api import rules
from amphi.api.door import Scope, TokenRequest
from amphi.api.paging import Paged, PageOf, page
from amphi.api.problems import invalid
from amphi.api.rules import Number, Slug
from amphi.api.schemas import Deletion, ReplayChange, ReplayOut
from amphi.audience.models import Replay, ReplayFor
from amphi.audience.replays import editing, library
from amphi.audience.replays.rights import shown_to_account

router = Router()
READ, WRITE = Scope("replays:read"), Scope("replays:write")


def _replay(row: Replay) -> dict[str, Any]:
    airing = row.airing
    return {
        "id": row.pk,
        "url": settings.AMPHI_URL + reverse("live:replay", args=[airing.event.slug, row.pk]),
        "began_at": airing.began_at,
        "ended_at": airing.ended_at,
        "start_at": row.start_at,
        "end_at": row.end_at,
        "shown_to": row.shown_to,
        "days": row.days,
        "delete_at": row.delete_at,
    }


@router.get(
    "/{slug}/replays",
    response=PageOf[ReplayOut],
    auth=READ,
    operation_id="list_replays",
    summary="Replays of an event",
)
def replays(request: TokenRequest, slug: Slug, asked: Query[Paged]) -> dict[str, Any]:
    """The replays that you may see, the last one first."""
    event = rules.found(request.user, slug)
    rows = shown_to_account(library.replays_of(event), request.user, event)
    return page(rows, asked, by=["-pk"], show=_replay)


@router.get(
    "/{slug}/replays/{number}", response=ReplayOut, auth=READ, operation_id="get_replay", summary="One replay"
)
def replay(request: TokenRequest, slug: Slug, number: Number) -> dict[str, Any]:
    """One replay."""
    return _replay(rules.replay(request.user, slug, number, presents=False))


@router.patch(
    "/{slug}/replays/{number}",
    response=ReplayOut,
    auth=WRITE,
    operation_id="change_replay",
    summary="Who sees a replay, and for how long",
)
def change(request: TokenRequest, slug: Slug, number: Number, given: ReplayChange) -> dict[str, Any]:
    """Decide who sees a replay, and for how many days after the live."""
    row = rules.replay(request.user, slug, number, presents=True)
    most = editing.longest_days()
    if given.days is not None and given.days > most:
        raise invalid(days=_("At most %(most)s days.") % {"most": most})
    shown_to = ReplayFor(given.shown_to or row.shown_to)
    editing.show(row, shown_to=shown_to, days=given.days or row.days)
    return _replay(row)


@router.delete(
    "/{slug}/replays/{number}",
    response=Deletion,
    auth=WRITE,
    operation_id="delete_replay",
    summary="Delete a replay",
)
def delete(request: TokenRequest, slug: Slug, number: Number) -> dict[str, Any]:
    """Delete a replay and its recording. There is no way back."""
    editing.delete(rules.replay(request.user, slug, number, presents=True))
    return {"is_deleted": True}
