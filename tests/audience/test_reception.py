"""How listeners receive the live: bounded reports, sums by the minute, what presenters are told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience import reception
from amphi.audience.models import Reception
from amphi.audience.pulse import Pulse
from amphi.audience.reception import DELAY_STEPS_S, ReportDoor, parse, quantile, received_now, write
from tests.audience.asking import KEY, post, ticket
from tests.audience.hall import hall

GOOD = b'{"watched": 29.5, "stalled": 0.5, "delay": 2.2}'


class Door:
    """The endpoint with what it passed on."""

    def __init__(self) -> None:
        self.passed: list[tuple[int, dict[str, int]]] = []
        self.endpoint = ReportDoor(KEY, lambda event_id, sums: self.passed.append((event_id, dict(sums))))


@pytest.mark.parametrize(
    ("body", "sums"),
    [
        (GOOD, {"reports": 1, "watched": 29500, "stalled": 500, "delay 4": 1}),
        (b'{"watched": 0, "stalled": 30, "delay": null}', {"reports": 1, "watched": 0, "stalled": 30000}),
        (
            b'{"watched": 1, "stalled": 0, "delay": 900, "who": "me"}',
            {"reports": 1, "watched": 1000, "stalled": 0, "delay 14": 1},
        ),
    ],
)
async def test_report_adds_to_the_sums(body, sums):
    door = Door()
    assert await post(door.endpoint, ticket(), body) == 204
    assert door.passed == [(1, sums)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"watched": 1}',
        b'{"watched": true, "stalled": 0}',
        b'{"watched": "1", "stalled": 0}',
        b'{"watched": -1, "stalled": 0}',
        b'{"watched": 121, "stalled": 0}',
        b'{"watched": 1, "stalled": 1e999}',
        b'{"watched": NaN, "stalled": 0}',
        b'{"watched": Infinity, "stalled": 0}',
        b'{"watched": 1, "stalled": 0, "delay": -0.1}',
        b'{"watched": 1, "stalled": 0, "delay": 86401}',
        b'{"watched": 1, "stalled": 0, "delay": [2]}',
        b'{"watched": 1' + b"0" * 90 + b', "stalled": 0}',
        b"[" * 256,
        b'{"watched":' * 20,
        GOOD + b" " * 300,
    ],
)
async def test_nonsense_is_refused(body):
    door = Door()
    assert await post(door.endpoint, ticket(), body) == 400
    assert door.passed == []


@pytest.mark.parametrize(
    "given",
    ["", "a.b", ticket(key=b"other"), ticket(event_id=2)],
    ids=["none", "nonsense", "forged", "another event's"],
)
async def test_only_a_good_ticket_counts(given):
    door = Door()
    assert await post(door.endpoint, given, GOOD) == 403
    assert door.passed == []


async def test_reading_is_refused():
    assert await post(Door().endpoint, ticket(), GOOD, method="GET") == 405


async def test_viewer_and_address_report_so_often(monkeypatch):
    monkeypatch.setattr(reception, "REPORTS_PER_VIEWER", 3)
    monkeypatch.setattr(reception, "REPORTS_PER_ADDRESS", 7)
    monkeypatch.setattr("amphi.audience.pace.time.monotonic", lambda: 0.0)
    door = Door()
    for viewer in ("u1", "u2", "a3"):
        for _ in range(5):
            assert await post(door.endpoint, ticket(viewer=viewer), GOOD) == 204
    assert len(door.passed) == 7
    await post(door.endpoint, ticket(viewer="u4"), GOOD, address="another")
    assert len(door.passed) == 8


@pytest.mark.parametrize(
    ("delays", "half", "most"),
    [
        ([], None, None),
        ([0] * 15, None, None),
        ([0, 0, 0, 0, 4, *[0] * 10], 2.25, 2.48),
        ([0, 0, 0, 90, 0, 0, 0, 0, 0, 10, *[0] * 5], 1.78, 8.5),
        ([*[0] * 14, 3], 60, 60),
    ],
)
def test_quantiles_by_steps(delays, half, most):
    assert (quantile(delays, 0.5), quantile(delays, 0.95)) == (half, most)


@pytest.mark.parametrize("delay_s", [0, 0.5, 0.51, 3, 59, 60, 61, 86_400])
def test_each_delay_has_its_step(delay_s):
    step = reception.step_of(delay_s)
    assert step == len(DELAY_STEPS_S) or delay_s <= DELAY_STEPS_S[step]
    assert step == 0 or delay_s > DELAY_STEPS_S[step - 1]


@pytest.mark.django_db
def test_what_processes_wrote_is_told_together(settings):
    settings.USE_MEETING_WEBINAR = True
    event, now = hall(), timezone.now()
    assert received_now(event.pk, now) == reception.Received(0, None, None, None)
    good, bad = (parse(body).sums() for body in (GOOD, b'{"watched": 10, "stalled": 20, "delay": 8}'))
    write("one", event.pk, good, now)
    write("two", event.pk, bad, now - timedelta(minutes=2))
    write("two", event.pk, bad, now - timedelta(minutes=3))
    found = received_now(event.pk, now)
    assert (found.reports, found.delay_p50_s, found.delay_p95_s) == (2, 2.5, 9.7)
    # Halves are rounded to even seconds: 30 and 0, 10 and 20.
    assert found.stalled == 20 / 60


async def test_ten_thousand_players_ask_no_database_and_cost_one_row():
    # A test without a database of its own: whatever asked one would fail.
    told: list[tuple[int, dict[str, int]]] = []

    def keep(event_id, sums) -> None:
        told.append((event_id, dict(sums)))

    pulse = Pulse(every_s=60)
    # It never beats by itself.
    pulse._thread = object()
    door = ReportDoor(KEY, lambda event_id, sums: pulse.add_all(keep, event_id, sums))
    for number in range(10_000):
        assert await post(door, ticket(viewer=f"a{number}"), GOOD, address=str(number % 5)) == 204
    pulse._tell_all()
    assert told == [(1, {"reports": 10_000, "watched": 295_000_000, "stalled": 5_000_000, "delay 4": 10_000})]


@pytest.mark.django_db
def test_a_minute_is_written_in_one_statement(settings, django_assert_num_queries):
    settings.USE_MEETING_WEBINAR = True
    event = hall()
    sums = {"reports": 10_000, "watched": 295_000_000, "stalled": 5_000_000, "delay 4": 10_000}
    with django_assert_num_queries(1):
        write("one", event.pk, sums, timezone.now())
    row = Reception.objects.get()
    assert (row.reports, row.watched_s, row.stalled_s) == (10_000, 295_000, 5_000)
    assert row.delays == [0, 0, 0, 0, 10_000, *[0] * 10]
