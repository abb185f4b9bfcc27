"""`/metrics`: what goes on, in numbers, for Prometheus. All of it is read from the database, so each web process says the same."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amphi.audience import reception
from amphi.pages.access import signed
from amphi.system import exposition
from amphi.system.exposition import Family, by, gauge
from amphi.worker import figures


@signed
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this moment, for who knows ``AMPHI_METRICS_TOKEN``; without that setting there are none."""
    token = settings.AMPHI_METRICS_TOKEN
    if not token:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(errors="replace"), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    said = exposition.text([*_platform(), *_listeners()])
    return HttpResponse(said, content_type=exposition.CONTENT_TYPE)


def _platform() -> list[Family]:
    now = figures.read()
    waiting = {
        "looks": now.looks_due,
        "retiring_jobs": now.jobs_retiring,
        "mails": now.mails_waiting,
        "messages": now.messages_waiting,
        "webhooks": now.webhooks_waiting,
    }
    return [
        by("amphi_lives", "Lives by state.", "state", now.lives),
        gauge("amphi_gateways", "Live gateways.", now.gateways),
        gauge("amphi_gateways_busy", "Live gateways that carry a live.", now.gateways_busy),
        gauge("amphi_listeners", "Listeners who have the page of a live open.", now.listeners),
        gauge("amphi_workers", "Workers heard of within a minute.", now.workers),
        by("amphi_waiting", "What waits to be done, by its queue.", "queue", waiting),
    ]


def _listeners() -> list[Family]:
    """How players receive the lives, where they report it."""
    received = reception.all_received_now(timezone.now())
    families = [
        gauge("amphi_player_reports", "Reports of players within the last minutes.", received.reports)
    ]
    delays = {"0.5": received.delay_p50_s, "0.95": received.delay_p95_s}
    known = {part: delay for part, delay in delays.items() if delay is not None}
    if known:
        said = "How far players are behind the newest picture."
        families.append(by("amphi_player_delay_seconds", said, "quantile", known))
    if received.stalled is not None:
        said = "Share of the time in which pictures stood still."
        families.append(gauge("amphi_player_stalled_ratio", said, received.stalled))
    return families
