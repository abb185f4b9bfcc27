"""Planning costs the same with a hundred thousand past webinars as with none."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amphi.audience.models import Event
from amphi.meetings.domain import MeetingFields
from amphi.meetings.models import Meeting
from amphi.webinars import planning
from amphi.webinars.models import Livestream
from amphi.webinars.saving import create_meeting, update_meeting
from tests.factories import in_hours, make_gateway, make_user, make_webinar

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PAST, COMING = 100_000, 1_000
DAYS = 20

pytestmark = pytest.mark.django_db


def _copies(model: type[models.Model], pk: int, count: int, step: int, replaced: dict[str, str]) -> str:
    """SQL that copies one row `count` times; the copy number `i` has the old key plus ``i * step``."""
    fields = model._meta.local_concrete_fields
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    values = {"id": f"id + i * {step}"} | {
        field.column: f"{quote(field.column)} || '-' || i"
        for field in fields
        if field.unique and isinstance(field, models.CharField)
    }
    values |= replaced
    chosen = ", ".join(values.get(field.column, quote(field.column)) for field in fields)
    table = quote(model._meta.db_table)
    return (
        f"INSERT INTO {table} ({columns}) "  # noqa: S608 -- names of tables and numbers of this test's own
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        f"SELECT {chosen} FROM {table}, n WHERE id = {pk}"
    )


def multiply(livestream: Livestream, count: int) -> None:
    """Copy a webinar, with its meeting and event, `count` times."""
    step = 1000
    references = {"meeting_id": f"meeting_id + i * {step}", "event_id": f"event_id + i * {step}"}
    with connection.cursor() as cursor:
        cursor.execute(_copies(Meeting, livestream.meeting_id, count, step, {}))
        cursor.execute(_copies(Event, livestream.event_id, count, step, {}))
        cursor.execute(_copies(Livestream, livestream.pk, count, step, references))


def analyze(*models_: type[models.Model]) -> None:
    """Have PostgreSQL see how many rows there are now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in models_:
                cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def originals() -> Iterator[tuple[Livestream, int]]:
    """Some webinars of the past and some to come, and how many of each make the whole."""
    now = timezone.now()
    for day in range(1, DAYS + 1):
        livestream = make_webinar(start_at=now + day * 30 * DAY)
        at = now - day * 30 * DAY
        Livestream.objects.filter(pk=livestream.pk).update(starts_at=at, ends_at=at + HOUR)
        yield livestream, PAST // DAYS
    for day in range(1, DAYS + 1):
        yield make_webinar(start_at=now + day * DAY), COMING // DAYS


def statements(full: datetime) -> list[int]:
    """How many statements it takes to book, to move, and to be told that none is free at `full`."""
    user, at = make_user(), in_hours(40 * 24)
    fields = {"name": "Cours", "duration": HOUR, "is_webinar": True}
    with CaptureQueriesContext(connection) as booked:
        saved = create_meeting(user=user, fields=MeetingFields(start_at=at, **fields))
    assert saved.conflict is None
    with CaptureQueriesContext(connection) as moved:
        update_meeting(saved.meeting, user=user, fields=MeetingFields(start_at=at + HOUR, **fields))
    with CaptureQueriesContext(connection) as refused:
        assert create_meeting(user=user, fields=MeetingFields(start_at=full, **fields)).conflict is not None
    return [len(captured) for captured in (booked, moved, refused)]


def test_planning_takes_as_many_statements_with_many_webinars_as_with_few_and_reads_none_of_the_past():
    gateways = [make_gateway() for _ in range(3)]
    few = list(originals())
    full = in_hours((DAYS + 2) * 24)
    for _ in gateways:
        make_webinar(start_at=full)
    before = statements(full)
    for livestream, count in few:
        multiply(livestream, count)
    # The references of all these rows are checked at the end, by plans that were made for empty tables: each would be looked for row by row.
    analyze(Meeting, Event, Livestream)
    assert Livestream.objects.count() >= PAST + COMING
    assert statements(full) == before
    if connection.vendor != "postgresql":
        return  # SQLite is for trying Amphi; what follows reads PostgreSQL's plans
    now = timezone.now()
    for start in (now, now + 3 * DAY):
        rows = planning.holding(start, start + HOUR, now=now).filter(gateway__in=gateways)
        plan = rows.explain(analyze=True)
        assert "Seq Scan on webinars_livestream" not in plan, plan
        read = [int(line.rpartition("rows=")[2].split()[0]) for line in plan.splitlines() if "actual" in line]
        assert max(read) < 3 * COMING, plan
