"""Playlists and the cutting that makes them."""

import itertools
import re
from datetime import timedelta

import pytest

from amphi.origin.fmp4.codecs import AACConfiguration
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.playlist import MediaPlaylist, TooFarAheadError
from amphi.origin.hls.render import Variant, media_playlist, multivariant_playlist
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.hls.timeline import Timeline
from amphi.origin.hls.tracks import AudioTrack
from tests.origin.running import AAC_CONFIG, AUDIO_HEADER, OTHER_VIDEO_HEADER, VIDEO_HEADER, audio, video
from tests.origin.source import START, Source


def test_a_live_playlist():
    source = Source(part=timedelta(milliseconds=400))
    source.frames(61)
    assert source.text() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:9\n"
        "#EXT-X-TARGETDURATION:1\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,HOLD-BACK=3.0,PART-HOLD-BACK=1.200\n"
        "#EXT-X-PART-INF:PART-TARGET=0.400\n"
        "#EXT-X-MEDIA-SEQUENCE:100\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="ab12/i0.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:00.000Z\n"
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p0.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p1.m4s"\n'
        '#EXT-X-PART:DURATION=0.20000,URI="ab12/p2.m4s"\n'
        "#EXTINF:1.00000,\n"
        "ab12/s100.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:01.000Z\n"
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p3.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p4.m4s"\n'
        '#EXT-X-PART:DURATION=0.20000,URI="ab12/p5.m4s"\n'
        "#EXTINF:1.00000,\n"
        "ab12/s101.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:02.000Z\n"
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p6.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ab12/p7.m4s"\n'
        '#EXT-X-RENDITION-REPORT:URI="sound.m3u8",LAST-MSN=102,LAST-PART=0\n'
    )


def test_a_delta_update_skips_what_lies_before_the_boundary():
    source = Source(part=timedelta(seconds=1))
    source.frames(25 * 9 + 1)
    assert source.text(skip=True).split("#EXT-X-PROGRAM-DATE-TIME")[0] == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:9\n"
        "#EXT-X-TARGETDURATION:1\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,HOLD-BACK=3.0,PART-HOLD-BACK=3.000\n"
        "#EXT-X-PART-INF:PART-TARGET=1.000\n"
        "#EXT-X-MEDIA-SEQUENCE:100\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"
    )
    assert source.text(skip=True).count("#EXTINF") == 6
    assert source.text().count("#EXTINF") == 9


def test_a_publisher_that_comes_back_makes_a_discontinuity_with_a_map():
    source = Source(part=timedelta(seconds=1))
    source.frames(26)
    source.segmenter.begin()
    source.now += timedelta(seconds=4)
    source.at_ms = 0
    source.index = 0
    source.begin()
    source.frames(25)
    source.segmenter.flush()
    source.playlist.end()
    assert source.text().split("#EXT-X-INDEPENDENT-SEGMENTS\n")[1] == (
        '#EXT-X-MAP:URI="ab12/i0.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:00.000Z\n"
        '#EXT-X-PART:DURATION=1.00000,URI="ab12/p0.m4s",INDEPENDENT=YES\n'
        "#EXTINF:1.00000,\n"
        "ab12/s100.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:01.000Z\n"
        '#EXT-X-PART:DURATION=0.04000,URI="ab12/p1.m4s",INDEPENDENT=YES\n'
        "#EXTINF:0.04000,\n"
        "ab12/s101.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="ab12/i0.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:05.040Z\n"
        '#EXT-X-PART:DURATION=1.00000,URI="ab12/p2.m4s",INDEPENDENT=YES\n'
        "#EXTINF:1.00000,\n"
        "ab12/s102.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


@pytest.mark.parametrize(("header", "pictures"), [(VIDEO_HEADER, 1), (OTHER_VIDEO_HEADER, 6)])
def test_a_publisher_that_is_known_begins_with_its_first_picture(header, pictures):
    source, begun = Source(), []
    source.frames(60)
    source.segmenter.begin()
    source.segmenter.on_start = lambda: begun.append(source.index - 75)
    source.index = 75
    source.segmenter.receive_video(0, header, source.now)
    source.segmenter.receive_audio(0, AUDIO_HEADER, source.now)
    # A slide that stands still: five pictures a second.
    while not begun:
        source.frames(1, frame_ms=200)
    assert source.index - 75 == pictures
    source.frames(25, frame_ms=40)
    assert {part.ticks for part in source.playlist.segments[-1].parts[:-1]} == {200 * 90}


def test_the_multivariant_playlist():
    assert multivariant_playlist(
        "lecture",
        [
            Variant("main", 1500000, ("avc1.64001f", "mp4a.40.2"), 900000, (1280, 720), 25.0),
            Variant("sound", 98000, ("mp4a.40.2",)),
        ],
    ) == (
        b"#EXTM3U\n#EXT-X-VERSION:9\n"
        b'#EXT-X-STREAM-INF:BANDWIDTH=1500000,AVERAGE-BANDWIDTH=900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000\n'
        b"lecture/main.m3u8\n"
        b'#EXT-X-STREAM-INF:BANDWIDTH=98000,CODECS="mp4a.40.2"\n'
        b"lecture/sound.m3u8\n"
    )


def test_the_playlist_of_the_sound_alone_has_the_same_parts_at_the_same_times():
    source = Source(part=timedelta(milliseconds=400))
    source.frames(61, gop=50)
    text = media_playlist(source.playlist, sound=True, others=[("main", source.playlist)]).decode()
    assert text.partition("#EXT-X-MEDIA-SEQUENCE")[2] == (
        ":100\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="ab12/i0a.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:00.000Z\n"
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p0a.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p1a.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p2a.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p3a.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p4a.m4s",INDEPENDENT=YES\n'
        "#EXTINF:2.00000,\n"
        "ab12/s100a.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:02.000Z\n"
        '#EXT-X-PART:DURATION=0.40000,URI="ab12/p5a.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ab12/p6a.m4s"\n'
        '#EXT-X-RENDITION-REPORT:URI="main.m3u8",LAST-MSN=101,LAST-PART=0\n'
    )
    part = source.playlist.part(0)
    assert (part.sound.count(b"traf"), part.data.count(b"traf")) == (1, 2)
    assert source.playlist.sound_inits[0].count(b"trak") == 1


def _with_sound_of(rate: int) -> Source:
    """Ten seconds of pictures each 40 ms, with all frames of sound of that rate; for 48,000 Hz they last 21.3 ms."""
    source = Source()
    source.segmenter.receive_audio(
        0, b"\xaf\0" + (0b00010_1111 << 31 | rate << 7 | 0b0001_000).to_bytes(5), source.now
    )
    times = [(index * 40.0, True) for index in range(250)]
    times += [(index * 1_024_000 / rate, False) for index in range(rate * 10 // 1024)]
    for at_ms, is_picture in sorted(times):
        now = source.now + timedelta(milliseconds=at_ms)
        index = round(at_ms / 40)
        if is_picture:
            source.segmenter.receive_video(int(at_ms), video(index, key=index % 25 == 0, size=40), now)
        else:
            source.segmenter.receive_audio(int(at_ms), audio(index), now)
    return source


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000, 96_000])
def test_no_part_of_the_sound_alone_is_said_to_be_longer_than_it_is(rate):
    """hls.js asks for a part again of which it has less than was said, here for as long as the segment is near the end."""
    text = media_playlist(_with_sound_of(rate).playlist, sound=True).decode()
    target = float(text.partition("PART-TARGET=")[2].partition("\n")[0])
    segments = text.split("#EXT-X-PROGRAM-DATE-TIME:")[1:]
    for segment in segments:
        said = [float(found) for found in re.findall("PART:DURATION=([0-9.]+)", segment)]
        for duration in said:
            frames = duration * rate / 1024
            assert -0.001 < frames - round(frames) <= 0
            assert 0.85 * target <= duration <= target
        if "#EXTINF" in segment and said:
            assert sum(said) == pytest.approx(
                float(segment.partition("#EXTINF:")[2].partition(",")[0]), abs=1e-4
            )


def test_parts_of_another_rate_of_sound_are_not_listed_under_the_new_target():
    source = _with_sound_of(48_000)
    text = media_playlist(source.playlist, sound=True).decode()
    assert ("PART-TARGET=0.214" in text, "#EXT-X-PART:" in text) == (True, True)
    source.playlist.sound_target_ms = 209
    assert "#EXT-X-PART:" not in media_playlist(source.playlist, sound=True).decode()


def test_sound_whose_frames_are_too_long_for_parts_is_not_offered_alone():
    playlist = _with_sound_of(22_050).playlist
    assert (playlist.sound_inits, playlist.sound_rate.peak_bits_per_s > 0) == ({}, True)


def test_where_there_is_no_sound_its_playlist_has_gaps():
    source = Source(part=timedelta(seconds=1))
    source.frames(26)
    source.frames(50, sound=False)
    text = media_playlist(source.playlist, sound=True).decode()
    assert text.count("#EXT-X-GAP\n") == 1
    assert 'URI="ab12/p2a.m4s",GAP=YES\n' in text
    assert "GAP" not in source.text()


@pytest.mark.parametrize(
    ("gop", "seconds", "durations", "target"),
    [
        (25, 4, [1.0, 1.0, 1.0], 1),
        (75, 10, [3.0, 3.0, 3.0], 3),
        (5, 3, [1.0, 1.0], 1),
        (26, 4, [1.04] * 3, 1),
    ],
)
def test_segments_are_cut_at_keyframes(gop, seconds, durations, target):
    source = Source()
    source.frames(25 * seconds, gop=gop)
    assert source.durations() == durations
    assert source.playlist.target_duration_s == target


def test_a_segment_is_cut_without_a_keyframe_when_none_comes():
    source = Source(max_segment=timedelta(seconds=3))
    source.frames(200, gop=10_000)
    assert source.durations() == [3.0, 3.0]
    assert "INDEPENDENT-SEGMENTS" not in source.text()


@pytest.mark.parametrize(("frame_ms", "target_ms"), [(40, 200), (33, 200), (66, 200), (100, 200), (500, 500)])
def test_the_part_target_holds_every_part(frame_ms, target_ms):
    source = Source()
    source.frames(100, frame_ms=frame_ms)
    parts = [part.ticks / 90 for segment in source.playlist.listed() for part in segment.parts]
    assert max(parts) <= source.playlist.part_target_ms == target_ms


def test_sound_goes_on_making_parts_while_the_picture_stands_still():
    source = Source()
    source.frames(50)
    before = source.playlist.next_part
    for index in range(100):
        source.now += timedelta(milliseconds=21)
        source.at_ms += 21
        source.segmenter.receive_audio(source.at_ms, audio(index), source.now)
    assert source.playlist.next_part - before >= 4


def test_sound_alone_makes_segments_of_the_set_duration():
    playlist = MediaPlaylist("ab12", first_number=1, window=timedelta(seconds=10))
    segmenter = Segmenter(playlist, Cutting())
    segmenter.receive_metadata({"audiocodecid": 10.0})
    segmenter.receive_audio(0, AUDIO_HEADER, START)
    for index in range(200):
        segmenter.receive_audio(index * 1024 // 48, audio(index), START)
    assert 0.9 <= playlist.segments[0].duration_s <= 1.1
    assert "PART:DURATION" in media_playlist(playlist).decode()


def test_a_new_configuration_in_mid_stream_makes_a_new_map():
    source = Source()
    source.frames(50)
    smaller = VIDEO_HEADER.replace(b"\x42\xc0\x1e", b"\x42\xc0\x1f")
    source.segmenter.receive_video(source.at_ms, VIDEO_HEADER, source.now)
    assert "i1.mp4" not in source.text()
    source.segmenter.receive_video(source.at_ms, smaller, source.now)
    source.frames(50)
    assert '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="ab12/i1.mp4"' in source.text()


def test_what_left_the_window_is_kept_as_long_again_and_then_forgotten():
    source = Source()
    source.frames(25 * 31)
    numbers = [found.number for found in source.playlist.segments]
    assert 10 <= len(numbers) <= 11
    assert source.playlist.segment(numbers[0] - 5) is not None
    assert source.playlist.segment(100) is None
    assert source.playlist.part(0) is None


def test_discontinuities_that_left_are_counted():
    source = Source()
    source.frames(30)
    source.segmenter.begin()
    source.begin()
    source.index = 0
    source.frames(25 * 15)
    assert source.playlist.discontinuity_sequence == 1
    assert "#EXT-X-DISCONTINUITY\n" not in source.text()


def test_what_a_blocking_request_may_ask():
    source = Source()
    source.frames(61)  # two segments, and two parts of the third
    can = source.playlist.can_answer
    assert [can(100, None), can(101, None), can(102, None), can(103, None)] == [True, True, False, False]
    assert [can(102, 0), can(102, 1), can(102, 2), can(103, 0)] == [True, True, False, False]
    assert can(101, 99) is True  # beyond that segment's last part: the first of the next one
    for number, part in ((104, None), (104, 0), (102, 18), (103, 16)):
        with pytest.raises(TooFarAheadError):
            can(number, part)
    source.playlist.end()
    assert can(900, 5) is True


@pytest.mark.parametrize(
    ("timestamps", "placed"),
    [
        ([500, 540, 580], [0, 40, 80]),
        ([2**32 - 40, 0, 40], [0, 40, 80]),
        ([100_000, 100_040, 0, 40], [0, 40, 40, 80]),
        ([0, 40, 50_000, 50_040], [0, 40, 40, 80]),
        ([1000, 960, 1040], [0, -40, 40]),
    ],
)
def test_a_publishers_clock_may_wrap_and_jump(timestamps, placed):
    timeline = Timeline()
    assert [timeline.place(found, "video", START) for found in timestamps] == placed


def test_a_clock_that_jumps_back_leaves_no_gap():
    source = Source()
    source.at_ms = 5_000_000
    source.frames(50)
    source.at_ms = 0
    source.frames(50)
    assert source.durations()[:3] == pytest.approx([1.0, 1.0, 1.0], abs=0.05)


def test_sound_is_timed_by_its_samples_and_follows_the_clock():
    track = AudioTrack(AACConfiguration.parse(AAC_CONFIG))
    exact = [track.push(b"", index * 1024 // 48) for index in range(200)]
    assert [found.dts for found in exact] == [index * 1024 for index in range(200)]
    late = track.push(b"", 200 * 1024 // 48 + 500)
    assert late.dts == 48 * (200 * 1024 // 48 + 500)
    # A publisher whose sound runs 0.3 % slow against its clock.
    told = [late.dts // 48 + int(index * 1024 / 48 * 1.003) for index in range(1, 3000)]
    drifting = [track.push(b"", at_ms) for at_ms in told]
    assert abs(drifting[-1].dts - 48 * told[-1]) < 48 * 20
    assert all(after.dts == before.dts + before.duration for before, after in itertools.pairwise(drifting))


def test_one_late_picture_does_not_hold_players_back_for_ever():
    source = Source()
    source.frames(30)
    source.at_ms += 700
    source.frames(30)
    assert source.playlist.part_target_ms == 200
    source.frames(25 * 12)
    assert source.playlist.part_target_ms == 200
