"""How long a process collects messages before it writes to everybody."""

import pytest

from amphi.audience.crowd import Limits


@pytest.mark.parametrize(
    ("wrote_s", "collect_s"),
    [(0.001, 0.199), (0.04, 0.16), (0.06, 0.24), (0.12, 0.48), (0.2, 0.5), (0.35, 0.35), (0.6, 0.6)],
)
def test_where_writing_takes_long_it_is_done_less_often(wrote_s, collect_s):
    assert Limits().collect_s(wrote_s) == pytest.approx(collect_s)


def test_whatever_is_set_for_small_halls_is_the_least():
    assert Limits(batch_s=0.02).collect_s(0.001) == pytest.approx(0.019)
