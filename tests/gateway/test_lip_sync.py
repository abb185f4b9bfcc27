"""How flashes and beeps become one number. The measuring itself is a part of each browser's start."""

import pytest

from amphi.gateway.lip_sync import Moments
from amphi.gateway.packets import RATE, AudioPacket, VideoPacket

WHITE, BLACK = bytes([235]) * 1280 * 720, bytes([16]) * 1280 * 720
TICK_US = 40_000


def sound(at_us, beeps_us):
    """A tick's sound, in which these beeps of 70 ms are heard."""
    samples = bytearray(4 * RATE * TICK_US // 1_000_000)
    for beep_us in beeps_us:
        begin, end = ((at - at_us) * RATE // 1_000_000 * 4 for at in (beep_us, beep_us + 70_000))
        begin, end = max(0, begin), min(len(samples), end)
        if begin < end:
            samples[begin:end] = b"\x00\x40" * ((end - begin) // 2)
    return AudioPacket(at_us, bytes(samples))


def lateness(flashes_us, beeps_us):
    moments = Moments()
    for at_us in range(0, 2_000_000, TICK_US):
        moments.note(sound(at_us, beeps_us))
        is_white = any(flash <= at_us < flash + 70_000 for flash in flashes_us)
        moments.note(VideoPacket(at_us, WHITE if is_white else BLACK))
    return moments.lateness_us()


FLASHES = [200_000 + 190_000 * number for number in range(6)]


@pytest.mark.parametrize("late_us", [-60_000, 0, 90_000])
def test_beeps_are_held_against_their_flashes(late_us):
    # A flash is seen at the next picture: half of a picture's time later in the middle, which is the picture's own lateness.
    found = lateness(FLASHES, [flash + late_us for flash in FLASHES])
    assert found == pytest.approx(late_us - TICK_US / 2, abs=TICK_US / 4)


def test_one_that_is_missing_or_late_does_not_matter():
    beeps = [flash + 50_000 for flash in FLASHES]
    beeps[2] += 90_000
    assert lateness(FLASHES, beeps[:5]) == pytest.approx(50_000 - TICK_US / 2, abs=TICK_US / 2)


@pytest.mark.parametrize(("flashes", "beeps"), [([], FLASHES), (FLASHES, []), (FLASHES[:3], FLASHES[:3])])
def test_too_few_tell_nothing(flashes, beeps):
    assert lateness(flashes, beeps) is None
