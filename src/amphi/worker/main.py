"""``amphi worker``: claims due work and does it. Any number of workers share the work.

Each claim is a lease in the row (`amphi.system.leases`), renewed while the work lasts. When a worker dies, its leases expire and
others take over; when it is told to stop, it ends them at once. Each look runs in a thread of its own, so a slow server delays only
that livestream. Chat, emails and recordings have their own threads. A worker claims no more than it has free threads. After an
unexpected exception the row rests, and all other work goes on.
"""

import argparse
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from amphi.system import environment, memory
from amphi.system.notify import Watchdog, notify
from amphi.worker import measures

if TYPE_CHECKING:
    from amphi.system.leases import Lease

log = logging.getLogger("amphi.worker")

TICK_S = 0.2
PULSE_EVERY_S = 10.0
RENEW_EVERY_S = 3.0
"""Leases are renewed this often, so work may last longer than a lease, and a lease ends soon after its worker dies."""
STOP_GRACE_S = 0.8
THREADS = 32
RETIRE_THREADS = 8
STANDBY_THREADS = 16
CHAT_THREADS = 8
MAIL_THREADS = 2
RECORDING_THREADS = 1
REPLAY_THREADS = 1
POD_THREADS = 1
UPLOAD_THREADS = 1
WEBHOOK_THREADS = 4
COURSE_THREADS = 2

Work = TypeVar("Work")


class Lane(Generic[Work]):
    """Threads for one kind of work, so that a slow call delays no other kind.

    Args:
        name: the name of the threads.
        threads: how many there are.
        claim: claims due work, up to a number.
        do: does one piece of work.
    """

    def __init__(
        self, name: str, threads: int, *, claim: Callable[[int], Sequence[Work]], do: Callable[[Work], object]
    ) -> None:
        self._name = name
        self._claim = claim
        self._do = do
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._in_hand: dict[Future[None], Work] = {}
        self._lock = threading.Lock()
        measures.announce(name, threads)

    def in_hand(self) -> list[Work]:
        """The work that is under way."""
        with self._lock:
            return list(self._in_hand.values())

    def take(self) -> None:
        """Claim due work for all free threads, and hand it to them."""
        free = self._threads - len(self.in_hand())
        if free <= 0:
            return
        for work in self._claim(free):
            future = self._pool.submit(self._in_thread, work)
            with self._lock:
                self._in_hand[future] = work
            future.add_done_callback(self._done)

    def _in_thread(self, work: Work) -> None:
        from django.db import close_old_connections  # noqa: PLC0415 -- Django is set up by then

        close_old_connections()
        try:
            with measures.measured(self._name):
                self._do(work)
        except BaseException:
            self._rest(work)
            raise

    @staticmethod
    def _rest(work: Work) -> None:
        """Pause work that raised an unexpected exception, so that nobody repeats it at once."""
        from django.db import Error  # noqa: PLC0415 -- Django is set up by then

        from amphi.system.leases import Lease  # noqa: PLC0415

        if not isinstance(work, Lease):
            return
        try:
            work.rest()
        except Error:
            log.warning("the database did not answer: the lease ends by itself")

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._in_hand.pop(future, None)
        error = future.exception()
        if isinstance(error, MemoryError):
            memory.end()
        if error is not None:
            log.error("work raised what nobody expected, and is tried again after a rest", exc_info=error)


class Worker:
    """Takes due work until told to stop.

    Args:
        name: its name in the leases.
        threads: how many livestreams it looks at simultaneously.
    """

    def __init__(self, name: str, *, threads: int = THREADS) -> None:
        from django.utils import timezone  # noqa: PLC0415 -- Django is set up by then

        from amphi.mails import sending  # noqa: PLC0415
        from amphi.worker import (  # noqa: PLC0415
            claims,
            correspondence,
            courses,
            delivery,
            pod_transfers,
            recordings,
            replays,
            retiring,
            standby,
            tidying,
            uploads,
            webhooks,
        )

        self.name = name
        looks = Lane(
            "look",
            threads,
            claim=lambda free: claims.claim_due(name, limit=free),
            do=claims.carry_out,
        )
        retire = Lane(
            "retire",
            RETIRE_THREADS,
            claim=lambda free: retiring.claim_due(limit=free, worker=name),
            do=retiring.stop,
        )
        second = Lane(
            "standby",
            STANDBY_THREADS,
            claim=lambda free: standby.claim_due(limit=free, worker=name),
            do=standby.look,
        )
        chat = Lane(
            "chat",
            CHAT_THREADS,
            claim=lambda free: delivery.claim_due(limit=free, worker=name),
            do=delivery.deliver,
        )
        mail = Lane(
            "mail",
            MAIL_THREADS,
            claim=lambda free: sending.claim_due(limit=free, worker=name),
            do=sending.send,
        )
        recording = Lane(
            "recording",
            RECORDING_THREADS,
            claim=lambda free: recordings.claim_due(limit=free, worker=name),
            do=recordings.look_up,
        )
        replay = Lane(
            "replay",
            REPLAY_THREADS,
            claim=lambda free: replays.claim_due(limit=free, worker=name),
            do=replays.make,
        )
        pod = Lane(
            "pod",
            POD_THREADS,
            claim=lambda free: pod_transfers.claim_due(limit=free, worker=name),
            do=pod_transfers.send,
        )
        upload = Lane(
            "upload",
            UPLOAD_THREADS,
            claim=lambda free: uploads.claim_due(limit=free, worker=name),
            do=uploads.carry_out,
        )
        webhook = Lane(
            "webhook",
            WEBHOOK_THREADS,
            claim=lambda free: webhooks.claim_due(limit=free, worker=name),
            do=webhooks.deliver,
        )
        due = courses.Due()
        course = Lane(
            "course",
            COURSE_THREADS,
            claim=lambda free: due.claim(limit=free, worker=name),
            do=courses.work,
        )
        often = tidying.Tidying(replays.EVERY_S)
        self._making_room = Lane(
            "room",
            1,
            claim=lambda _free: often.claim_due(),
            do=lambda _work: replays.tidy(timezone.now()),
        )
        hourly = tidying.Tidying()
        self._tidying = Lane(
            "tidy", 1, claim=lambda _free: hourly.claim_due(), do=lambda _work: tidying.tidy()
        )
        writing = correspondence.Correspondence()
        self._letters = Lane(
            "letters", 1, claim=lambda _free: writing.claim_due(), do=lambda _work: writing.write()
        )
        self._leased: tuple[Lane[Lease], ...] = (
            looks,
            retire,
            second,
            chat,
            mail,
            recording,
            replay,
            pod,
            upload,
            webhook,
            course,
        )
        self._renewed_at = time.monotonic()
        self._pulse_at = 0.0
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Claim no more work."""
        self._stopping.set()

    def run(self) -> bool:
        """Work until `stop`.

        Returns:
            True when all work was finished; False when some was left to other workers.
        """
        from django.db import Error, close_old_connections  # noqa: PLC0415 -- Django is set up by then

        watchdog = Watchdog()
        notify("READY=1")
        self._take_over()
        while not self._stopping.is_set():
            # Also when the database is down: restarting this process would not help.
            watchdog.feed()
            try:
                self.take_due()
            except Error:
                # The database is down: try again until it is back.
                log.exception("the database did not answer")
                close_old_connections()
                self._stopping.wait(1)
            self._stopping.wait(TICK_S)
        try:
            return self._leave()
        except Error:
            log.exception("the database did not answer: the leases end by themselves")
            return False

    def _take_over(self) -> None:
        """Take over at once from workers that died on this machine."""
        from django.db import Error  # noqa: PLC0415 -- Django is set up by then

        from amphi.worker import claims  # noqa: PLC0415

        try:
            claims.free_leases_of_the_dead(self.name)
        except Error:
            log.warning("the database did not answer: leases of workers that died end by themselves")

    def take_due(self) -> None:
        """Claim due work, hand it to the threads, and renew the leases of work under way."""
        from amphi.system import leases  # noqa: PLC0415 -- Django is set up by then
        from amphi.worker import claims  # noqa: PLC0415

        if time.monotonic() >= self._renewed_at + RENEW_EVERY_S:
            self._renewed_at = time.monotonic()
            leases.renew(self._leases())
        if time.monotonic() >= self._pulse_at:
            self._pulse_at = time.monotonic() + PULSE_EVERY_S
            claims.pulse(self.name)
        for lane in self._lanes():
            lane.take()

    def _lanes(self) -> tuple[Lane[Any], ...]:
        return *self._leased, self._letters, self._tidying, self._making_room

    def _leases(self) -> "list[Lease]":
        """The leases of all work under way; letters and tidying have none."""
        return [lease for lane in self._leased for lease in lane.in_hand()]

    def _leave(self) -> bool:
        """Let work under way finish for a moment, and leave the rest to other workers."""
        from amphi.system import leases  # noqa: PLC0415 -- Django is set up by then
        from amphi.worker import claims  # noqa: PLC0415

        claims.pulse_no_more(self.name)
        deadline = time.monotonic() + STOP_GRACE_S
        while left := [work for lane in self._lanes() for work in lane.in_hand()]:
            if time.monotonic() >= deadline:
                leases.leave(self._leases())
                log.info("worker %s leaves %d things to others", self.name, len(left))
                return False
            time.sleep(0.02)
        return True


def main(argv: list[str]) -> int:
    """Run a worker until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="amphi worker", description="Starts, watches and stops webinars.")
    parser.add_argument(
        "--threads", type=int, default=THREADS, help="how many webinars are looked at at once"
    )
    parser.add_argument("--http", metavar="HOST:PORT", help="where /metrics is read (AMPHI_WORKER_HTTP)")
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import django  # noqa: PLC0415 -- only once the command is known to be this one

    django.setup()
    worker = Worker(f"{socket.gethostname()}-{os.getpid()}", threads=options.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    from django.conf import settings  # noqa: PLC0415 -- Django is set up by then

    address = (
        environment.parse_address(options.http, "--http") if options.http else settings.AMPHI_WORKER_HTTP
    )
    stop_figures = measures.serve(address, settings.AMPHI_METRICS_TOKEN)
    log.info("worker %s is ready", worker.name)
    memory.end_without()
    is_finished = worker.run()
    stop_figures()
    if not is_finished:
        # Python would wait for threads that wait for slow servers. Other workers may safely repeat their calls.
        logging.shutdown()
        os._exit(0)
    return 0
