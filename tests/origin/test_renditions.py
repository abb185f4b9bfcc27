"""Smaller pictures: the playlist follows the publisher's, whatever the encoder does."""

import asyncio
import struct

import pytest

from amphi.origin.config import Config
from amphi.origin.conformance.fragments import VIDEO, parse_fragments, parse_init
from amphi.origin.conformance.media import MediaCheck
from amphi.origin.conformance.playlists import parse_media
from amphi.origin.conformance.rules import media_faults
from amphi.origin.fmp4.codecs import AVCConfiguration
from amphi.origin.fmp4.flv import VideoFrame, parse_audio
from amphi.origin.fmp4.flv_file import PICTURES_ONLY, Tag, TagReader, write_tag
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.renditions.encoder import Form, Output
from amphi.origin.renditions.rendition import LATE_S, Rendition
from amphi.origin.renditions.renditions import UNWANTED_AFTER_S, Encoders
from tests.origin.running import (
    AUDIO_HEADER,
    AVC_RECORD,
    EVEN_AUDIO_HEADER,
    Publisher,
    eventually,
    http_client,
    ready,
    running_origin,
)
from tests.origin.source import Source

AVC = AVCConfiguration.parse(AVC_RECORD)
SMALL = AVCConfiguration.parse(AVC_RECORD[:-1] + b"\xc9")


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((1280, 720), (640, 360)),
        ((1024, 768), (480, 360)),
        ((720, 1280), (202, 360)),
        ((854, 480), (640, 360)),
        ((500, 301), (498, 300)),
    ],
)
def test_size_of_a_smaller_picture(size, made):
    assert Form(360, 500_000, 25).size(AVCConfiguration(AVC_RECORD, *size)) == made


def test_tags_of_a_file_in_any_pieces():
    tags = [Tag(9, 0, b"header"), Tag(9, 90_000_040, b"picture"), Tag(8, 0xFFFFFFFF, b"")]
    data = PICTURES_ONLY + b"".join(map(write_tag, tags))
    for size in (1, 7, len(data)):
        reader = TagReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [tag for piece in pieces for tag in reader.feed(piece)] == tags


def test_as_many_streams_have_an_encoder_as_the_machine_may_run(tmp_path):
    encoders = Encoders(tmp_path, 1)
    assert (encoders.reserve("a"), encoders.reserve("a"), encoders.reserve("b")) == (True, True, False)
    encoders.release("a")
    assert encoders.reserve("b")


def media_faults_of(playlist: MediaPlaylist) -> list[str]:
    """What is wrong in the parts themselves: holes, or pictures that can't be decoded."""
    check, found = MediaCheck(), []
    for segment in playlist.listed():
        check.tracks = parse_init(playlist.inits[segment.init])
        for part in segment.parts:
            taken = check.take("part", part.data, part.ticks / 90_000, independent=part.independent)
            found += [fault.sentence for fault in taken]
    return found


def seconds_of_pictures(playlist: MediaPlaylist) -> float:
    """For how long there are pictures in the parts."""
    found = 0.0
    for segment in playlist.listed():
        tracks = parse_init(playlist.inits[segment.init])
        for part in segment.parts:
            runs = parse_fragments(part.data, tracks)
            pictures = [(run, tracks[track]) for track, run in runs.items() if tracks[track].kind == VIDEO]
            found += sum((run.end - run.start) / track.timescale for run, track in pictures)
    return found


class Followed:
    """A publisher, and a rendition whose encoder is the test."""

    def __init__(self) -> None:
        self.source = Source()
        self.source.frames(40)
        self.late = 0
        self.waiting: list[tuple[int, VideoFrame]] = []
        playlist = self.source.playlist
        self.rendition = Rendition(
            playlist, Form(360, 500_000, 25), others=lambda: [("main", playlist)], on_late=self._be_late
        )
        segmenter = self.source.segmenter
        aac = parse_audio(AUDIO_HEADER)
        segmenter.on_part = lambda segment, part, piece: self.rendition.take_part(segment, part, piece, aac)
        segmenter.on_segment = self.rendition.end_segment
        self.begin_encoder()

    def _be_late(self) -> None:
        self.late += 1

    def begin_encoder(self) -> None:
        self.output = Output(self.rendition.take_picture)
        self.output.avc = SMALL
        self.rendition.use(self.output)

    def frames(
        self,
        count: int,
        *,
        lost: tuple[int, ...] = (),
        encoded: bool = True,
        behind: int = 0,
        gop: int = 25,
    ) -> None:
        for _ in range(count):
            number, at_ms = self.source.index, self.source.at_ms
            self.source.frames(1, gop=gop)
            if encoded and number not in lost:
                picture = VideoFrame(0, number % gop == 0, struct.pack(">II", 4, number))
                self.waiting.append((at_ms, picture))
            while len(self.waiting) > behind:
                self.output.newest_ms = self.waiting[0][0]
                self.rendition.take_picture(*self.waiting.pop(0))

    def ways(self) -> list[str]:
        """Of each listed segment: is it the publisher's own, or encoded."""
        found = []
        for own, other in zip(self.rendition.playlist.listed(), self.source.playlist.listed(), strict=False):
            assert (own.number, own.started_at, own.discontinuity) == (
                other.number,
                other.started_at,
                other.discontinuity,
            )
            for part, its in zip(own.parts, other.parts, strict=False):
                assert (part.number, part.ticks, part.independent) == (its.number, its.ticks, its.independent)
            init = self.rendition.playlist.inits[own.init]
            found.append("copy" if init == self.source.playlist.inits[other.init] else "encoded")
        return found

    def faults(self) -> set[str]:
        text = self.rendition.media_playlist().decode()
        return {fault.rule for fault in media_faults(parse_media(text, "http://x/"))}


def test_segments_are_encoded_from_the_next_keyframe_on():
    followed = Followed()
    followed.frames(85)
    assert followed.ways() == ["copy", "copy", "encoded", "encoded", "encoded"]
    own = followed.rendition.playlist
    assert own.next_part == followed.source.playlist.next_part
    assert followed.faults() == {"discontinuity-missing"}
    assert own.segments[2].size_bytes < followed.source.playlist.segments[2].size_bytes
    assert followed.rendition.rate.average_bits_per_s > 0
    assert 'RENDITION-REPORT:URI="main.m3u8",LAST-MSN=104' in followed.rendition.media_playlist().decode()


def test_encoder_that_is_some_pictures_behind_loses_none():
    followed = Followed()
    followed.frames(110, behind=8)
    followed.frames(20)
    assert followed.ways()[-4:] == ["encoded"] * 4
    assert media_faults_of(followed.rendition.playlist) == media_faults_of(followed.source.playlist)


def test_encoder_that_ends_leaves_the_rest_of_its_segment_standing_still():
    followed = Followed()
    followed.frames(70)
    followed.rendition.use(None)
    followed.frames(60, encoded=False)
    assert followed.ways() == ["copy", "copy", "encoded", "encoded", "encoded", "copy", "copy"]
    assert followed.rendition.playlist.next_part == followed.source.playlist.next_part
    # Its sound has holes, as the test's publisher has; its picture has none.
    assert media_faults_of(followed.rendition.playlist) == media_faults_of(followed.source.playlist)
    followed.begin_encoder()
    followed.frames(60)
    assert followed.ways()[-2:] == ["encoded", "encoded"]


def test_encoder_that_is_late_is_reported_and_nothing_is_listed_without_its_pictures():
    followed = Followed()
    followed.frames(60)
    before = followed.rendition.playlist.next_part
    followed.frames(10, encoded=False)
    # Only what was encoded before.
    assert (followed.rendition.playlist.next_part - before, followed.late) == (1, 0)
    for due in followed.rendition._due:
        due.since -= LATE_S
    followed.frames(10, encoded=False)
    assert followed.late > 0
    followed.rendition.use(None)
    assert followed.rendition.playlist.next_part == followed.source.playlist.next_part


def test_lost_picture_shifts_the_others_until_the_next_keyframe():
    followed = Followed()
    followed.frames(110, lost=(60,))
    assert followed.ways()[-4:] == ["encoded"] * 4
    assert followed.late == 0
    own, its = list(followed.rendition.playlist.segments), list(followed.source.playlist.segments)
    pictures = {segment.number: sum(part.data.count(b"trun") for part in segment.parts) for segment in own}
    assert all(pictures.values())
    assert own[-1].duration_s == its[-1].duration_s


@pytest.mark.parametrize(("lost", "missing"), [((), 0), ((66,), 1)])
def test_keyframes_within_a_segment_have_their_places(lost, missing):
    # As where another publisher follows, or with an encoder that makes many.
    followed = Followed()
    followed.frames(110, gop=10, lost=lost)
    assert followed.ways()[-3:] == ["encoded"] * 3
    assert followed.late == 0
    own, its = followed.rendition.playlist, followed.source.playlist
    assert seconds_of_pictures(own) == pytest.approx(seconds_of_pictures(its) - missing * 0.04)
    if not lost:
        assert media_faults_of(own) == media_faults_of(its)


def test_end_of_the_stream_ends_it():
    followed = Followed()
    followed.frames(60)
    followed.source.segmenter.flush()
    followed.rendition.end()
    assert followed.rendition.media_playlist().endswith(b"#EXT-X-ENDLIST\n")
    assert followed.ways()[-1] == "encoded"


async def test_without_the_setting_there_are_none():
    async with running_origin(Config(open=True)) as origin, http_client(origin) as client:
        publisher = await Publisher.publishing(origin.rtmp_port, "x")
        await publisher.frames(31)
        await ready(client, "/hls/x.m3u8")
        assert (await client.get("/hls/x/360p.m3u8")).status_code == 404
        assert "360p" not in (await client.get("/hls/x.m3u8")).text
        await publisher.close()


async def test_no_encoder_can_be_started_and_the_publishers_own_is_there(tmp_path):
    config = Config(open=True, encoders=1, ffmpeg=tmp_path / "none", slate=False)
    async with running_origin(config) as origin, http_client(origin) as client:
        publisher = await Publisher.publishing(origin.rtmp_port, "x")
        publisher.send(8, 0, EVEN_AUDIO_HEADER)
        publisher.send(9, 0, b"\x17\0\0\0\0" + _record_of_720p())
        live = asyncio.create_task(publisher.live())
        await ready(client, "/hls/x.m3u8")
        text = (await client.get("/hls/x.m3u8")).text
        assert [line for line in text.splitlines() if line.endswith("p.m3u8")] == [
            "x/480p.m3u8",
            "x/360p.m3u8",
        ]
        assert "BANDWIDTH=" in text
        assert (await client.get("/hls/x/480p.m3u8")).status_code == 200
        stream = origin.origin.streams.get("x")
        await eventually(lambda: len(stream.renditions._failures) == 3)
        at = stream.playlist.next_part
        await eventually(lambda: stream.renditions.want("480p").playlist.next_part > at + 3)
        # Nobody has asked for long: another stream may have its place.
        stream.renditions._wanted_at -= UNWANTED_AFTER_S
        encoders = origin.origin.streams._encoders
        await eventually(lambda: encoders.has_room)
        assert (await client.get("/hls/x/480p.m3u8")).status_code == 200
        assert not encoders.has_room
        live.cancel()
        await publisher.leave()
        await eventually(lambda: encoders.has_room)


def _record_of_720p() -> bytes:
    return bytes.fromhex(
        "014d401fffe1001a674d401fe8802802dd80b501010140000003004000000c83c60c448001000468ef3c80"
    )
