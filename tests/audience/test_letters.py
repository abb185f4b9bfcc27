"""When who waits for an event is written to: a table of moments. No database, no clock."""

from datetime import UTC, datetime, timedelta

import pytest

from amphi.audience.letters import DRAFT_REST, MOVED_REST, TOO_LATE, Step, decide, first_columns
from amphi.audience.models import Event, EventState, Reminder

START = datetime(2026, 11, 26, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
DUE = START - 15 * MINUTE
BEFORE = START - DAY


def event(**fields: object) -> Event:
    given = {"start_at": START, "end_at": START + 60 * MINUTE, "state": EventState.WAITING}
    return Event(**given | {"calendar_stamp": BEFORE} | fields)


def reminder(**fields: object) -> Reminder:
    return Reminder(**{"told_start_at": START} | fields)


SENT = {"reminded_for": START}


@pytest.mark.parametrize(
    ("row", "about", "now", "wanted"),
    [
        pytest.param({}, {}, DUE - MINUTE, Step(DUE), id="waits"),
        pytest.param({}, {}, DUE, Step(None, "event_reminder", SENT), id="is due"),
        pytest.param(
            {}, {}, START + TOO_LATE - MINUTE, Step(None, "event_reminder", SENT), id="no worker ran"
        ),
        pytest.param({}, {}, START + TOO_LATE, Step(None, "", SENT), id="too late"),
        pytest.param(SENT, {}, DUE + MINUTE, Step(None), id="once"),
        pytest.param({}, {"state": EventState.LIVE}, DUE, Step(None, "event_reminder", SENT), id="early"),
        pytest.param({}, {"state": EventState.OVER}, DUE, Step(None), id="was over before"),
        pytest.param({}, {"is_draft": True}, DUE, Step(DUE + DRAFT_REST), id="draft"),
        pytest.param({}, {"state": ""}, START + 61 * MINUTE, Step(None), id="carried by others, over"),
        pytest.param(
            {"told_start_at": START - DAY},
            {"calendar_stamp": DUE - DAY},
            DUE - DAY + MINUTE,
            Step(DUE - DAY + MOVED_REST),
            id="moved a moment ago",
        ),
        pytest.param(
            {"told_start_at": START - DAY, "reminded_for": START - DAY},
            {},
            BEFORE + 60 * MINUTE,
            Step(DUE, "event_moved", {"told_start_at": START}),
            id="moved after it was reminded of",
        ),
        pytest.param(
            {"told_start_at": START + DAY},
            {},
            DUE + MINUTE,
            Step(None, "event_moved", SENT | {"told_start_at": START}),
            id="moved to now: one letter says it all",
        ),
    ],
)
def test_letter(row, about, now, wanted):
    assert decide(reminder(**row), event(**about), now) == wanted


@pytest.mark.parametrize(
    ("now", "wanted"), [(DUE - MINUTE, {"due_at": DUE}), (DUE + MINUTE, {"due_at": None, **SENT})]
)
def test_who_is_new_is_not_reminded_of_what_is_past(now, wanted):
    assert first_columns(Reminder, event(), now) == wanted | {"told_start_at": START}
