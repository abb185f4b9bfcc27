"""When who waits for an event is written to: a table of moments. No database, no clock."""

from datetime import UTC, datetime, timedelta

import pytest

from amphi.audience.letters import (
    AFTERWARDS,
    DRAFT_REST,
    MOVED_REST,
    OVERRUN_REST,
    TOO_LATE,
    Step,
    decide,
    first_columns,
)
from amphi.audience.models import Event, EventState, Registration, RegistrationRules, Reminder

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


END = START + 60 * MINUTE
DAY_SENT = {"day_reminded_for": START}
BOTH_SENT = DAY_SENT | {"hour_reminded_for": START}
OVER = {"state": EventState.OVER, "since": END}
CAME = {"came_at": START}


def registration(**fields: object) -> Registration:
    return Registration(**{"told_start_at": START, "status": Registration.Status.ACCEPTED} | fields)


@pytest.mark.parametrize(
    ("row", "about", "now", "wanted"),
    [
        pytest.param({}, {}, START - 2 * DAY, Step(START - DAY), id="waits"),
        pytest.param(
            {},
            {},
            START - DAY,
            Step(START - 60 * MINUTE, "registration_reminder", DAY_SENT),
            id="a day before",
        ),
        pytest.param(
            DAY_SENT,
            {},
            START - 60 * MINUTE,
            Step(END, "registration_reminder", BOTH_SENT),
            id="an hour before",
        ),
        pytest.param(
            {}, {}, START - 30 * MINUTE, Step(END, "registration_reminder", BOTH_SENT), id="one, not two"
        ),
        pytest.param(BOTH_SENT, {"state": EventState.LIVE}, START, Step(END), id="runs"),
        pytest.param(
            BOTH_SENT,
            {"state": EventState.LIVE},
            END + MINUTE,
            Step(END + MINUTE + OVERRUN_REST),
            id="overruns",
        ),
        pytest.param(
            {"status": Registration.Status.WAITING}, {}, START - DAY, Step(None), id="waits for approval"
        ),
        pytest.param(BOTH_SENT, OVER, END + MINUTE, Step(END + AFTERWARDS), id="over a moment ago"),
        pytest.param(
            BOTH_SENT | CAME,
            OVER,
            END + AFTERWARDS,
            Step(None, "registration_thanks", {"written_afterwards_at": END + AFTERWARDS}),
            id="came",
        ),
        pytest.param(
            BOTH_SENT,
            OVER,
            END + AFTERWARDS,
            Step(None, "registration_missed", {"written_afterwards_at": END + AFTERWARDS}),
            id="did not come",
        ),
        pytest.param(
            BOTH_SENT | CAME | {"written_afterwards_at": END},
            OVER,
            END + 2 * AFTERWARDS,
            Step(None),
            id="once",
        ),
        pytest.param(BOTH_SENT, {}, END + DAY, Step(None), id="never took place"),
    ],
)
def test_letter_to_who_registered(row, about, now, wanted):
    rules = RegistrationRules(thanks="Merci.", missed="Dommage.")
    assert decide(registration(**row), event(**about), now, rules) == wanted


def test_nothing_is_written_afterwards_unless_the_owner_wrote_it():
    now = END + AFTERWARDS
    done = Step(None, "", {"written_afterwards_at": now})
    assert decide(registration(**BOTH_SENT), event(**OVER), now, RegistrationRules()) == done
    # Who came is not known.
    assert decide(registration(**BOTH_SENT), event(**OVER), now, None) == Step(None)
