"""A hall of 2,000: a real `amphi web` on PostgreSQL, while its listeners write, vote, react and lose their connection.

Each listener must hear each message once and in order, those who come back too. The processor time of each delivery is compared with
that of the plain peer of `bench.fanout`, which neither reads a database nor takes messages. Run it as
``python -m bench.hall [LISTENERS [SECONDS [PER_SECOND [DROPPED]]]]``, or with ``demo`` before the numbers on a demo of its own,
as `make demo` starts it: then a webinar is on the air meanwhile, with its worker, gateway, origin and classroom.
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
from typing import Any

from bench import fanout

TARGET_P99_MS = 1000
SHOWN_FAULTS = 10
PlanNumbers = tuple[int, float, float, int]
"""Those of `_crowd.Plan`, which can be imported only once Django is set up."""


def main(
    listeners: int = 2000,
    seconds: float = 120,
    per_second: float = 20,
    dropped: int | None = None,
    *,
    on_demo: bool = False,
) -> int:
    """Measure and print; 1 when a listener missed something, heard it twice or out of order."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * listeners + 1024), hard))
    numbers_of_plan = (listeners, seconds, per_second, listeners // 4 if dropped is None else dropped)
    with tempfile.TemporaryDirectory() as folder:
        measure = _measure_on_demo if on_demo else _measure_alone
        faults, numbers = measure(Path(folder), numbers_of_plan)
    if not on_demo:  # a peer beside nothing else says nothing of a web server beside all the rest
        peer = fanout.measure("peer", listeners)
        numbers["peer_deliveries_per_cpu_s"] = round(peer)
        numbers["ratio"] = round(numbers["deliveries_per_cpu_s"] / peer, 2)
    print(json.dumps({"listeners": listeners, "faults": len(faults), **numbers}))
    if faults:
        print("\n".join(faults[:SHOWN_FAULTS]), file=sys.stderr)
    if numbers["p99_ms"] > TARGET_P99_MS:
        print(f"p99 is above {TARGET_P99_MS} ms: is the machine quiet?", file=sys.stderr)
    return 1 if faults else 0


def _measure_alone(folder: Path, plan: PlanNumbers) -> tuple[list[str], dict[str, float]]:
    """On a web server of its own, with PostgreSQL and nothing else."""
    os.environ.setdefault("AMPHI_SECRET_KEY", secrets.token_urlsafe(48))
    os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
    os.environ["AMPHI_USE_MEETING_WEBINAR"] = "1"
    from tests import ports, postgresql  # noqa: PLC0415 -- of the tests, not of this folder
    from tests.audience import web_process  # noqa: PLC0415

    with postgresql.running() as url:
        os.environ["AMPHI_DATABASE_URL"] = url
        import django  # noqa: PLC0415 -- its settings are above

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        from amphi.webinars.models import State  # noqa: PLC0415
        from tests.factories import make_webinar, put  # noqa: PLC0415

        call_command("migrate", verbosity=0, interactive=False)
        livestream = make_webinar()
        put(livestream, State.LIVE)
        livestream.event.refresh_from_db()
        with web_process.running(ports.reserve(), folder) as web:
            return _meet(livestream.event, web.url, plan, web.process.pid)


def _measure_on_demo(folder: Path, plan: PlanNumbers) -> tuple[list[str], dict[str, float]]:
    """On a demo, while one of its webinars is on the air."""
    from tests.demo import running  # noqa: PLC0415

    with running.running(folder / "var") as demo:
        os.environ.update(demo.environment(), DJANGO_SETTINGS_MODULE="amphi.settings")
        import django  # noqa: PLC0415

        django.setup()
        from tests.reliability.demo_webinar import DemoWebinar, Parts, make_webinar  # noqa: PLC0415

        with contextlib.closing(DemoWebinar(demo, make_webinar())) as webinar:
            webinar.bring_to_live()
            found = _meet(webinar.row().event, demo.url, plan, Parts(demo).get("web").pid)
            webinar.ask("webinars:end")
        return found


def _meet(event: Any, url: str, numbers: PlanNumbers, web_pid: int) -> tuple[list[str], dict[str, float]]:
    from django.db import connections  # noqa: PLC0415

    from bench import _crowd  # noqa: PLC0415

    plan = _crowd.Plan(*numbers)
    hall = _crowd.set_up(event, url, plan)
    result = asyncio.run(_crowd.Crowd(hall, plan, web_pid).meet())
    _crowd.compare_with_log(result.heard, event, plan)
    connections.close_all()
    return result.heard.faults, result.numbers


if __name__ == "__main__":
    given = sys.argv[1:]
    on_demo = given[:1] == ["demo"]
    numbers = [type_(one) for type_, one in zip((int, float, float, int), given[on_demo:], strict=False)]
    sys.exit(main(*numbers, on_demo=on_demo))
