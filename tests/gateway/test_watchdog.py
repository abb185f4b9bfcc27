"""What a dead picture or sound looks like, how soon it is found, and what is done about it."""

import struct

import pytest

from amphi.gateway.gauge import LUMA_BYTES, Gauge
from amphi.gateway.job_state import REMARKS
from amphi.gateway.meeting_page import Observation
from amphi.gateway.packets import AudioPacket, VideoPacket
from amphi.gateway.watchdog import RECENT_S, Alarm, Sight, Watchdog

WELL = {"moves": True, "fresh": True, "speaks": True, "silent": False, "black": False}
GLANCE_S = 0.5


def _found(watchdog: Watchdog, sight: Sight, *, from_s: float = 0, for_s: float = 9):
    """The first finding while a sight lasts, and after how long."""
    for tick in range(int(for_s / GLANCE_S)):
        found = watchdog.look(sight, from_s + tick * GLANCE_S)
        if found is not None:
            return found, tick * GLANCE_S
    return None, None


@pytest.mark.parametrize(
    ("sight", "alarm"),
    [
        ({}, None),
        ({"pictureless": True}, Alarm.FROZEN),
        ({"fresh": False}, Alarm.FROZEN),
        ({"fresh": False, "moves": False}, None),
        ({"fresh": False, "moves": None}, None),
        ({"fresh": None}, None),
        ({"black": True}, Alarm.BLACK),
        ({"black": None}, None),
        ({"silent": True}, Alarm.SILENT),
        ({"silent": True, "speaks": False}, None),
        ({"silent": True, "speaks": None}, None),
        ({"covered": "Are you sure?"}, Alarm.COVERED),
        ({"fresh": False, "silent": True}, Alarm.FROZEN),
    ],
)
def test_every_sight_that_lasts(sight, alarm):
    found, after_s = _found(Watchdog(), Sight(**WELL | sight))
    assert (found and found.alarm) == alarm
    if found:
        assert found.must_rejoin
        assert 3 <= after_s <= 8  # and two seconds for the signs themselves: ten in all


@pytest.mark.parametrize(
    "sight", [{"pictureless": True}, {"fresh": False}, {"black": True}, {"silent": True}]
)
def test_what_passes_is_no_alarm(sight):
    watchdog, bad, well = Watchdog(), Sight(**WELL | sight), Sight(**WELL)
    for round_ in range(20):
        assert _found(watchdog, bad, from_s=round_ * 4, for_s=3.5) == (None, None)
        assert watchdog.look(well, round_ * 4 + 3.5) is None


def test_what_joining_anew_did_not_mend_is_told_for_as_long_as_it_lasts():
    watchdog, silent = Watchdog(), Sight(**WELL | {"silent": True})
    first, after_s = _found(watchdog, silent)
    watchdog.begin()
    second, later_s = _found(watchdog, silent, from_s=20)
    assert (first.must_rejoin, second.must_rejoin, later_s) == (True, False, after_s)
    # However long it lasts, the live is not interrupted again.
    for at_s in range(40, 2 * RECENT_S):
        assert watchdog.look(silent, at_s).must_rejoin is False
    assert watchdog.look(Sight(**WELL), 2 * RECENT_S) is None


def test_another_alarm_is_mended_though_one_was_not():
    watchdog = Watchdog()
    assert _found(watchdog, Sight(**WELL | {"silent": True}))[0].must_rejoin
    assert _found(watchdog, Sight(**WELL | {"black": True}), from_s=20)[0].must_rejoin


def test_the_same_long_after_is_mended_again():
    watchdog, black = Watchdog(), Sight(**WELL | {"black": True})
    assert _found(watchdog, black)[0].must_rejoin
    watchdog.look(Sight(**WELL), 20)
    assert _found(watchdog, black, from_s=RECENT_S + 30)[0].must_rejoin


def test_a_dialog_is_told_by_its_words():
    found, _ = _found(Watchdog(), Sight(covered="Leave site?"))
    assert found.words == "something lies over the picture that does not go: Leave site?"


def test_the_api_tells_every_alarm():
    assert set(Alarm) <= REMARKS


SEEN = Observation("joined", kind="bigbluebutton", moves=True, speaks=True)
GREY, DARK = bytes([90]) * LUMA_BYTES, bytes([16]) * LUMA_BYTES


def _picture(data: bytes) -> VideoPacket:
    return VideoPacket(0, data)


def _sound(*samples: int) -> AudioPacket:
    return AudioPacket(0, struct.pack("<2h", *samples[:1] * 2) * 480)


def test_pictures_that_come_again_are_not_fresh():
    gauge = Gauge(0)
    for at_s in range(1, 5):
        gauge.note(_picture(GREY), at_s)
    assert gauge.sight(SEEN, 2.5).fresh is True
    assert (gauge.sight(SEEN, 4.5).fresh, gauge.sight(SEEN, 4.5).pictureless) == (False, False)
    gauge.note(_picture(bytearray(GREY)), 4.6)
    assert gauge.sight(SEEN, 4.7).fresh is True
    assert gauge.sight(SEEN, 7).pictureless is True


def test_black_is_black_all_over():
    gauge = Gauge(0)
    gauge.note(_picture(DARK), 1)
    assert gauge.sight(SEEN, 1).black is True
    lit = bytearray(DARK)
    lit[300_000:400_000] = bytes([200]) * 100_000
    gauge.note(_picture(bytes(lit)), 2)
    assert gauge.sight(SEEN, 2).black is False


def test_sound_is_heard_above_the_noise_of_a_converter():
    gauge = Gauge(0)
    gauge.note(_sound(3), 5)
    assert gauge.sight(SEEN, 5).silent is True
    gauge.note(_sound(-400), 6)
    assert gauge.sight(SEEN, 6).silent is False
    gauge.note(AudioPacket(0, b""), 9)
    assert gauge.sight(SEEN, 9).silent is True
