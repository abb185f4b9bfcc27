"""What one publisher may take of the processor."""

import pytest

from amphi.origin.shares import BURST_S, LONGEST_PAUSE_S, SHARE, Share

TURNS = 2_000


@pytest.mark.parametrize(
    ("work_s", "every_s", "share"),
    [
        (0.001, 0.04, 0.025),  # an honest publisher on a slow machine: never held
        (0.005, 0.05, SHARE),
        (0.005, 0.005, SHARE),  # one who sends without end
        (0.100, 0.0, SHARE),
        (0.400, 0.0, 0.286),  # each piece costs more than the longest pause makes good
    ],
)
def test_nobody_takes_more_than_their_share(work_s, every_s, share):
    publisher, began = Share(), 1_000.0
    publisher._at = now = began
    for _ in range(TURNS):
        now += work_s
        now += max(every_s - work_s, publisher.pause_s(work_s, now))
    burst = (BURST_S + work_s) / (now - began)
    assert TURNS * work_s / (now - began) == pytest.approx(share, abs=burst + 0.002)


def test_burst_goes_through_and_a_pause_has_an_end():
    publisher = Share()
    publisher._at = 0.0
    assert publisher.pause_s(BURST_S, 0.0) == 0
    assert publisher.pause_s(0.01, 0.0) == pytest.approx(0.1)
    assert publisher.pause_s(60.0, 0.0) == LONGEST_PAUSE_S
    # Who was quiet begins with a burst again.
    assert publisher.pause_s(BURST_S, 10_000.0) == 0
