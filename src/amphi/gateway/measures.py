"""What the gateway does, in numbers, for `/metrics`. Jobs come and go, so none of them is a label."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from amphi.gateway.jobs import Jobs

RUNNING = ("joining", "on_air", "recovering", "stopping")


class Measures(Collector):
    """Reads the jobs when it is asked.

    Args:
        jobs: all jobs.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def collect(self) -> Iterator[Metric]:
        """The gateway's own figures."""
        active = self._jobs.active()
        yield GaugeMetricFamily("amphi_gateway_places", "Meetings that fit at once.", self._jobs.max_jobs)
        states = Counter(job.status.public_state for job in active)
        by_state = GaugeMetricFamily("amphi_gateway_jobs", "Jobs by state.", labels=["state"])
        for state in RUNNING:
            by_state.add_metric([state], states[state])
        yield by_state
        cores = [job.cpu_cores for job in active]
        said = "Processor cores that all jobs take, with their browsers."
        yield GaugeMetricFamily("amphi_gateway_cpu_cores", said, sum(cores))
        said = "Processor cores that the job takes that takes most."
        yield GaugeMetricFamily("amphi_gateway_job_cpu_cores_max", said, max(cores, default=0))
        yield from self._sums()

    def _sums(self) -> Iterator[Metric]:
        sent = self._jobs.sent()
        yield CounterMetricFamily("amphi_gateway_frames", "Pictures that were sent.", sent.frames)
        said = "Pictures that were dropped, since the live server or this machine was too slow."
        yield CounterMetricFamily("amphi_gateway_frames_dropped", said, sent.frames_dropped)
        yield CounterMetricFamily("amphi_gateway_sent_bytes", "Bytes to live servers.", sent.sent_bytes)
        said = "Jobs that ended, by the reason."
        ended = CounterMetricFamily("amphi_gateway_jobs_ended", said, labels=["reason"])
        for reason, number in sorted(self._jobs.ended_by.items()):
            ended.add_metric([reason], number)
        yield ended
