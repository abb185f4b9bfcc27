"""``amphi worker``: claims what is due, and does it. Any number of them share the work.

A claim is a lease in the row: a worker that dies leaves its work to the others when the lease ends. Each livestream is looked at
in a thread of its own, so one that waits for a slow server delays only itself.
"""

import argparse
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

log = logging.getLogger("amphi.worker")

TICK_S = 0.2
LEASE = timedelta(seconds=60)
THREADS = 16


class Worker:
    """Takes due work until told to stop.

    Args:
        name: who it is, in the claims.
        threads: how many things it does at once.
    """

    def __init__(self, name: str, *, threads: int = THREADS) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._free = threading.BoundedSemaphore(threads)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`, then finish what is under way."""
        from django.db import Error, close_old_connections  # noqa: PLC0415 -- Django is set up by then

        while not self._stopping.is_set():
            try:
                self.take_due()
            except Error:
                # The database went away: it is asked again until it is back.
                log.exception("the database did not answer")
                close_old_connections()
                self._stopping.wait(1)
            self._stopping.wait(TICK_S)
        self._pool.shutdown(wait=True)

    def take_due(self) -> None:
        """Claim what is due now and hand it to the threads."""
        from amphi.audience import delivery  # noqa: PLC0415
        from amphi.mails import sending  # noqa: PLC0415
        from amphi.webinars import claims  # noqa: PLC0415

        for claim in claims.claim_due(self.name, limit=THREADS, lease=LEASE):
            self._do(partial(claims.carry_out, claim, self.name))
        for channel_id in delivery.claim_due(limit=THREADS):
            self._do(partial(delivery.deliver, channel_id))
        for mail_id in sending.claim_due(limit=THREADS):
            self._do(partial(sending.send, mail_id))

    def _do(self, work: Callable[[], object]) -> None:
        self._free.acquire()
        self._pool.submit(self._in_thread, work).add_done_callback(self._done)

    @staticmethod
    def _in_thread(work: Callable[[], object]) -> None:
        from django.db import close_old_connections  # noqa: PLC0415

        close_old_connections()
        work()

    def _done(self, future: Future[None]) -> None:
        self._free.release()
        error = future.exception()
        if error is not None:
            log.error("a check failed and will be tried again", exc_info=error)


def main(argv: list[str]) -> int:
    """Run a worker until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="amphi worker", description="Starts, watches and stops webinars.")
    parser.add_argument(
        "--threads", type=int, default=THREADS, help="how many webinars are looked at at once"
    )
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import django  # noqa: PLC0415 -- only once the command is known to be this one

    django.setup()
    worker = Worker(f"{socket.gethostname()}-{os.getpid()}", threads=options.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    log.info("worker %s is ready", worker.name)
    worker.run()
    return 0
