"""``amphi loadtest URL``: thousands of simulated listeners at a live of this installation, measured."""

import argparse
import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import uvloop

from amphi.loadtest.crowd import Crowd, Plan
from amphi.loadtest.exceptions import LoadTestError
from amphi.loadtest.figures import Report
from amphi.loadtest.place import Place, need_files, resolve, sources_for, split
from amphi.system.terminal import say

INTERRUPTED = 130
TELL_EVERY = 5
"""Where nobody watches, each fifth line about how it goes is enough."""


def _bounded(least: float, most: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        number = float(value)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be {least:g} to {most:g}")
        return number

    return read


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi loadtest",
        description="Simulated listeners at a live page: pages, event streams, pictures, messages. They write in the discussion where "
        "guests may, so take a webinar that is there for it.",
    )
    parser.add_argument("url", metavar="URL", help="the live page, https://HOST/live/NAME/")
    parser.add_argument("--listeners", type=_bounded(1, 20_000), default=200, help="how many (default: 200)")
    parser.add_argument(
        "--viewers", type=_bounded(0, 5_000), default=None, help="how many fetch the picture (default: 15 %%)"
    )
    parser.add_argument(
        "--seconds", type=_bounded(10, 3600), default=120, help="how long, arrival included (default: 120)"
    )
    parser.add_argument(
        "--messages", type=_bounded(0, 50), default=1, help="written a second, by guests (default: 1)"
    )
    parser.add_argument(
        "--leaving", type=_bounded(0, 100), default=10, help="per cent that leave and come back (default: 10)"
    )
    parser.add_argument(
        "--slow", type=_bounded(0, 100), default=2, help="per cent with a slow line (default: 2)"
    )
    parser.add_argument(
        "--from", dest="sources", default="", help="addresses of this machine to come from, between commas"
    )
    parser.add_argument("--ca", metavar="FILE", help="the authority that signed the server's certificate")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument(
        "--i-own-this", action="store_true", help="the host is not that of AMPHI_URL, and it is mine to load"
    )
    return parser.parse_args(argv)


def _plan(options: argparse.Namespace) -> Plan:
    listeners = int(options.listeners)
    viewers = round(0.15 * listeners) if options.viewers is None else int(options.viewers)
    return Plan(
        listeners=listeners,
        viewers=min(listeners, viewers),
        seconds=options.seconds,
        messages=options.messages,
        leaving=options.leaving / 100,
        slow=options.slow / 100,
    )


def refuse_others(page: SplitResult, own_url: str) -> None:
    """Refuse hosts that are not this installation's.

    Raises:
        LoadTestError: it is another one.
    """
    own = urlsplit(own_url).hostname
    if page.hostname != own:
        raise LoadTestError(
            say(
                en=f"{page.hostname} is not this installation’s own host ({own}, by AMPHI_URL). If it is yours to load: --i-own-this",
                fr=f"{page.hostname} n’est pas l’hôte de cette installation ({own}, d’après AMPHI_URL). Si vous avez le droit de le "
                "charger\u202f: --i-own-this",
            )
        )


def _trust(ca: str | None) -> ssl.SSLContext:
    trust = ssl.create_default_context(cafile=ca)
    # What these listeners speak, also to a server that would rather speak HTTP/2.
    trust.set_alpn_protocols(["http/1.1"])
    return trust


async def _run(options: argparse.Namespace, page: SplitResult) -> Report:
    plan = _plan(options)
    port = page.port or (443 if page.scheme == "https" else 80)
    try:
        address = await resolve(page.hostname or "", port)
    except OSError as error:
        raise LoadTestError(f"{page.hostname}: {error.strerror}") from None
    given = tuple(one.strip() for one in options.sources.split(",") if one.strip())
    place = Place(
        page,
        sources_for(address, plan.listeners, given),
        _trust(options.ca),
        elsewhere=options.i_own_this,
    )
    crowd = Crowd(plan, place, _teller())
    task = asyncio.ensure_future(crowd.meet())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _teller() -> Callable[[str], None]:
    """Tells how it goes: on a terminal in one line, elsewhere now and then."""
    told = 0

    def tell(line: str) -> None:
        nonlocal told
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line}\x1b[K")
        elif told % TELL_EVERY == 0:
            sys.stderr.write(line + "\n")
        told += 1
        sys.stderr.flush()

    return tell


def main(argv: list[str]) -> int:
    """Run it. Returns 0 when all is well, 1 when something failed, 2 when it can't begin, 130 when interrupted."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    from django.conf import settings  # noqa: PLC0415 -- needs the line above

    try:
        page = split(options.url)
        if not options.i_own_this:
            refuse_others(page, settings.AMPHI_URL)
        need_files(_plan(options).connections)
        report = uvloop.run(_run(options, page))
    except LoadTestError as error:
        sys.stderr.write(f"amphi loadtest: {error}\n")
        return 2
    except asyncio.CancelledError:
        sys.stderr.write("\n")
        return INTERRUPTED
    sys.stdout.write((report.as_json() if options.json else "\n" + report.as_table()) + "\n")
    return 1 if report.failures else 0
