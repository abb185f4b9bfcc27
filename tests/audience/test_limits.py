"""How often a process writes to everybody."""

import pytest

from amphi.audience.crowd import Limits
from amphi.audience.hub import turns


@pytest.mark.parametrize(
    ("wrote_s", "period_s"),
    [(0.001, 0.2), (0.04, 0.2), (0.06, 0.3), (0.12, 0.6), (0.2, 0.7), (0.35, 0.7), (0.6, 1.2)],
)
def test_where_writing_takes_long_it_is_done_less_often(wrote_s, period_s):
    assert Limits().period_s(wrote_s) == pytest.approx(period_s)


def test_whatever_is_set_for_small_halls_is_the_least():
    assert Limits(batch_s=0.02).period_s(0.001) == 0.02


def test_a_batch_is_spread_over_its_period_by_turns_of_many():
    assert list(turns(1000, 0.4)) == [(0, 0.0), (250, 0.1), (500, 0.2), (750, pytest.approx(0.3))]
    assert list(turns(251, 0)) == [(0, 0.0), (250, 0.0)]
    assert list(turns(3, 0.7)) == [(0, 0.0)]
