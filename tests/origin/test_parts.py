"""Parts keep RFC 8216bis's rule whatever a publisher's clock does: by construction, for any frames."""

import itertools
import re
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amphi.origin.fmp4.codecs import SILENCE
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import media_playlist
from amphi.origin.hls.segmenter import Segmenter
from tests.origin.running import AUDIO_HEADER, VIDEO_HEADER

START = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
AAC_FRAME_MS = 1024 / 48


@dataclass
class Media:
    """What a publisher sends: pictures and sound with their times, in the order of arrival."""

    pictures: list[float] = field(default_factory=list)
    sound: list[float] = field(default_factory=list)
    gop: int = 25
    reordered: bool = False
    sound_late_ms: float = 0
    part: timedelta = timedelta(milliseconds=200)

    def tags(self) -> list[tuple[float, int, str, bytes]]:
        tags = []
        for index, at in enumerate(self.pictures):
            key = index % self.gop == 0
            composition = 40 * (index % 3) if self.reordered else 0
            nal = (b"\x65" if key else b"\x41") + index.to_bytes(4)
            tag = (
                bytes([0x17 if key else 0x27, 1])
                + composition.to_bytes(3)
                + struct.pack(">I", len(nal))
                + nal
            )
            tags.append((at, int(at), "video", tag))
        tags += [
            (at + self.sound_late_ms, int(at), "audio", b"\xaf\1snd" + index.to_bytes(4))
            for index, at in enumerate(self.sound)
        ]
        return sorted(tags, key=lambda tag: tag[0])


def _package(media: Media) -> MediaPlaylist:
    """The whole playlist; after each tag, the rule holds for what it lists at that moment."""
    playlist = MediaPlaylist("ab12", first_number=100, window=timedelta(hours=1))
    segmenter = Segmenter(playlist, Cutting(part=media.part))
    if media.pictures:
        segmenter.receive_video(0, VIDEO_HEADER, START)
    if media.sound:
        segmenter.receive_audio(0, AUDIO_HEADER, START)
    told = {"videocodecid": 7.0 if media.pictures else 0, "audiocodecid": 10.0 if media.sound else 0}
    segmenter.receive_metadata(told)
    revision = playlist.revision
    for arrival_ms, timestamp, track, tag in media.tags():
        take = segmenter.receive_video if track == "video" else segmenter.receive_audio
        take(timestamp, tag, START + timedelta(milliseconds=arrival_ms))
        if playlist.revision != revision and playlist.ready:
            revision = playlist.revision
            _check_rule(media_playlist(playlist).decode())
    segmenter.flush()
    playlist.end()
    _check_rule(media_playlist(playlist).decode())
    return playlist


def _check_rule(text: str) -> None:
    """RFC 8216bis, 4.4.3.1 and 4.4.3.7, read from the playlist as a player does."""
    target = float(re.search(r"PART-TARGET=([\d.]+)", text)[1])
    longest = int(re.search(r"TARGETDURATION:(\d+)", text)[1])
    parts: list[float] = []
    for line in text.splitlines():
        if line.startswith("#EXT-X-PART:"):
            parts.append(float(re.search(r"DURATION=([\d.]+)", line)[1]))
        elif line.startswith("#EXTINF:"):
            duration = float(line[8:-1])
            assert int(duration + 0.5) <= longest, text
            assert not parts or sum(parts) == pytest.approx(duration, abs=1e-5 * (len(parts) + 1)), text
            assert all(part >= 0.85 * target - 1e-5 for part in parts[:-1]), text
            assert all(part <= target + 1e-5 for part in parts), text
            parts = []
    assert all(0.85 * target - 1e-5 <= part <= target + 1e-5 for part in parts), text


def _numbers(playlist: MediaPlaylist) -> tuple[list[int], list[int]]:
    """The pictures and the frames of sound in the parts' fragments, by the number in their data. The origin's own silence has none."""
    pictures, sound = [], []
    for segment in playlist.segments:
        for part in segment.parts:
            media = part.data.partition(b"mdat")[2]
            assert media
            while media:
                if media[:4] == struct.pack(">I", 5):
                    pictures.append(int.from_bytes(media[5:9]))
                    media = media[9:]
                elif media.startswith(SILENCE[1]):
                    media = media[len(SILENCE[1]) :]
                else:
                    sound.append(int.from_bytes(media[3:7]))
                    media = media[7:]
    return pictures, sound


def _steps(steps: list[float], start: float = 0) -> list[float]:
    return list(itertools.accumulate(steps, initial=start))


RATES = {"24": 1000 / 24, "25": 40, "29.97": 1001 / 30, "30": 1000 / 30, "50": 20, "60": 1000 / 60}
RATES |= {"10": 100, "12": 1000 / 12, "15": 1000 / 15, "23.976": 1001 / 24}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("sound", [True, False])
def test_even_pictures_make_even_parts_that_whole_pictures_fill(rate, sound):
    step = RATES[rate]
    pictures = _steps([step] * round(10_000 / step))
    playlist = _package(
        Media(pictures, _steps([AAC_FRAME_MS] * 470) if sound else [], gop=round(1000 / step), reordered=True)
    )
    target = playlist.part_target_ms
    assert abs(target - 200) <= max(step / 2, 10)
    parts = [part.ticks / 90 for segment in playlist.segments for part in segment.parts[:-1]]
    # 29.97 a second drift through the milliseconds: one picture less in a part, once in a while.
    short = [part for part in parts if max(parts) - part > 2]
    assert len(short) <= (2 if rate == "29.97" else 0)
    assert _numbers(playlist)[0] == list(range(len(pictures)))


def test_a_second_of_25_pictures_in_parts_of_half_a_second_is_two_parts():
    playlist = _package(Media(_steps([40] * 250), part=timedelta(milliseconds=500)))
    assert playlist.part_target_ms == 520
    assert {len(tuple(segment.parts)) for segment in tuple(playlist.segments)[:-1]} == {2}


@pytest.mark.parametrize("sound", [True, False])
def test_a_picture_in_twenty_that_is_late_does_not_move_the_part_target(sound):
    pictures = [index * 40 + (40 if index % 20 == 7 else 0) * (index % 3 > 0) for index in range(500)]
    pictures = [at + (40 if index % 20 == 4 else 0) for index, at in enumerate(pictures)]
    playlist = _package(Media(pictures, _steps([AAC_FRAME_MS] * 930) if sound else []))
    assert playlist.part_target_ms == 200
    parts = [part.ticks / 90 for segment in playlist.segments for part in segment.parts[:-1]]
    assert min(parts) >= 170
    assert max(parts) <= 200


def test_sound_alone_makes_even_parts():
    playlist = _package(Media(sound=_steps([AAC_FRAME_MS] * 400)))
    durations = {round(segment.duration_s, 2) for segment in list(playlist.segments)[:-1]}
    assert durations == {0.96}
    assert {len(segment.parts) for segment in list(playlist.segments)[:-1]} == {5}


@pytest.mark.parametrize("early_ms", [30, 100, 190, 600, 1500, 1990, 5000])
def test_sound_that_begins_before_the_picture_makes_no_long_part(early_ms):
    pictures = _steps([40] * 250, early_ms)
    playlist = _package(Media(pictures, _steps([AAC_FRAME_MS] * 400)))
    first = playlist.segments[0].parts[0]
    assert 170 <= first.ticks / 90 <= 200
    if early_ms < 2000:
        assert first.independent
        assert _numbers(playlist)[0] == list(range(251))


@pytest.mark.parametrize("late_ms", [30, 190, 600, 1500, 1990])
def test_a_picture_that_begins_before_the_sound_makes_no_long_part(late_ms):
    playlist = _package(Media(_steps([40] * 250), _steps([AAC_FRAME_MS] * 350, late_ms)))
    first = playlist.segments[0].parts[0]
    assert 170 <= first.ticks / 90 <= 200
    assert _numbers(playlist) == (list(range(251)), list(range(351)))


def test_a_picture_that_stands_still_with_sound_leaves_no_part_out():
    pictures = [*_steps([40] * 50), *_steps([40] * 100, 2940)]
    playlist = _package(Media(pictures, _steps([AAC_FRAME_MS] * 320)))
    assert _numbers(playlist)[0] == list(range(len(pictures)))
    assert sum(segment.ticks for segment in playlist.segments) / 90 == pytest.approx(6980, abs=60)


@pytest.mark.parametrize("step", [300, 500, 900])
def test_pictures_without_sound_that_become_slow_get_a_longer_part_target_and_fast_ones_the_old(step):
    slow = _steps([step] * 40, 2000)
    playlist = _package(Media([*_steps([40] * 49), *slow], gop=5))
    assert playlist.part_target_ms == step
    # What the playlist's time was behind is told as one discontinuity, and then it is true again.
    assert [segment.discontinuity for segment in playlist.segments].count(True) == 1
    assert {part.ticks / 90 for part in playlist.segments[-1].parts} == {step}
    again = _package(Media([*_steps([40] * 49), *slow, *_steps([40] * 250, slow[-1] + step)], gop=5))
    assert again.part_target_ms == 200


def test_sound_that_runs_ahead_of_the_picture_for_ever_is_not_kept_for_ever():
    sound = [at * 50 for at in range(3000)]
    media = Media(_steps([40] * 100), [0])
    playlist = MediaPlaylist("ab12", first_number=100, window=timedelta(hours=1))
    segmenter = Segmenter(playlist, Cutting())
    segmenter.receive_video(0, VIDEO_HEADER, START)
    segmenter.receive_audio(0, AUDIO_HEADER, START)
    tags = media.tags()
    for index, (_, timestamp, track, tag) in enumerate(tags):
        now = START + timedelta(milliseconds=timestamp)
        take = segmenter.receive_video if track == "video" else segmenter.receive_audio
        take(timestamp, tag, now)
        for number in range(30 * index, 30 * index + 30):
            segmenter.receive_audio(sound[number % 3000], b"\xaf\1snd" + number.to_bytes(4), now)
    # All but what is held; each part holds the rule all the while.
    assert len(_numbers(playlist)[1]) > 30 * len(tags) - 1000
    _check_rule(media_playlist(playlist).decode())


frames = st.one_of(
    st.sampled_from(sorted(RATES.values())).flatmap(
        lambda step: st.lists(st.sampled_from([step] * 19 + [2 * step]), min_size=1, max_size=300)
    ),
    st.lists(st.floats(1, 900), min_size=1, max_size=60),
    st.lists(st.sampled_from([0, 1, 5, 33, 40, 47, 250, 1200, 4000]), min_size=1, max_size=80),
)
sounds = st.one_of(
    st.integers(1, 400).map(lambda count: [AAC_FRAME_MS] * count),
    st.lists(st.sampled_from([AAC_FRAME_MS] * 30 + [100, 900, 2500]), min_size=1, max_size=300),
)


def test_sound_from_before_the_first_picture_that_comes_late_delays_none_that_follows():
    media = Media(_steps([40] * 20, 1278), _steps([AAC_FRAME_MS] * 40, 900), gop=1, sound_late_ms=378.0)
    pictures, sound = _numbers(_package(media))
    assert pictures == list(range(21))
    # The eighteenth begins 16 ms before the first picture, and ends after it.
    assert sound == list(range(17, 41))


@settings(deadline=None)
@given(
    pictures=st.one_of(st.none(), frames),
    sound=st.one_of(st.none(), sounds),
    gop=st.integers(1, 90),
    start=st.floats(-2000, 2000),
    late=st.floats(-900, 900),
    part_ms=st.sampled_from([100, 200, 333, 500]),
)
def test_the_rule_holds_for_any_frames_and_no_frame_is_lost(  # noqa: PLR0917 -- hypothesis gives them by name
    pictures, sound, gop, start, late, part_ms
):
    media = Media(
        _steps(pictures, max(start, 0) + 900) if pictures else [],
        _steps(sound, max(-start, 0) + 900) if sound else [],
        gop=gop,
        sound_late_ms=late,
        part=timedelta(milliseconds=part_ms),
    )
    assume(pictures or sound)
    numbers = _numbers(_package(media))
    for got, sent in zip(numbers, (media.pictures, media.sound), strict=True):
        # From the first to the last one in order: at the start, sound may go before the first picture.
        assert got == list(range(len(sent) - len(got), len(sent))) or not sent
