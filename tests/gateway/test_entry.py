"""How long an attempt to enter may take, on a clock of the test's."""

import pytest

from amphi.gateway.entry import APPROVAL_PATIENCE_S, EntryDeadline
from amphi.gateway.meeting_page import Observation

LOADING = Observation(detail="the meeting’s client is loading")
WAITING = Observation(reason="waiting_for_approval")


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def deadline(clock):
    return EntryDeadline(45, clock=clock)


def test_deadline_says_what_the_page_did_last(clock, deadline):
    clock.now_s += 45
    assert deadline.overdue(LOADING) == ""
    clock.now_s += 1
    assert deadline.overdue(LOADING) == "not in the meeting after 45 s: the meeting’s client is loading"


def test_deadline_without_a_page(clock, deadline):
    clock.now_s += 46
    assert deadline.overdue(Observation()) == "not in the meeting after 45 s: no page was loaded"


def test_wait_for_a_moderator_counts_apart(clock, deadline):
    for _ in range(APPROVAL_PATIENCE_S):
        clock.now_s += 1
        assert deadline.overdue(WAITING) == ""
    clock.now_s += 44
    assert deadline.overdue(LOADING) == ""
    clock.now_s += 1
    assert deadline.overdue(WAITING) == "no moderator let the bot in within 10 min"
