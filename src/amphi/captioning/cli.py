"""``amphi captions``: writes captions of lives until told to stop."""

import argparse
import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from amphi.system import memory
from amphi.system.notify import Watchdog, notify

if TYPE_CHECKING:
    from amphi.captioning.service import Captioner

log = logging.getLogger("amphi.captioning")

TICK_S = 0.5
PAUSE_S = 1.0


def main(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="amphi captions",
        description="Writes captions of the lives whose presenters want them from this platform.",
    )
    parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import django  # noqa: PLC0415 -- only once the command is known to be this one

    django.setup()
    from django.conf import settings  # noqa: PLC0415 -- Django is set up by then

    from amphi.captioning import service  # noqa: PLC0415

    if not settings.CAPTIONS_ENGINE:
        sys.stderr.write(
            "amphi captions: AMPHI_CAPTIONS_ENGINE: name the engine (vosk, whisper, pocketsphinx)\n"
        )
        return 2
    name = f"{socket.gethostname()}-{os.getpid()}"
    captioner = service.Captioner(name, service.engine(), at_once=settings.CAPTIONS_AT_ONCE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: captioner.stopping.set())
    log.info("captions %s is ready (%s)", name, settings.CAPTIONS_ENGINE)
    memory.end_without()
    _run(captioner)
    # A thread may wait for an engine that is slow; its lease is another's already.
    logging.shutdown()
    os._exit(0)


def _run(captioner: "Captioner") -> None:
    from django.db import Error, close_old_connections  # noqa: PLC0415 -- Django is set up by then

    watchdog = Watchdog()
    notify("READY=1")
    while not captioner.stopping.is_set():
        watchdog.feed()
        try:
            captioner.take_due()
        except Error:
            log.exception("the database did not answer")
            close_old_connections()
            captioner.stopping.wait(PAUSE_S)
        captioner.stopping.wait(TICK_S)
    try:
        captioner.leave()
    except Error:
        log.warning("the database did not answer: the leases end by themselves")
