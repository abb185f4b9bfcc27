"""`/metrics`: what goes on, for Prometheus. The platform's figures come from the database, so each web process says the same of them."""

from collections.abc import Iterator, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from amphi.audience import channel, hub, reception
from amphi.pages.access import scraper
from amphi.pages.places import PAGE_SECONDS
from amphi.system import calls
from amphi.system import metrics as exposition
from amphi.worker import figures


@scraper
@require_safe
@never_cache
def metrics(_request: HttpRequest) -> HttpResponse:
    """The figures of this moment."""
    said = exposition.text(
        _Platform(), _Process(), PAGE_SECONDS, calls.CALLS, calls.SECONDS, exposition.PROCESS
    )
    return HttpResponse(said, content_type=exposition.CONTENT_TYPE)


def _by(name: str, said: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=[label])
    for known, value in values.items():
        family.add_metric([known], value)
    return family


class _Platform(Collector):
    """What is in the database, by the same few queries whatever there is of it."""

    def collect(self) -> Iterator[Metric]:
        now = figures.read()
        waiting = {
            "looks": now.looks_due,
            "retiring_jobs": now.jobs_retiring,
            "mails": now.mails_waiting,
            "messages": now.messages_waiting,
            "webhooks": now.webhooks_waiting,
        }
        yield _by("amphi_lives", "Lives by state.", "state", now.lives)
        yield GaugeMetricFamily("amphi_gateways", "Live gateways.", now.gateways)
        yield GaugeMetricFamily("amphi_gateways_busy", "Live gateways that carry a live.", now.gateways_busy)
        yield GaugeMetricFamily(
            "amphi_listeners", "Listeners who have the page of a live open.", now.listeners
        )
        yield GaugeMetricFamily("amphi_workers", "Workers heard of within a minute.", now.workers)
        yield _by("amphi_waiting", "What waits to be done, by its queue.", "queue", waiting)
        said = "How long the first in a queue has waited beyond its time."
        yield _by("amphi_overdue_seconds", said, "queue", now.overdue_s)
        yield from _received()


def _received() -> Iterator[Metric]:
    """How players receive the lives, where they report it."""
    received = reception.all_received_now(timezone.now())
    said = "Reports of players within the last minutes."
    yield GaugeMetricFamily("amphi_player_reports", said, received.reports)
    delays = {"0.5": received.delay_p50_s, "0.95": received.delay_p95_s}
    known = {part: delay for part, delay in delays.items() if delay is not None}
    if known:
        said = "How far players are behind the newest picture."
        yield _by("amphi_player_delay_seconds", said, "quantile", known)
    if received.stalled is not None:
        said = "Share of the time in which pictures stood still."
        yield GaugeMetricFamily("amphi_player_stalled_ratio", said, received.stalled)


class _Process(Collector):
    """The event streams of this process."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("amphi_streams", "Event streams that this process carries.", hub.streams())
        said = "Messages that this process wrote to listeners, each as often as it was written."
        yield CounterMetricFamily("amphi_stream_messages", said, channel.tally.messages)
        said = "Event streams that were cut because their listener took nothing."
        yield CounterMetricFamily("amphi_streams_dropped", said, channel.tally.dropped)
