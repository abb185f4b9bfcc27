"""All jobs of this gateway."""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from amphi.gateway.browsers import BrowserReserve
from amphi.gateway.config import Config
from amphi.gateway.exceptions import GatewayFullError, JobConflictError, UnknownJobError
from amphi.gateway.job import Job, JobSpec, Sent
from amphi.gateway.job_state import State

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

IDLE_KEPT = timedelta(minutes=10)
CALM_AFTER = timedelta(seconds=30)
"""How long a job must be on air before a browser is started for the next one. Starting takes seconds of processor time, which the first
pictures of a live need themselves."""


class Jobs:
    """The jobs, and the browsers that are ready for the next ones.

    Attributes:
        on_idle: called with the id of a job that has ended.
        ended_by: how many jobs ended, by the reason.
    """

    def __init__(self, config: Config) -> None:
        self.on_idle: Callable[[str], None] = lambda _: None
        self.ended_by: Counter[str] = Counter()
        self._sent_before = Sent(0, 0, 0)
        self._config = config
        self._jobs: dict[str, Job] = {}
        self._browsers = BrowserReserve(config)
        self._refilling: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        self._refill()

    async def close(self) -> None:
        """End all jobs at once, RTMP first."""
        if self._refilling is not None:
            self._refilling.cancel()
        jobs = self.active()
        for job in jobs:
            job.stop()
        await asyncio.gather(*(job.ended() for job in jobs))
        await self._browsers.close()

    @property
    def max_jobs(self) -> int:
        return self._config.max_jobs

    def all(self) -> list[Job]:
        self._forget_old()
        return list(self._jobs.values())

    def active(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.status.state is not State.IDLE]

    def sent(self) -> Sent:
        """What all jobs sent, also those that have ended."""
        total = self._sent_before
        for job in self.active():
            total = total.plus(job.sent)
        return total

    def find(self, job_id: str) -> Job:
        """The job with that id.

        Raises:
            UnknownJobError: there is none, or it ended long ago.
        """
        self._forget_old()
        try:
            return self._jobs[job_id]
        except KeyError:
            raise UnknownJobError("no such job here") from None

    def start(self, spec: JobSpec, *, replace_idle: bool = False) -> tuple[Job, bool]:
        """Start a job, or find the one that was started by the same request. Returns it and whether it is new.

        Args:
            spec: what to stream.
            replace_idle: replace an ended job with the same id, for callers whose ids are rooms.

        Raises:
            JobConflictError: another job has this id.
            GatewayFullError: no place is free.
        """
        self._forget_old()
        present = self._jobs.get(spec.job_id)
        if present is not None and not (replace_idle and present.status.state is State.IDLE):
            if not present.spec.is_same_as(spec):
                raise JobConflictError("this job id was used for something else")
            return present, False
        if len(self.active()) >= self._config.max_jobs:
            raise GatewayFullError(f"all {self._config.max_jobs} places are taken")
        job = self._jobs[spec.job_id] = Job(
            spec,
            self._config,
            self._browsers,
            on_change=lambda: self._note_change(spec.job_id),
            sharers=lambda: len(self.active()),
        )
        job.start()
        return job, True

    def _note_change(self, job_id: str) -> None:
        self._refill()
        job = self._jobs[job_id]
        if job.status.state is State.IDLE:
            self.ended_by[job.status.reason or "stopped"] += 1
            self._sent_before = self._sent_before.plus(job.sent)
            self.on_idle(job_id)

    async def settle(self, job_id: str) -> None:
        """Wait until a stopping job with that id has ended, since a restart is a stop and a start."""
        job = self._jobs.get(job_id)
        if job is not None and job.status.is_ending:
            await job.ended()

    def _refill(self) -> None:
        """Start browsers for the next jobs, once the present jobs are calm."""
        if self._refilling is not None:
            self._refilling.cancel()
            self._refilling = None
        active, horizon = self.active(), datetime.now(UTC) - CALM_AFTER
        if all(job.status.state is State.ON_AIR and job.status.since < horizon for job in active):
            self._browsers.refill(wanted=min(self._config.warm, self._config.max_jobs - len(active)))
        else:
            loop = asyncio.get_running_loop()
            self._refilling = loop.call_later(CALM_AFTER.total_seconds(), self._refill)

    def _forget_old(self) -> None:
        horizon = datetime.now(UTC) - IDLE_KEPT
        old = [
            name
            for name, job in self._jobs.items()
            if job.status.state is State.IDLE and job.status.since < horizon
        ]
        for name in old:
            del self._jobs[name]
