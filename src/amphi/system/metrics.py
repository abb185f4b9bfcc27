"""What Prometheus reads of a part: who may, the text, and what every part tells of its own process.

Labels come from lists in the code. What people type, and what is made at run time, is never one: each value would be a series for ever.
"""

import hmac
import os
import resource
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import Metric, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

PATH = "/metrics"
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
CHALLENGE = 'Bearer realm="metrics"'

disable_created_metrics()  # type: ignore[no-untyped-call]


class _Process(Collector):
    """Processor time, memory and open files of this process.

    By the names that prometheus-client's own collector has, which needs ``/proc/stat``: systemd hides that from our services (``ProcSubset=pid``).
    """

    def __init__(self) -> None:
        self._began = time.time()

    def collect(self) -> Iterator[Metric]:
        processor_s = time.process_time()
        yield CounterMetricFamily("process_cpu_seconds", "Processor time of this process.", processor_s)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident = pages * resource.getpagesize()
        yield GaugeMetricFamily("process_resident_memory_bytes", "Memory that this process holds.", resident)
        yield GaugeMetricFamily("process_start_time_seconds", "When it began, since 1970.", self._began)
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- their number alone
        yield GaugeMetricFamily("process_open_fds", "Files that it has open.", open_files)
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield GaugeMetricFamily("process_max_fds", "Files that it may have open.", most)


PROCESS = _Process()


class _Together(Collector):
    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors:
            yield from collector.collect()


def text(*collectors: Collector) -> bytes:
    """What these say at this moment, as Prometheus reads it (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    return generate_latest(_Together(collectors))


def status_for(authorization: str, token: str) -> int:
    """HTTP's status for somebody who asks for the figures: 404 where there is no token, 401 with a wrong one, else 200.

    Args:
        authorization: the header of the request, or an empty text.
        token: what ``AMPHI_METRICS_TOKEN`` says.
    """
    if not token:
        return 404
    given = authorization.encode(errors="replace")
    return 200 if hmac.compare_digest(given, f"Bearer {token}".encode()) else 401
