"""The machine-readable clock, without a browser."""

import pytest

from amphi.rehearsal import clock

NOW_MS = 1_790_000_123_450


def test_what_is_written_is_read() -> None:
    assert clock.decode(clock.encode(217, NOW_MS)) == clock.Reading(
        rehearsal=217, time=NOW_MS // 10 % clock.PERIOD
    )


@pytest.mark.parametrize("cell", range(40))
def test_a_wrong_cell_is_noticed(cell: int) -> None:
    bits = clock.encode(7, NOW_MS)
    bits[cell] ^= 1
    assert clock.decode(bits) is None


def test_nothing_but_black_or_white_is_no_clock() -> None:
    assert clock.decode([0] * 40) is None
    assert clock.decode([1] * 40) is None
    assert clock.read_levels([90.0] * 20 + [120.0] * 20) is None


@pytest.mark.parametrize("age_ms", [0, 10, 2500, 60_000, -40])
@pytest.mark.parametrize("now_ms", [NOW_MS, clock.PERIOD * 10 * 5 + 20])
def test_age_is_right_across_the_period(age_ms: int, now_ms: int) -> None:
    reading = clock.decode(clock.encode(0, now_ms - age_ms))
    assert reading is not None
    assert clock.age_ms(reading.time, now_ms) == age_ms


def test_full_seconds_stay_full_seconds() -> None:
    assert clock.PERIOD * clock.UNIT_MS % 1000 == 0


def test_no_frame_no_clock() -> None:
    assert clock.locate(bytes(64 * 36 * 3), 64, 36) is None
