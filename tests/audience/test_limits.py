"""How long a process collects messages before it writes to everybody."""

import pytest

from amphi.audience.crowd import Limits


@pytest.mark.parametrize(
    ("listeners", "collect_s"),
    [(0, 0.2), (1, 0.2), (2_000, 0.2), (4_000, 0.2), (10_000, 0.5), (20_000, 0.7), (100_000, 0.7)],
)
def test_a_large_hall_is_written_to_less_often(listeners, collect_s):
    assert Limits().collect_s(listeners) == pytest.approx(collect_s)


def test_whatever_is_set_for_small_halls_is_the_least():
    assert Limits(batch_s=0.02).collect_s(10) == pytest.approx(0.02)
