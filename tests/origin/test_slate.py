"""A slate in place of a gap: how it is made, and how a stream goes over to it and back."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from amphi.origin.config import Config
from amphi.origin.conformance.fragments import parse_init
from amphi.origin.conformance.media import MediaCheck
from amphi.origin.conformance.playlists import parse_media
from amphi.origin.conformance.rules import media_faults
from amphi.origin.fmp4.flv import parse_audio, parse_video
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.render import media_playlist
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.slate_picture import Form, lines_of, make_slate
from tests.origin.running import EVEN_AUDIO_HEADER, Publisher, eventually, running_origin
from tests.origin.source import Source

FFMPEG = Path("/usr/bin/ffmpeg")
SLATED = Config(open=True, slate=True, grace=timedelta(seconds=20))


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("", []),
        ("Les quanta", ["Les quanta"]),
        ("Une histoire\nde\u202e la \x00 mécanique", ["Une histoire de la", "mécanique"]),
        (
            "un deux trois quatre cinq six sept huit neuf dix onze douze",
            ["un deux trois quatre", "cinq six sept huit …"],
        ),
        ("a" * 200, ["a" * 23]),
    ],
)
def test_title_in_two_lines_at_most(title, lines):
    assert lines_of(title, 320, 24) == lines


async def test_slate_fits_the_stream_and_no_word_of_its_title_is_a_command():
    form = Form(320, 180, 22_050, 1)
    slate = await make_slate(FFMPEG, "100 % : l'été', [x]; %{pts} \\ $(id)", form)
    avc, aac = parse_video(slate.video_header), parse_audio(slate.audio_header)
    assert (avc.width, avc.height, aac.sample_rate, aac.channels) == (320, 180, 22_050, 1)
    assert len(slate.pictures) == 25
    assert [parse_video(picture).key for picture in slate.pictures] == [True] + [False] * 24
    assert slate.sound_ms == pytest.approx(46.4, abs=0.1)


async def test_without_ffmpeg_there_is_no_slate(caplog):
    assert await make_slate(Path("/nonexistent"), "x", Form(320, 180, 0, 0)) is None
    assert await make_slate(Path("/bin/false"), "x", Form(320, 180, 0, 0)) is None
    assert caplog.text.count("no slate") == 2


@pytest.mark.parametrize("gone_ms", [400, 3000])
def test_media_goes_on_behind_what_was_added_meanwhile(gone_ms):
    source = Source()
    source.frames(60)
    source.segmenter.interrupt()
    before = source.segmenter.end_ticks
    other = Segmenter(source.playlist, Cutting(), start_ticks=before)
    source.segmenter.on_start = lambda: (other.flush(), source.segmenter.overtake(other.end_ticks))
    slate = Source()
    slate.playlist, slate.segmenter = source.playlist, other
    slate.begin()
    slate.now = source.now
    slate.frames(gone_ms // 40)
    # The publisher's own clock may have stood still, or gone on.
    source.now += timedelta(milliseconds=gone_ms)
    source.index = 0
    source.frames(60)
    found = parse_media(media_playlist(source.playlist).decode(), "http://x/")
    assert {fault.rule for fault in media_faults(found)} <= {"date-jump"}
    assert [segment.discontinuity for segment in found.listed].count(True) == 2
    assert other.end_ticks > before
    begun = MediaCheck()
    begun.tracks = parse_init(source.playlist.inits[0])
    for segment in source.playlist.listed():
        if segment.discontinuity:
            begun.forget()
        for part in segment.parts:
            list(begun.take("part", part.data, part.ticks / 90_000, independent=part.independent))
    assert min(begun.starts.values()) >= other.end_ticks / 90_000 - 0.001


async def _live(origin, name: str) -> tuple[Publisher, asyncio.Task[None]]:
    publisher = await Publisher.publishing(origin.rtmp_port, name)
    publisher.send(8, 0, EVEN_AUDIO_HEADER)
    return publisher, asyncio.create_task(publisher.live())


async def test_lost_publisher_leaves_a_slate_until_it_is_back():
    async with running_origin(SLATED) as origin:
        publisher, live = await _live(origin, "x")
        streams = origin.origin.streams
        await eventually(lambda: (found := streams.get("x")) and len(found.playlist.segments) > 1)
        stream = streams.get("x")
        live.cancel()
        publisher.writer.transport.abort()
        await eventually(lambda: stream.playlist.shows_slate)
        at = stream.playlist.next_part
        await eventually(lambda: stream.playlist.next_part > at + 5)
        text = stream.media_playlist().decode()
        assert "# amphi: slate" in text
        assert {fault.rule for fault in media_faults(parse_media(text, "http://x/"))} <= {"date-jump"}
        assert stream.statistics()["slate"] is True
        (size,) = {found.size for found in parse_init(stream.playlist.inits[1]).values() if any(found.size)}
        assert size == (640, 360)

        publisher, live = await _live(origin, "x")
        await eventually(lambda: not stream.playlist.shows_slate)
        at = stream.playlist.next_part
        await eventually(lambda: stream.playlist.next_part > at + 5)
        assert streams.get("x") is stream
        text = stream.media_playlist().decode()
        assert ("# amphi: slate" in text, text.count("#EXT-X-DISCONTINUITY\n")) == (False, 2)
        assert {fault.rule for fault in media_faults(parse_media(text, "http://x/"))} <= {"date-jump"}
        assert stream.playlist.segments[0].is_slate is False
        live.cancel()
        await publisher.leave()
        await eventually(lambda: stream.playlist.ended)


async def test_connected_publisher_that_falls_silent_leaves_a_slate_and_goes_on():
    async with running_origin(SLATED) as origin:
        publisher, live = await _live(origin, "x")
        streams = origin.origin.streams
        await eventually(lambda: (found := streams.get("x")) and len(found.playlist.segments) > 1)
        stream = streams.get("x")
        live.cancel()
        await eventually(lambda: stream.playlist.shows_slate)
        at = stream.playlist.next_part
        await eventually(lambda: stream.playlist.next_part > at + 3)
        publisher.next_frame = -(-publisher.next_frame // 25) * 25  # the next keyframe
        live = asyncio.create_task(publisher.live())
        await eventually(lambda: not stream.playlist.shows_slate)
        assert not stream.shows_slate
        live.cancel()
        publisher.writer.transport.abort()
        await eventually(lambda: stream.shows_slate)
        stream.end()
        assert (stream.shows_slate, stream.playlist.ended) == (False, True)
        await publisher.close()
