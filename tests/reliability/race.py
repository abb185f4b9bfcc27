"""Many processes that want the same at the same moment, on a database of any kind.

    AMPHI_DATABASE_URL=… python -m tests.reliability.race 40

One process sets Django up and forks the others, each with a connection of its own; a barrier lets them go together. All tables of
the database, which is migrated, are emptied. Prints what they met and what the database held then, by race, as JSON.
"""

import json
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from multiprocessing.synchronize import Barrier
from typing import Any

import django

GATEWAYS = 3
HOUR = timedelta(hours=1)
WAIT_S = 120


def _race(processes: int, what: Callable[[int], str]) -> list[str]:
    """Have `what` done by each of so many processes at once; what each of them met."""
    from django.db import connections  # noqa: PLC0415 -- Django is set up by then

    connections.close_all()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    met: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    racers = [context.Process(target=_one, args=(what, number, barrier, met)) for number in range(processes)]
    for racer in racers:
        racer.start()
    results = [met.get() for _ in racers]
    for racer in racers:
        racer.join(WAIT_S)
    return results


def _one(
    what: Callable[[int], str], number: int, barrier: Barrier, met: "multiprocessing.SimpleQueue[str]"
) -> None:
    from django.db import connection, transaction  # noqa: PLC0415

    try:
        connection.ensure_connection()
        barrier.wait(WAIT_S)
        result = what(number)
        assert not transaction.get_connection().in_atomic_block
    except Exception:  # noqa: BLE001 -- carried to the one who started this process
        result = traceback.format_exc()
    met.put(result)
    connection.close()


def _webinars(count: int, start_at: Callable[[int], datetime]) -> tuple[list[Any], list[Any]]:
    """The gateways, and `count` webinars of users of their own."""
    from tests.factories import make_gateway, make_user, make_webinar  # noqa: PLC0415

    gateways = [make_gateway() for _ in range(GATEWAYS)]
    return gateways, [make_webinar(make_user(), start_at=start_at(number)) for number in range(count)]


def create(processes: int) -> list[str]:
    """Each makes a webinar at the same hour."""
    from amphi.meetings.domain import MeetingFields  # noqa: PLC0415
    from amphi.webinars.saving import create_meeting  # noqa: PLC0415
    from tests.factories import in_hours, make_gateway, make_user  # noqa: PLC0415

    users, at = [make_user() for _ in range(processes)], in_hours(30)
    for _ in range(GATEWAYS):
        make_gateway()

    def one(number: int) -> str:
        fields = MeetingFields(name=f"Cours {number}", start_at=at, duration=HOUR, is_webinar=True)
        saved = create_meeting(user=users[number], fields=fields)
        return "webinar" if saved.conflict is None else f"{len(saved.conflict.overlapping)} overlap"

    return _race(processes, one)


def move(processes: int) -> list[str]:
    """Each moves a webinar of its own to the same hour."""
    from amphi.meetings.domain import MeetingFields  # noqa: PLC0415
    from amphi.webinars.exceptions import NoGatewayError  # noqa: PLC0415
    from amphi.webinars.saving import update_meeting  # noqa: PLC0415
    from tests.factories import in_hours  # noqa: PLC0415

    at = in_hours(30)
    _, livestreams = _webinars(processes, lambda number: at + (number + 2) * HOUR)

    def one(number: int) -> str:
        meeting = livestreams[number].meeting
        fields = MeetingFields(name=meeting.name, start_at=at, duration=HOUR, is_webinar=True)
        try:
            update_meeting(meeting, user=meeting.owner, fields=fields)
        except NoGatewayError as error:
            return f"{len(error.conflict.overlapping)} overlap"
        return "webinar"

    return _race(processes, one)


def start(processes: int) -> list[str]:
    """Each starts a webinar of its own; all are booked one after the other on the same gateway."""
    from amphi.webinars import domain  # noqa: PLC0415
    from tests.factories import in_hours  # noqa: PLC0415

    _, livestreams = _webinars(processes, lambda number: in_hours(30 + number))

    def one(number: int) -> str:
        domain.go_live(livestreams[number], user=livestreams[number].meeting.owner)
        return "asked"

    return _race(processes, one)


def start_and_edit(processes: int) -> list[str]:
    """Half of them start one webinar, half of them move it to another time."""
    from amphi.meetings.domain import MeetingFields  # noqa: PLC0415
    from amphi.webinars import domain  # noqa: PLC0415
    from amphi.webinars.saving import update_meeting  # noqa: PLC0415
    from tests.factories import in_hours  # noqa: PLC0415

    _, (livestream,) = _webinars(1, lambda _: in_hours(30))
    meeting = livestream.meeting

    def one(number: int) -> str:
        if number % 2:
            domain.go_live(livestream, user=meeting.owner)
            return "asked"
        fields = MeetingFields(
            name=meeting.name,
            start_at=meeting.start_at + number * HOUR,
            duration=HOUR,
            is_webinar=True,
            enable_chat=bool(number % 4),
        )
        saved = update_meeting(meeting, user=meeting.owner, fields=fields)
        return "moved" if saved.conflict is None else "conflict"

    return _race(processes, one)


def _double_bookings(livestreams: list[Any]) -> int:
    """How many pairs of webinars hold one gateway in hours that overlap."""
    return sum(
        one.gateway_id == other.gateway_id and one.starts_at < other.ends_at and other.starts_at < one.ends_at
        for one, other in combinations(livestreams, 2)
    )


def _held() -> dict[str, Any]:
    from amphi.audience.models import Event  # noqa: PLC0415
    from amphi.meetings.models import Meeting  # noqa: PLC0415
    from amphi.webinars import rebooking  # noqa: PLC0415
    from amphi.webinars.models import RUNNING, Livestream, Transition  # noqa: PLC0415

    rows = list(Livestream.objects.select_related("event", "meeting"))
    running = [row for row in rows if row.state in RUNNING]
    return {
        "gateways": sorted(row.gateway_id for row in rows),
        "double_bookings": _double_bookings(rows),
        "may_send": sorted(row.gateway_id for row in running if not rebooking.must_wait(row)),
        "running": len(running),
        "starts": Transition.objects.filter(trigger="go_live").count(),
        "events": Event.objects.count(),
        "webinars": Meeting.objects.filter(is_webinar=True).count(),
        "plain_meetings": Meeting.objects.filter(is_webinar=False).count(),
        "in_step": all(
            row.event.start_at == row.starts_at == row.meeting.start_at
            and row.event.enable_chat == row.meeting.enable_chat
            and row.event.broadcaster_id == row.gateway.broadcaster_id
            for row in rows
        ),
    }


def main(processes: int) -> int:
    """Race, and tell."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    seen = {}
    for race in (create, move, start, start_and_edit):
        call_command("flush", verbosity=0, interactive=False)
        seen[race.__name__] = {"met": race(processes)} | _held()
    sys.stdout.write(json.dumps(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
