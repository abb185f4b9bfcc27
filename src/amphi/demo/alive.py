"""A webinar on the air, given by the rehearsal's robot, with a small crowd that writes, asks, votes, reacts and raises a hand.

    python -m amphi.demo.alive SIGN

The demo runs it as one more part. Once listeners see the live, its address is written to the file SIGN. It ends with the demo, at once;
what is left of the webinar is removed at the next start (`seed.remove_alive`). After `SHOW` it ends by itself, and is started again with a new webinar.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
from pathlib import Path

import django

log = logging.getLogger(__name__)


async def _until_told(show: "asyncio.Task[None]") -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, show.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await show


async def _main(sign: Path) -> None:
    show = importlib.import_module("amphi.demo.show")  # it needs Django to be set up
    await _until_told(asyncio.create_task(show.give(sign)))


def main(argv: list[str]) -> int:
    """Give the webinar until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    django.setup()
    asyncio.run(_main(Path(argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
