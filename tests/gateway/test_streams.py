"""The pure parts between a browser's screen and ffmpeg."""

import itertools
import struct

import pytest

from amphi.gateway import x11
from amphi.gateway.audio_timeline import LATENESS_US, AudioTimeline
from amphi.gateway.camera import Clock
from amphi.gateway.matroska import BlockWriter, element, header
from amphi.gateway.packets import AudioPacket, VideoPacket
from amphi.gateway.sink import StreamWriter
from amphi.gateway.sound import SampleClock

RATE = 48000
TWENTY_MS = b"\x01\x00\x01\x00" * 960


def test_sound_that_follows_is_kept_whole_however_its_times_tremble():
    line = AudioTimeline(1_000_000, rate=RATE)
    for index, tremble_us in enumerate([0, 15_000, -15_000, 3_000]):
        assert line.add(1_000_000 + index * 20_000 + tremble_us, TWENTY_MS) == TWENTY_MS
    assert line.end_us == 1_080_000


def test_hole_in_the_sound_becomes_silence():
    line = AudioTimeline(0, rate=RATE)
    line.add(0, TWENTY_MS)
    data = line.add(120_000, TWENTY_MS)
    assert data == bytes(4 * 4800) + TWENTY_MS
    assert line.end_us == 140_000


def test_sound_from_before_the_line_is_cut():
    line = AudioTimeline(1_000_000, rate=RATE)
    assert line.add(900_000, TWENTY_MS) == b""
    assert line.end_us == 1_000_000


def test_sound_that_does_not_come_is_replaced_and_then_cut_when_it_comes():
    line = AudioTimeline(0, rate=RATE)
    assert line.fill_until(LATENESS_US) == b""
    assert len(line.fill_until(LATENESS_US + 100_000)) == 4 * 4800
    assert line.add(0, TWENTY_MS) == b""
    assert line.add(100_000, TWENTY_MS) == TWENTY_MS


def test_element_sizes():
    assert element(0xA3, b"xy") == b"\xa3\x82xy"
    assert element(0xA3, bytes(126)) == b"\xa3\xfe" + bytes(126)
    assert element(0xA3, bytes(127)) == b"\xa3\x40\x7f" + bytes(127)


def test_cluster_begins_where_times_would_no_longer_fit():
    writer = BlockWriter()
    assert writer.head(1, 1000, 1) == (
        b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x82\x03\xe8" + b"\xa3\x85\x81\x00\x00\x80"
    )
    assert writer.head(2, 980, 1) == b"\xa3\x85\x82\xff\xec\x80"
    assert writer.head(1, 31_001, 1).endswith(b"\xa3\x85\x81\x00\x00\x80")


def test_stream_begins_with_the_header_at_the_first_picture():
    stream = StreamWriter(fps=25)
    assert stream.audio(AudioPacket(0, TWENTY_MS)) == []
    first, head, picture = stream.video(VideoPacket(80_000, b"picture"))
    assert first == header(width=1280, height=720, fps=25, rate=RATE)
    assert head.endswith(b"\xa3\x8b\x81\x00\x00\x80")
    assert picture == b"picture"
    assert stream.audio(AudioPacket(80_000, TWENTY_MS)) == [b"\xa3\x4f\x04\x82\x00\x00\x80", TWENTY_MS]


# A tick that the machine had no time for is passed over: every third, a stretch, all but a few.
LATE = [
    [tick for tick in range(200) if tick % 3],
    [tick for tick in range(200) if not 20 < tick < 60],
    [tick for tick in range(200) if tick % 25 in {3, 4, 22}],
    [0, 24, 26, 49, 50, 99, 124, 125, 199],
]


@pytest.mark.parametrize("ticks", [range(60), *LATE])
def test_moving_picture_is_sent_at_each_tick(ticks):
    clock = Clock()
    assert [tick for tick in ticks if clock.is_due(tick, is_fresh=True)] == list(ticks)


@pytest.mark.parametrize("ticks", [range(60), *LATE])
def test_still_picture_is_sent_in_each_fifth_of_a_second_that_the_machine_had_time_for(ticks):
    clock = Clock()
    sent = [tick for tick in ticks if clock.is_due(tick, is_fresh=False)]
    assert sent == [next(group) for _, group in itertools.groupby(ticks, lambda tick: tick // 5)]


def test_samples_are_timed_by_those_that_came_soonest():
    clock = SampleClock(1000)
    late_s = [0.010, 0.030, 0.011, 0.500, 0.012]  # after the end of each tenth of a second
    found = [clock.stamp(100, now_s=100 + 0.1 * (index + 1) + late) for index, late in enumerate(late_s)]
    assert found == pytest.approx([100.01 + 0.1 * index for index in range(5)])


def test_samples_that_were_lost_on_the_way_move_the_clock_within_seconds():
    clock = SampleClock(1000)
    clock.stamp(1000, now_s=101)
    for second in range(103, 112):  # the second one is missing
        begun_s = clock.stamp(1000, now_s=second)
    assert begun_s == pytest.approx(110)


@pytest.mark.parametrize("drift_ppm", [-100, 0, 100])
def test_sound_stays_at_the_picture_for_three_hours_whatever_its_clock(drift_ppm):
    rate, step_s = 1000, 0.4
    clock, line = SampleClock(rate), AudioTimeline(1_000_000_000, rate=rate)
    counted = 0
    for step in range(1, round(3 * 3600 / step_s)):
        now_s = 1000 + step * step_s
        played = int(step * step_s * rate * (1 + drift_ppm / 1e6))
        packet, counted = played - counted, played
        late_s = (step * 7 % 11) / 1000
        begun_s = clock.stamp(packet, now_s=now_s + late_s)
        line.add(round(begun_s * 1_000_000), bytes(packet * 4))
        assert abs(line.end_us - now_s * 1_000_000) < 42_000


def test_changes_of_a_screen_are_put_together():
    ours, theirs = x11.socket.socketpair()
    ours.setblocking(False)
    watch = x11.DamageWatch(ours, 91)
    assert watch.changed() is None
    events = [
        struct.pack("<BxHIIIhhHHxxxxxxxx", kind, 0, 0, 0, 0, *area)
        for kind, area in ((91, (10, 20, 100, 50)), (91, (600, 0, 2, 2)), (22, (0, 0, 1280, 720)))
    ]
    sent = b"".join(events)
    theirs.sendall(sent[:80])  # a part of an event waits for its rest
    assert watch.changed() == x11.Rectangle(10, 0, 602, 70)
    theirs.sendall(sent[80:])
    assert watch.changed() is None
    theirs.close()
    with pytest.raises(x11.SourceLostError):
        watch.changed()
    watch.close()
