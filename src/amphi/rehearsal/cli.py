"""``amphi rehearse``: holds a short webinar with robots on the configured systems, and measures it."""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import django

from amphi.rehearsal.measures import Report
from amphi.system.terminal import say

SHORTEST_S = 12
LONGEST_S = 3600
DEFAULT_S = 120


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _seconds(value: str) -> int:
    seconds = int(value)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be {SHORTEST_S} to {LONGEST_S}")
    return seconds


def main(argv: list[str]) -> int:
    """Hold a rehearsal. Returns 0 when all is well, 1 when something failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="amphi rehearse",
        description="A short webinar with a robot presenter and a robot listener on whatever is configured, measured.",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=DEFAULT_S, help="how long it is on air (default: 120)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="keep pictures of both windows there if something fails",
    )
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    django.setup()
    # The progress lines are enough here; the worker logs the webinar.
    logging.getLogger("webinar").setLevel(logging.WARNING)
    performance = importlib.import_module("amphi.rehearsal.performance")  # it needs Django to be set up
    try:
        report = asyncio.run(_interruptible(performance.rehearse(options.seconds, _tell, options.pictures)))
    except asyncio.CancelledError:
        _tell(
            say(
                en="Interrupted; the rehearsal’s webinar was removed.",
                fr="Interrompu\u202f; le webinaire d’essai est retiré.",
            )
        )
        return 130
    sys.stdout.write((report.as_json() if options.json else "\n" + report.as_table()) + "\n")
    return 0 if report.ok else 1


async def _interruptible(rehearsal: Coroutine[Any, Any, Report]) -> Report:
    """Let a signal cancel the rehearsal, which then cleans up."""
    task = asyncio.ensure_future(rehearsal)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    return await task
