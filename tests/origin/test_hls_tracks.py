"""Which tracks there are: announced, late, changed, or on clocks of their own."""

import re
from datetime import timedelta

import pytest

from amphi.origin.exceptions import MalformedMediaError
from amphi.origin.fmp4.codecs import SILENCE
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.hls.timeline import Timeline
from tests.origin.running import AUDIO_HEADER, VIDEO_HEADER, audio, video
from tests.origin.source import START, Source


def _late_sound(source: Source, *, header: bool = True) -> None:
    """A publisher that announces sound and sends pictures alone, as SIPMediaGW 1.8 does."""
    source.segmenter = Segmenter(source.playlist, Cutting())
    source.segmenter.receive_video(0, VIDEO_HEADER, source.now)
    if header:
        source.segmenter.receive_audio(0, AUDIO_HEADER, source.now)


def _maps(source: Source) -> list[str]:
    return re.findall(r'(?:#EXT-X-DISCONTINUITY\n)?#EXT-X-MAP:URI="ab12/i\d\.mp4"', source.text())


def test_sound_that_is_only_announced_is_no_track():
    source = Source()
    _late_sound(source)
    source.frames(100, sound=False)
    assert source.segmenter.aac is None
    assert source.playlist.inits[0].count(b"trak") == 1
    assert source.durations() == [1.0, 1.0, 1.0]


def test_a_header_announces_a_track_that_metadata_left_out():
    source = Source()
    source.segmenter.receive_metadata({"audiocodecid": 10.0})
    source.begin()
    for index in range(20):
        source.segmenter.receive_audio(index * 21, audio(index), source.now)
    source.at_ms = 420
    source.frames(60)
    assert len(source.playlist.inits) == 1
    assert source.playlist.inits[0].count(b"trak") == 2


def test_sound_that_comes_late_is_a_track_from_the_next_keyframe_on():
    source = Source()
    _late_sound(source)
    source.frames(130, sound=False)
    source.frames(70)
    assert source.segmenter.aac is not None
    assert [init.count(b"trak") for init in source.playlist.inits.values()] == [1, 2]
    assert _maps(source) == [
        '#EXT-X-MAP:URI="ab12/i0.mp4"',
        '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="ab12/i1.mp4"',
    ]
    # No picture was lost for it, and segments stay as long as they were.
    assert source.durations() == [1.0] * 7


def test_sound_that_ends_is_left_out_from_the_next_keyframe_on():
    source = Source()
    source.frames(50)
    ended_ms = source.at_ms
    source.frames(75, sound=False)
    assert source.segmenter.aac is not None, "it may still come"
    source.frames(51, sound=False)
    assert source.segmenter.aac is None
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 1
    assert [segment.init for segment in source.playlist.segments] == [0] * 5 + [1] * 2
    assert source.at_ms - ended_ms < 5_100
    assert sum(source.durations()) * 1000 > source.at_ms - 100, "all of it is listed"
    source.frames(25)
    assert source.segmenter.aac is not None, "it came back"
    source.frames(51)
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 2


def _silent_frames(source: Source) -> int:
    return source.playlist.segments[-1].parts[-1].data.partition(b"mdat")[2].count(SILENCE[1])


@pytest.mark.parametrize(("pictures", "silent"), [(25, 0), (26, 9), (27, 10), (40, 0)])
def test_last_segment_without_sound_of_its_time_gets_silence(pictures, silent):
    # Each picture comes 60 ms before its sound, and is shown 80 ms after its decoding, as with B-frames.
    source = Source()
    for index in range(pictures):
        source.segmenter.receive_video(
            index * 40, video(index, key=index % 25 == 0, composition_ms=80), START
        )
        source.segmenter.receive_audio(max(index * 40 - 60, 0), audio(index), START)
    source.segmenter.interrupt()
    assert _silent_frames(source) == silent
    source.at_ms, source.index = pictures * 40, 0
    source.frames(60)
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 1


def test_a_picture_that_ends_is_left_out_while_the_sound_goes_on():
    source = Source()
    source.frames(50)
    for index in range(50, 650):
        source.segmenter.receive_audio(source.at_ms, audio(index), source.now)
        source.at_ms += 21
        source.now += timedelta(milliseconds=21)
    assert source.segmenter.avc is None
    assert source.segmenter.aac is not None
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 1
    assert sum(source.durations()) * 1000 > source.at_ms - 1_200
    source.index = 0
    source.frames(51)
    assert source.segmenter.avc is not None, "it came back"
    assert source.text().count("#EXT-X-DISCONTINUITY\n") == 2


@pytest.mark.parametrize("away_ms", [1_000, 4_000, 60_000])
def test_pause_of_the_publisher_itself_loses_no_track(away_ms):
    source = Source()
    source.frames(50)
    source.at_ms += away_ms
    source.now += timedelta(milliseconds=away_ms)
    source.frames(50)
    assert source.segmenter.aac is not None
    assert source.segmenter.avc is not None
    assert "#EXT-X-DISCONTINUITY\n" not in source.text()


def test_sound_that_comes_and_goes_cuts_nobody_off():
    source = Source()
    for _ in range(30):
        source.frames(100, sound=False)
        source.frames(25)
    assert source.playlist.segments


def test_a_picture_that_is_only_announced_is_no_track_until_it_comes():
    source = Source()
    _late_sound(source)
    for index in range(150):
        source.at_ms, source.now = index * 1024 // 48, START + timedelta(milliseconds=index * 1024 // 48)
        source.segmenter.receive_audio(source.at_ms, audio(index), source.now)
    assert (source.segmenter.avc, source.playlist.ready) == (None, True)
    assert source.playlist.inits[0].count(b"trak") == 1
    source.frames(60)
    assert source.segmenter.avc is not None
    assert [init.count(b"trak") for init in source.playlist.inits.values()] == [1, 2]
    assert _maps(source)[-1] == '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="ab12/i1.mp4"'


def test_pictures_that_come_without_a_keyframe_are_waited_for():
    source = Source()
    source.index = 1
    source.frames(99, gop=100)
    assert source.playlist.next_part == 0
    source.frames(110, gop=100)
    assert source.segmenter.avc is not None
    assert source.playlist.segments[0].independent
    assert len(source.playlist.inits) == 1


@pytest.mark.parametrize("apart_ms", [3_500, 78_000, -3_500, -40_000_000, 2**31])
def test_picture_and_sound_that_count_from_different_zeros_play_together(apart_ms):
    source = Source()
    for index in range(130):
        now = START + timedelta(milliseconds=index * 40)
        source.segmenter.receive_video(
            (index * 40 + apart_ms) % 2**32, video(index, key=index % 25 == 0, size=40), now
        )
        source.segmenter.receive_audio(index * 40, audio(index), now)
    assert source.durations() == [1.0] * 5
    first = source.playlist.part(0).data
    times = [
        int.from_bytes(first[found.end() + 4 : found.end() + 12]) for found in re.finditer(b"tfdt", first)
    ]
    assert abs(times[0] / 90_000 - times[1] / 48_000) < 0.1


def test_tracks_whose_clocks_jump_one_after_the_other_stay_together():
    timeline = Timeline()
    for at in range(0, 400, 40):
        timeline.place(at, "video", START)
        timeline.place(at + 10, "audio", START)
    assert timeline.place(900_000, "video", START) == 370
    assert timeline.place(900_010, "audio", START) == 380
    assert timeline.place(900_040, "video", START) == 410


def test_a_publisher_that_changes_its_configuration_with_each_picture_is_refused():
    source = Source()
    source.frames(30)

    def change_with_each_picture() -> None:
        for index in range(200):
            changed = VIDEO_HEADER.replace(b"\x42\xc0\x1e", bytes([0x42, index, 0x1E]))
            source.segmenter.receive_video(source.at_ms, changed, source.now)
            source.frames(1, gop=1)

    with pytest.raises(MalformedMediaError, match="too often"):
        change_with_each_picture()
    assert len(source.playlist.segments) < 30


def test_configurations_without_a_picture_may_not_change_for_ever_either():
    source = Source()

    def change() -> None:
        for index in range(200):
            changed = VIDEO_HEADER.replace(b"\x42\xc0\x1e", bytes([0x42, index, 0x1E]))
            source.segmenter.receive_video(0, changed, source.now)

    with pytest.raises(MalformedMediaError, match="too often"):
        change()


def test_a_configuration_may_come_again_with_each_keyframe():
    source = Source()
    for _ in range(100):
        source.begin()
        source.frames(25)
    assert len(source.playlist.inits) == 1


def test_a_keyframe_is_known_by_what_it_holds():
    source = Source()
    for index in range(101):
        # The publisher flags the wrong ones, and the pictures know better.
        nal = b"\x65" if index % 25 == 0 else b"\x41"
        flag = 0x27 if index % 25 == 0 else 0x17
        source.segmenter.receive_video(
            index * 40, bytes([flag, 1, 0, 0, 0, 0, 0, 0, 5]) + nal + bytes(4), source.now
        )
        source.segmenter.receive_audio(index * 40, audio(index), source.now)
    assert source.durations() == [1.0] * 4
    assert all(segment.independent for segment in source.playlist.segments)
