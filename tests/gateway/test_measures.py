"""What Prometheus reads of the gateway, as literal text."""

from datetime import UTC, datetime
from types import SimpleNamespace

from amphi.gateway.config import Config
from amphi.gateway.job import Sent
from amphi.gateway.job_state import State, Status
from amphi.gateway.jobs import Jobs
from amphi.gateway.measures import Measures
from amphi.system import metrics

TEXT = """\
# HELP amphi_gateway_places Meetings that fit at once.
# TYPE amphi_gateway_places gauge
amphi_gateway_places 3.0
# HELP amphi_gateway_jobs Jobs by state.
# TYPE amphi_gateway_jobs gauge
amphi_gateway_jobs{state="joining"} 1.0
amphi_gateway_jobs{state="on_air"} 1.0
amphi_gateway_jobs{state="recovering"} 0.0
amphi_gateway_jobs{state="stopping"} 0.0
# HELP amphi_gateway_cpu_cores Processor cores that all jobs take, with their browsers.
# TYPE amphi_gateway_cpu_cores gauge
amphi_gateway_cpu_cores 1.25
# HELP amphi_gateway_job_cpu_cores_max Processor cores that the job takes that takes most.
# TYPE amphi_gateway_job_cpu_cores_max gauge
amphi_gateway_job_cpu_cores_max 0.75
# HELP amphi_gateway_frames_total Pictures that were sent.
# TYPE amphi_gateway_frames_total counter
amphi_gateway_frames_total 300.0
# HELP amphi_gateway_frames_dropped_total Pictures that were dropped, since the live server or this machine was too slow.
# TYPE amphi_gateway_frames_dropped_total counter
amphi_gateway_frames_dropped_total 3.0
# HELP amphi_gateway_sent_bytes_total Bytes to live servers.
# TYPE amphi_gateway_sent_bytes_total counter
amphi_gateway_sent_bytes_total 3000.0
# HELP amphi_gateway_jobs_ended_total Jobs that ended, by the reason.
# TYPE amphi_gateway_jobs_ended_total counter
amphi_gateway_jobs_ended_total{reason="meeting_ended"} 1.0
"""


def job(state: State, cores: float, reason: str = "") -> SimpleNamespace:
    status = Status(state, datetime.now(UTC), reason=reason)
    return SimpleNamespace(status=status, cpu_cores=cores, sent=Sent(100, 1, 1000))


def test_figures(monkeypatch):
    jobs = Jobs(Config(token="t", max_jobs=3))
    monkeypatch.setattr(jobs, "_refill", lambda: None)
    jobs._jobs = {
        "a": job(State.PUBLISHING, 0.75),
        "b": job(State.ON_AIR, 0.5),
        "c": job(State.IDLE, 0, "meeting_ended"),
    }
    jobs._note_change("c")
    assert metrics.text(Measures(jobs)).decode() == TEXT
    # What was sent stays counted when the job is forgotten.
    del jobs._jobs["c"]
    assert jobs.sent() == Sent(300, 3, 3000)
