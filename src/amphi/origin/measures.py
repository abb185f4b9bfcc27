"""What the origin does, in numbers, for `/metrics`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from amphi.origin.streams import Streams
from amphi.system import metrics


class Ingest(Protocol):
    """Where publishers send."""

    received_bytes: int


class Measures(Collector):
    """Counts the answers, and reads the streams when it is asked.

    Args:
        streams: all streams.
        ingest: where publishers send; None: nowhere.
    """

    def __init__(self, streams: Streams, ingest: Ingest | None = None) -> None:
        self._streams = streams
        self._ingest = ingest
        self._answers: dict[int, int] = {}
        self._sent_bytes = 0

    def note(self, status: int, size_bytes: int) -> None:
        """Count an answer. Players ask several times a second: plain numbers cost them least."""
        self._answers[status] = self._answers.get(status, 0) + 1
        self._sent_bytes += size_bytes

    def text(self) -> bytes:
        """The figures of this moment."""
        return metrics.text(self, metrics.PROCESS)

    def collect(self) -> Iterator[Metric]:
        """The origin's own figures."""
        yield from self._of_streams()
        received = self._ingest.received_bytes if self._ingest is not None else 0
        yield CounterMetricFamily("amphi_origin_received_bytes", "Bytes from publishers.", received)
        yield CounterMetricFamily("amphi_origin_sent_bytes", "Bytes to players and caches.", self._sent_bytes)
        answers = CounterMetricFamily("amphi_origin_answers", "Answers by their status.", labels=["status"])
        for status, number in sorted(self._answers.items()):
            answers.add_metric([str(status)], number)
        yield answers

    def _of_streams(self) -> Iterator[Metric]:
        streams = [stream for stream in self._streams.all() if not stream.playlist.ended]
        publishing = [stream for stream in streams if stream.publisher is not None]
        now = datetime.now(UTC)
        silent_s = [(now - stream.last_media_at).total_seconds() for stream in publishing]
        on_slate = sum(stream.shows_slate for stream in streams)
        blocked = sum(stream.blocked for stream in streams)
        yield GaugeMetricFamily("amphi_origin_streams", "Streams that are live.", len(streams))
        yield GaugeMetricFamily("amphi_origin_publishers", "Streams that are published now.", len(publishing))
        standbys = sum(stream.standby is not None for stream in streams)
        yield GaugeMetricFamily("amphi_origin_standbys", "Streams with a second publisher now.", standbys)
        said = "How often a stream went on with its second publisher."
        yield CounterMetricFamily("amphi_origin_switches", said, self._streams.switches)
        yield GaugeMetricFamily("amphi_origin_slates", "Streams that show a slate now.", on_slate)
        encoded = sum(stream.renditions is not None and stream.renditions.is_encoded for stream in streams)
        said = "How long nothing has come from the publisher that is silent for longest."
        yield GaugeMetricFamily(
            "amphi_origin_encoders", "Streams whose smaller pictures are encoded now.", encoded
        )
        yield GaugeMetricFamily("amphi_origin_silent_seconds", said, round(max(silent_s, default=0), 3))
        yield GaugeMetricFamily("amphi_origin_blocked_requests", "Requests that wait for media.", blocked)
