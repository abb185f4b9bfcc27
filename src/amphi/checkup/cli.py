"""``amphi check``."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module

from amphi.checkup import nagios
from amphi.checkup.findings import Check, Finding, print_report
from amphi.system.environment import InvalidSettingError

AT_ONCE = 16
DATABASE_TIMEOUT_S = 10
PLUGIN_TIMEOUT_S = 55
"""Less than the minute that Nagios and Icinga wait for a plugin."""


def _local_checks(*, database_answers: bool) -> Iterator[Finding]:
    """Run the checks that read settings and the database, in this thread."""
    from django.db import DatabaseError  # noqa: PLC0415 -- needs Django set up

    from amphi.checkup import bucket, captions, platform  # noqa: PLC0415 -- needs Django set up

    yield from platform.check_settings()
    yield from platform.check_recordings()
    if not database_answers:
        yield platform.unreachable_database()
        return
    yield from platform.check_database()
    try:
        yield from platform.check_worker()
        yield from platform.check_refused_mails()
        yield from platform.check_tickets()
        yield from platform.check_keys()
        yield from captions.check_process()
        yield from bucket.check_items()
    except DatabaseError:
        # `check_database` has reported it.
        return


def _remote_checks(*, database_answers: bool) -> Iterator[Check]:
    """The checks that ask other servers. Each may run in a thread of its own, and does not read the database there."""
    from django.db import DatabaseError  # noqa: PLC0415 -- needs Django set up

    from amphi.audience.models import Broadcaster  # noqa: PLC0415 -- needs Django set up
    from amphi.checkup import (  # noqa: PLC0415 -- needs Django set up
        broadcasters,
        bucket,
        captions,
        live_gateways,
        meeting_server,
        platform,
        platforms,
        sign_on,
    )
    from amphi.lti.models import Platform  # noqa: PLC0415 -- needs Django set up
    from amphi.webinars.models import LiveGateway  # noqa: PLC0415 -- needs Django set up

    yield platform.check_web
    yield meeting_server.check_meeting_server
    yield platform.check_mail
    yield from sign_on.checks()
    yield captions.check_engine
    yield bucket.check_bucket
    if not database_answers:
        return
    try:
        gateways = list(LiveGateway.objects.all())
        sources = list(Broadcaster.objects.all())
        courses = list(Platform.objects.filter(is_active=True))
    except DatabaseError:
        return
    for course_platform in courses:
        yield partial(platforms.check_platform, course_platform)
    services = {service: None for one in gateways for service in live_gateways.services_of(one)}
    for service in services:
        yield partial(live_gateways.check_gateway, service)
    # Check each live server once: its streams differ only in name and key.
    servers = {
        one.rtmp_stream_url.partition("?")[0].rpartition("/")[0]: one.rtmp_stream_url for one in gateways
    }
    for url in servers.values():
        yield partial(live_gateways.check_rtmp, url)
    for one in sources:
        source = broadcasters.Source(one.name, one.hls_url, one.stream, one.has_tickets)
        yield partial(broadcasters.check_broadcaster, source)


def _findings_of(check: Check) -> list[Finding]:
    return list(check())


def look() -> list[Finding]:
    """All findings in the order of the report. Checks of other servers run in parallel."""
    from amphi.system.health import database_answers_within  # noqa: PLC0415 -- needs Django set up

    answers = database_answers_within(DATABASE_TIMEOUT_S)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(_findings_of, check) for check in _remote_checks(database_answers=answers)]
        findings = list(_local_checks(database_answers=answers))
        return findings + [finding for future in waiting for finding in future.result()]


def _parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="amphi check",
        description="Whether the settings make sense, and whether all that they name answers. Status 1 when something fails.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--nagios", action="store_true", help="answer as a plugin of Nagios or Icinga, with status 0 to 3"
    )
    parser.add_argument(
        "--timeout",
        type=int,
        default=PLUGIN_TIMEOUT_S,
        metavar="S",
        help="with --nagios: end as unknown after so many seconds (%(default)s)",
    )
    parser.add_argument(
        "--django", action="store_true", help="run Django’s own check instead, with its options"
    )
    options, rest = parser.parse_known_args(argv)
    if rest and not options.django:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options, rest


def main(argv: list[str]) -> int:
    """Run all checks and print the report; returns 1 when a check fails."""
    options, rest = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    if options.django:
        import_module("django.core.management").execute_from_command_line(["amphi", "check", *rest])
        return 0
    if options.nagios:
        return _as_plugin(options.timeout)
    import_module("django").setup()
    return print_report(look(), as_json=options.json)


def _as_plugin(timeout_s: int) -> int:
    nagios.end_after(timeout_s)
    began = time.monotonic()
    try:
        import_module("django").setup()
        said, status = nagios.report(look(), took_s=time.monotonic() - began)
    except InvalidSettingError as error:
        said, status = nagios.unknown(str(error))
    sys.stdout.write(f"{said}\n")
    return status
