"""Two publishers of one stream: what is kept of the standby, when the stream goes on with it, and that nobody notices."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from amphi.origin.config import Config
from amphi.origin.conformance.media import MediaCheck
from amphi.origin.conformance.playlists import parse_media
from amphi.origin.conformance.rules import media_faults
from amphi.origin.exceptions import UnsupportedCodecError
from amphi.origin.hls.opening import AUDIO, VIDEO
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import media_playlist
from amphi.origin.standby import MAX_BYTES, MAX_TAGS, SILENT, Standby
from amphi.origin.streams import Streams
from tests.origin.running import (
    AUDIO_HEADER,
    EVEN_AUDIO_HEADER,
    FRAME_MS,
    OTHER_VIDEO_HEADER,
    VIDEO_HEADER,
    Publisher,
    audio,
    eventually,
    running_origin,
    video,
)
from tests.origin.source import START, Source

LIVE = Config(open=True, slate=False, grace=timedelta(seconds=20))


async def _publish(publisher: Publisher) -> None:
    with contextlib.suppress(ConnectionError):
        await publisher.live()


class Nobody:
    def drop(self, reason: str) -> None:
        raise AssertionError(reason)


class Second:
    """A standby with a fake clock, whose own time began at another moment."""

    def __init__(self, *, header: bytes = VIDEO_HEADER, sound: bytes = AUDIO_HEADER, first: int = 0) -> None:
        self.standby = Standby(Nobody())
        self.index = first
        self.now = START
        self.standby.receive_video(0, header, self.now)
        self.standby.receive_audio(0, sound, self.now)

    def frames(self, count: int, *, gop: int = 25, pictures: bool = True, sound: bool = True) -> None:
        for _ in range(count):
            timestamp = 500_000 + self.index * FRAME_MS
            if pictures:
                key = self.index % gop == 0
                self.standby.receive_video(timestamp, video(self.index, key=key, size=40), self.now)
            if sound:
                self.standby.receive_audio(timestamp, audio(self.index), self.now)
            self.index += 1
            self.now += timedelta(milliseconds=FRAME_MS)


def test_kept_from_the_newest_keyframe_of_before_the_other_fell_silent():
    second = Second()
    second.frames(24 * 25 + 10)
    resumed = second.standby.resume(second.now - timedelta(seconds=0.6))
    assert resumed.headers == {VIDEO: VIDEO_HEADER, AUDIO: AUDIO_HEADER}
    assert (resumed.tags[0].key, resumed.tags[0].body) == (True, video(23 * 25, key=True, size=40))
    assert len(resumed.tags) == 2 * 35
    assert {tag.track for tag in resumed.lead} == {AUDIO}
    assert 0 < len(resumed.lead) <= 13
    # The other one fell silent after the newest keyframe: less is told twice.
    assert len(second.standby.resume(second.now).tags) == 2 * 10


@pytest.mark.parametrize("size", [40, 32_768])
def test_without_keyframes_memory_is_bounded_and_the_next_keyframe_is_a_start_again(size):
    second = Second()
    standby = second.standby
    for index in range(1, 1100):
        standby.receive_video(index * FRAME_MS, video(index, key=index == 1, size=size), second.now)
        standby.receive_audio(index * FRAME_MS, audio(index), second.now)
        second.now += timedelta(milliseconds=FRAME_MS)
        tags = standby.resume(second.now).tags
        assert len(tags) <= MAX_TAGS
        assert sum(len(tag.body) for tag in tags) <= MAX_BYTES
    assert standby.resume(second.now).tags == []
    standby.receive_video(0, video(0, key=True), second.now)
    assert len(standby.resume(second.now).tags) == 1


def test_new_configuration_makes_older_frames_useless():
    second = Second()
    second.frames(30)
    second.standby.receive_video(0, VIDEO_HEADER, second.now)
    assert second.standby.resume(second.now).tags
    second.standby.receive_video(0, OTHER_VIDEO_HEADER, second.now)
    assert second.standby.resume(second.now).tags == []


def test_sound_alone_is_kept_for_a_second():
    standby, now = Standby(Nobody()), START
    standby.receive_audio(0, AUDIO_HEADER, now)
    for index in range(200):
        standby.receive_audio(index * FRAME_MS, audio(index), now)
        now += timedelta(milliseconds=FRAME_MS)
    assert [tag.body for tag in standby.resume(now).tags] == [audio(199)]
    assert 20 <= len(standby.resume(now - timedelta(seconds=0.9)).tags) <= 26


def test_codec_that_no_player_has_is_refused_at_once():
    with pytest.raises(UnsupportedCodecError):
        Standby(Nobody()).receive_video(0, b"\x12\1\0\0\0x", START)


@pytest.mark.parametrize(
    ("silent_s", "blind_s", "wanted"),
    [(0.04, 0.04, False), (0.4, 0.4, False), (0.6, 0.6, True), (0.04, 0.9, False), (0.04, 1.1, True)],
)
def test_wanted_when_nothing_or_no_picture_comes_from_the_other(silent_s, blind_s, wanted):
    second = Second()
    second.frames(50)
    now = second.now
    media_at, picture_at = now - timedelta(seconds=silent_s), now - timedelta(seconds=blind_s)
    assert second.standby.is_wanted(media_at, picture_at, now) is wanted


def test_not_wanted_where_both_send_pictures_only_when_something_moves():
    second = Second()
    second.frames(50)
    picture_at = second.now - timedelta(seconds=0.1)
    second.frames(100, pictures=False)
    second.frames(5)
    assert not second.standby.is_wanted(second.now, picture_at, second.now)


def test_not_wanted_after_neither_came_as_when_this_process_stood_still():
    second = Second()
    second.frames(50)
    media_at = second.now
    second.now += timedelta(seconds=5)
    second.frames(3)
    assert not second.standby.is_wanted(media_at, media_at, second.now)
    second.frames(12)
    assert second.standby.is_wanted(media_at, media_at, second.now)


def _splice(source: Source, second: Second) -> bool:
    resumed = second.standby.resume(source.now)
    first = resumed.tags[0]
    goes_on = source.segmenter.splice(resumed.headers, first.timestamp, first.composition_ms, first.now)
    for tag in (resumed.lead if goes_on else []) + resumed.tags:
        segmenter = source.segmenter
        take = segmenter.receive_video if tag.track == VIDEO else segmenter.receive_audio
        take(tag.timestamp, tag.body, tag.now)
    return goes_on


def _heard(playlist: MediaPlaylist) -> Iterator[str]:
    """Faults of the media as players read it, from the first part to the last."""
    check = MediaCheck()
    for number, segment in enumerate(playlist.listed()):
        if not number or segment.discontinuity:
            yield from map(str, check.begin(playlist.inits[segment.init]))
        for part in segment.parts:
            yield from map(
                str,
                check.take(str(part.number), part.data, part.ticks / 90_000, independent=part.independent),
            )


@pytest.mark.parametrize("before", [51, 58, 61, 62, 68, 73])
@pytest.mark.parametrize("behind", range(0, 25, 4))
@pytest.mark.parametrize("sound_ahead", [-2, 0, 2])
def test_same_configuration_goes_on_without_a_seam(before, behind, sound_ahead):
    source, second = Source(), Second(sound=EVEN_AUDIO_HEADER, first=behind)
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    second.frames(before)
    source.frames(before)
    # A publisher is cut where sound and picture are not equally far.
    for extra in range(abs(sound_ahead)):
        timestamp = source.at_ms + extra * FRAME_MS
        if sound_ahead > 0:
            source.segmenter.receive_audio(timestamp, audio(extra), source.now)
        else:
            source.segmenter.receive_video(timestamp, video(extra, key=False, size=40), source.now)
    assert _splice(source, second)
    for _ in range(50):
        timestamp = 500_000 + second.index * FRAME_MS
        key = second.index % 25 == 0
        source.segmenter.receive_video(timestamp, video(second.index, key=key, size=40), second.now)
        source.segmenter.receive_audio(timestamp, audio(second.index), second.now)
        second.index += 1
        second.now += timedelta(milliseconds=FRAME_MS)
    playlist = source.playlist
    assert list(playlist.inits) == [0]
    assert playlist.target_duration_s == 1
    assert min(segment.duration_s for segment in playlist.segments) >= 0.45
    assert {part.ticks for segment in playlist.segments for part in segment.parts} == {200 * 90}
    assert not any(segment.discontinuity for segment in playlist.listed())
    assert list(_heard(playlist)) == []
    found = parse_media(media_playlist(playlist).decode(), "http://x/")
    assert {fault.rule for fault in media_faults(found)} <= {"date-jump"}
    tracks = {VIDEO: source.segmenter._video.next_ticks, AUDIO: source.segmenter._audio.end_ticks}
    assert abs(tracks[VIDEO] - tracks[AUDIO]) <= 100 * 90


@pytest.mark.parametrize("cut", range(4))
def test_pictures_sent_ahead_of_others_that_never_came_are_shown_before_the_standby(cut):
    source, second = Source(), Second(sound=EVEN_AUDIO_HEADER)
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    shown = []
    source.segmenter.on_picture = lambda frame, dts: shown.append(dts // 90 + frame.composition_ms)

    def coded(index: int) -> bytes:
        # I B B P: what is shown later is sent earlier.
        shown_ms = (2, 4, 1, 1)[index % 4] * FRAME_MS
        return video(index, key=index % 24 == 0, size=40, composition_ms=shown_ms)

    for index in range(48 + cut):
        for segmenter, at in ((second.standby, 500_000), (source.segmenter, 0)):
            segmenter.receive_video(at + index * FRAME_MS, coded(index), source.now)
            segmenter.receive_audio(at + index * FRAME_MS, audio(index), source.now)
        source.now += timedelta(milliseconds=FRAME_MS)
    before = len(shown)
    assert _splice(source, second)
    source.segmenter.flush()
    assert FRAME_MS <= min(shown[before:]) - max(shown[:before]) < FRAME_MS + 200
    assert not any(segment.discontinuity for segment in source.playlist.segments)


def test_sound_of_another_rate_begins_with_the_keyframe():
    source, second = Source(), Second(sound=AUDIO_HEADER)
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    second.frames(20)
    source.frames(60)
    assert not _splice(source, second)
    source.segmenter.flush()
    last = source.playlist.segments[-1]
    assert (last.discontinuity, last.init) == (True, 1)


def test_other_configuration_is_a_discontinuity_with_an_initialization_segment_of_its_own():
    source, second = Source(), Second(header=OTHER_VIDEO_HEADER, sound=EVEN_AUDIO_HEADER)
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    second.frames(60)
    source.frames(60)
    assert not _splice(source, second)
    source.segmenter.flush()
    assert list(source.playlist.inits) == [0, 1]
    assert source.playlist.segments[-2].parts[-1].ticks == 200 * 90
    assert [segment.discontinuity for segment in source.playlist.segments].count(True) == 1
    assert list(_heard(source.playlist)) == []


async def _pair(origin, name: str = "x") -> tuple[Publisher, asyncio.Task, Publisher, asyncio.Task]:
    """Two publishers of one stream, both on the air."""
    found = []
    for parameters in ("?key=k", "?key=k&standby=1"):
        publisher = await Publisher.publishing(origin.rtmp_port, name + parameters)
        publisher.send(8, 0, EVEN_AUDIO_HEADER)
        found += [publisher, asyncio.create_task(_publish(publisher))]
    streams = origin.origin.streams
    await eventually(lambda: (stream := streams.get(name)) and len(stream.playlist.segments) > 1)
    stream = streams.get(name)
    await eventually(lambda: stream.standby.resume(stream.last_media_at).tags)
    return tuple(found)


async def _goes_on(stream, parts: int = 10) -> None:
    at = stream.playlist.next_part
    await eventually(lambda: stream.playlist.next_part > at + parts)


def _without_seam(stream) -> bool:
    text = stream.media_playlist().decode()
    assert {fault.rule for fault in media_faults(parse_media(text, "http://x/"))} <= {"date-jump"}
    return "DISCONTINUITY\n" not in text and list(stream.playlist.inits) == [0]


async def test_publisher_that_dies_is_followed_by_the_standby_without_a_seam():
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        assert stream.statistics()["standby"] is True
        before = stream.publisher
        live.cancel()
        first.writer.transport.abort()
        await eventually(lambda: stream.publisher is not before)
        assert stream.statistics()["standby"] is False
        await _goes_on(stream)
        assert _without_seam(stream)
        assert origin.origin.streams.switches == 1

        # The first comes back as what it was: it is the standby, and the stream stays where it is.
        now = stream.publisher
        again = await Publisher.publishing(origin.rtmp_port, "x?key=k")
        again.send(8, 0, EVEN_AUDIO_HEADER)
        await eventually(lambda: stream.standby is not None)
        back = asyncio.create_task(_publish(again))
        await eventually(lambda: stream.standby.resume(stream.last_media_at).tags)
        assert stream.publisher is now
        other.cancel()
        second.writer.transport.abort()
        await eventually(lambda: stream.publisher is not now)
        await _goes_on(stream)
        assert _without_seam(stream)
        back.cancel()
        await again.leave()


async def test_publisher_that_hangs_is_followed_by_the_standby_and_becomes_it():
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        before = stream.publisher
        live.cancel()
        await eventually(lambda: stream.publisher is not before)
        assert stream.standby.publisher is before
        await _goes_on(stream)
        assert _without_seam(stream)
        # It is heard again, and the stream does not go back.
        now = stream.publisher
        live = asyncio.create_task(_publish(first))
        await eventually(lambda: stream.standby.resume(stream.last_media_at).tags)
        await _goes_on(stream)
        assert (stream.publisher, origin.origin.streams.switches) == (now, 1)
        for task in (live, other):
            task.cancel()
        await first.close()
        await second.leave()
        await eventually(lambda: stream.playlist.ended)


async def test_stream_ends_once_both_have_said_that_they_leave():
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        live.cancel()
        await first.leave()
        await eventually(lambda: stream.standby is None)
        await _goes_on(stream)
        assert not stream.playlist.ended
        other.cancel()
        await second.leave()
        await eventually(lambda: stream.playlist.ended)


async def test_standby_that_leaves_is_not_missed():
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        before = stream.publisher
        other.cancel()
        await second.leave()
        await eventually(lambda: stream.standby is None)
        await _goes_on(stream)
        assert (stream.publisher, _without_seam(stream)) == (before, True)
        live.cancel()
        await first.leave()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("?key=k", "NetStream.Publish.Denied"),
        ("?key=k&standby=1", "NetStream.Publish.Denied"),
        ("?key=other&standby=1", "NetStream.Publish.Denied"),
        ("?key=other", "NetStream.Publish.Denied"),
        ("?key=k&standby=0", "NetStream.Publish.Denied"),
    ],
)
async def test_third_publisher_is_refused_whatever_it_says(parameters, code):
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        third = await Publisher.connect(origin.rtmp_port)
        assert (await third.publish("x" + parameters))["code"] == code
        await third.closed_by_origin()
        stream = origin.origin.streams.get("x")
        assert stream.standby is not None
        for task in (live, other):
            task.cancel()
        await first.leave()
        await second.leave()


async def test_standby_with_another_key_is_refused():
    async with running_origin(LIVE) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "x?key=k")
        thief = await Publisher.connect(origin.rtmp_port)
        assert (await thief.publish("x?key=other&standby=1"))["code"] == "NetStream.Publish.Denied"
        await thief.close()
        await first.leave()


async def test_lingering_connection_is_replaced_in_its_own_place_by_its_own_key():
    config = Config(open=True, slate=False, stale=timedelta(milliseconds=300))
    async with running_origin(config) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        lingering, shown = stream.publisher, stream.standby.publisher
        live.cancel()
        await eventually(lambda: stream.publisher is shown)
        lingering.last_received -= 60
        again = await Publisher.publishing(origin.rtmp_port, "x?key=k")
        await first.closed_by_origin()
        await eventually(lambda: stream.standby and stream.standby.publisher is not lingering)
        assert stream.publisher is shown
        other.cancel()
        await again.leave()
        await second.leave()


async def test_standby_alone_is_shown_as_any_publisher():
    async with running_origin(LIVE) as origin:
        only = await Publisher.publishing(origin.rtmp_port, "x?standby=1")
        live = asyncio.create_task(_publish(only))
        await eventually(lambda: (found := origin.origin.streams.get("x")) and found.playlist.ready)
        live.cancel()
        await only.leave()


async def test_standby_of_another_event_is_refused():
    async with running_origin(LIVE) as origin:
        first = await Publisher.publishing(origin.rtmp_port, "x?key=k")
        origin.origin.streams.get("x").event_id = 7
        second = await Publisher.connect(origin.rtmp_port)
        assert (await second.publish("x?key=k&standby=1"))["code"] == "NetStream.Publish.Denied"
        await second.close()
        await first.leave()


async def test_standby_that_can_not_be_packaged_is_cut_and_the_stream_goes_on(caplog):
    async with running_origin(LIVE) as origin:
        first, live, second, other = await _pair(origin)
        stream = origin.origin.streams.get("x")
        other.cancel()
        second.send(9, 0, b"\x12\1\0\0\0x")
        await second.closed_by_origin()
        await eventually(lambda: stream.standby is None)
        await _goes_on(stream)
        assert _without_seam(stream)
        live.cancel()
        await first.leave()
    assert "H.263 is not supported" in caplog.text


def test_silence_is_believed_well_before_a_slate_is_shown():
    assert timedelta(seconds=1) > SILENT
    assert Streams(LIVE).switches == 0
