"""A hall of 2,000: a real `amphi web` on PostgreSQL, while its listeners write, vote, react and lose their connection.

Each listener must hear each message once and in order, those who come back too. The processor time of each delivery is compared with
that of the plain peer of `bench.fanout`, which neither reads a database nor takes messages. Run it as
``python -m bench.hall [LISTENERS [SECONDS [PER_SECOND [DROPPED]]]]``.
"""

import asyncio
import contextlib
import json
import os
import resource
import secrets
import sys
import tempfile
from pathlib import Path

from bench import fanout

TARGET_P99_MS = 1000
SHOWN_FAULTS = 10


def main(
    listeners: int = 2000, seconds: float = 120, per_second: float = 20, dropped: int | None = None
) -> int:
    """Measure and print; 1 when a listener missed something, heard it twice or out of order."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * listeners + 1024), hard))
    os.environ.setdefault("AMPHI_SECRET_KEY", secrets.token_urlsafe(48))
    os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
    os.environ["AMPHI_USE_MEETING_WEBINAR"] = "1"
    from tests import postgresql  # noqa: PLC0415 -- of the tests, not of this folder

    with postgresql.running() as url, tempfile.TemporaryDirectory() as folder:
        os.environ["AMPHI_DATABASE_URL"] = url
        faults, numbers = _measure(
            Path(folder), listeners, seconds, per_second, listeners // 4 if dropped is None else dropped
        )
    peer = fanout.measure("peer", listeners)
    numbers["peer_deliveries_per_cpu_s"] = round(peer)
    numbers["ratio"] = round(numbers["deliveries_per_cpu_s"] / peer, 2)
    print(json.dumps({"listeners": listeners, "faults": len(faults), **numbers}))
    if faults:
        print("\n".join(faults[:SHOWN_FAULTS]), file=sys.stderr)
    if numbers["p99_ms"] > TARGET_P99_MS:
        print(f"p99 is above {TARGET_P99_MS} ms: is the machine quiet?", file=sys.stderr)
    return 1 if faults else 0


def _measure(
    folder: Path, listeners: int, seconds: float, per_second: float, dropped: int
) -> tuple[list[str], dict[str, float]]:
    import django  # noqa: PLC0415 -- its settings are above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    from amphi.webinars.models import State  # noqa: PLC0415
    from bench import _crowd  # noqa: PLC0415
    from tests import ports  # noqa: PLC0415
    from tests.audience import web_process  # noqa: PLC0415
    from tests.factories import make_webinar, put  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    livestream = make_webinar()
    put(livestream, State.LIVE)
    livestream.event.refresh_from_db()
    plan = _crowd.Plan(listeners, seconds, per_second, dropped)
    with web_process.running(ports.reserve(), folder) as web:
        hall = _crowd.set_up(livestream.event, web.url, plan)
        result = asyncio.run(_crowd.Crowd(hall, plan, web.process.pid).meet())
    _crowd.compare_with_log(result.heard, livestream.event, plan)
    connections.close_all()
    return result.heard.faults, result.numbers


if __name__ == "__main__":
    sys.exit(
        main(*(type_(given) for type_, given in zip((int, float, float, int), sys.argv[1:], strict=False)))
    )
