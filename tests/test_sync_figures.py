"""The figures of `bench.sync`, from tones whose distance from the picture is known."""

import pytest

from bench.sync import figures

SECONDS = [float(second) for second in range(3600)]


def test_sound_that_moves_away_evenly_has_its_slope_without_error():
    found = figures(SECONDS, [10 + 30 * at / 3600 for at in SECONDS])
    assert found.slope_ms_per_hour == pytest.approx(30)
    assert found.slope_error == pytest.approx(0, abs=1e-6)
    assert found.middle_ms == pytest.approx(25, abs=0.01)


def test_slope_of_sound_that_only_jitters_is_within_its_error():
    found = figures(SECONDS, [20.0 if at % 2 else -20.0 for at in SECONDS])
    assert abs(found.slope_ms_per_hour) < found.slope_error
    assert found.slope_error == pytest.approx(1.15, abs=0.01)  # 20 / √(3600 · 3600² / 12), in an hour


def test_distance_counts_on_either_side_and_the_worst_keeps_its_sign():
    found = figures([0, 1, 2, 3], [5.0, -80.0, 10.0, 20.0])
    assert found.tones == 4
    assert found.middle_ms == pytest.approx(7.5)
    assert found.p95_ms == 80
    assert found.worst_ms == -80


def test_one_far_tone_in_a_hundred_is_the_worst_but_not_in_95_percent():
    found = figures(SECONDS[:100], [*[12.0] * 99, 300.0])
    assert found.p95_ms == 12
    assert found.worst_ms == 300
