"""The platform's state, for its administrators."""

from dataclasses import asdict
from typing import Any

from django.db.models import Prefetch
from ninja import Query, Router

from amphi.api import rules
from amphi.api.door import Scope, TokenRequest
from amphi.api.paging import Paged, PageOf, page
from amphi.api.schemas import GatewayOut, Health
from amphi.webinars.models import RUNNING, LiveGateway, Livestream
from amphi.worker import figures

router = Router()
READ = Scope("admin:read")


@router.get(
    "/gateways", response=PageOf[GatewayOut], auth=READ, operation_id="list_gateways", summary="Live gateways"
)
def gateways(request: TokenRequest, asked: Query[Paged]) -> dict[str, Any]:
    """The live gateways, and which webinar each carries now."""
    rules.check_administers(request.user)
    running = Livestream.objects.filter(state__in=RUNNING).select_related("meeting")
    rows = LiveGateway.objects.select_related("broadcaster").prefetch_related(
        Prefetch("livestreams", queryset=running, to_attr="running")
    )
    return page(rows, asked, by=["pk"], show=_gateway)


def _gateway(row: LiveGateway) -> dict[str, Any]:
    running: list[Livestream] = row.running  # type: ignore[attr-defined]
    return {
        "id": row.pk,
        "name": str(row),
        "kind": row.dialect,
        "is_busy": bool(running),
        "webinar": running[0].meeting.slug if running else None,
    }


@router.get("/health", response=Health, auth=READ, operation_id="health", summary="What goes on, in numbers")
def health(request: TokenRequest) -> dict[str, Any]:
    """What goes on now, and what waits."""
    rules.check_administers(request.user)
    return asdict(figures.read())
