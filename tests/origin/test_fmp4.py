import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.origin.exceptions import MalformedMediaError, MediaError, UnsupportedCodecError
from amphi.origin.fmp4.boxes import box, full_box
from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.flv import VideoFrame, parse_audio, parse_video
from amphi.origin.fmp4.fragment import Sample, fragment
from amphi.origin.fmp4.init import init_segment
from amphi.origin.fmp4.nal import random_access
from tests.origin.running import AAC_CONFIG, AUDIO_HEADER, AVC_RECORD, VIDEO_HEADER

# x264, 1920x1080 interlaced, High: the picture size is cropped by fields.
INTERLACED = bytes.fromhex("014d4028ffe10019674d4028f403c0227ef011000003000100000300321f162ea001000468de0fc8")


def _boxes(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found[kind] = data[at + 8 : at + size]
        at += size
    assert at == len(data)
    return found


def test_boxes_as_literal_bytes():
    assert box(b"free", b"ab", b"c") == b"\x00\x00\x00\x0bfreeabc"
    assert full_box(b"tfdt", 1, 2, b"x") == b"\x00\x00\x00\x0dtfdt\x01\x00\x00\x02x"


@pytest.mark.parametrize(
    ("record", "codec", "size"),
    [(AVC_RECORD, "avc1.42c01e", (640, 360)), (INTERLACED, "avc1.4d4028", (1920, 1080))],
)
def test_an_h264_configuration(record, codec, size):
    found = AVCConfiguration.parse(record)
    assert (found.codec, (found.width, found.height)) == (codec, size)


@pytest.mark.parametrize(
    ("config", "codec", "rate", "channels"),
    [
        (AAC_CONFIG, "mp4a.40.2", 48000, 1),
        (b"\x12\x10", "mp4a.40.2", 44100, 2),
        (b"\x2b\x92\x08\x00", "mp4a.40.5", 22050, 2),
        (b"\x17\x80\x5d\xc0\x10", "mp4a.40.2", 47104 + 896, 2),
    ],
)
def test_an_aac_configuration(config, codec, rate, channels):
    found = AACConfiguration.parse(config)
    assert (found.codec, found.sample_rate, found.channels) == (codec, rate, channels)
    assert found.frame_samples == 1024


@given(st.binary(max_size=80))
def test_garbage_raises_nothing_but_the_medias_errors(raw):
    for parse in (AVCConfiguration.parse, AACConfiguration.parse, parse_audio, parse_video):
        for data in (
            raw,
            b"\x01\x64\x00\x1f\xff\xe1\x00\x20\x67\x64" + raw,
            b"\x17\0\0\0\0" + raw,
            b"\xaf\0" + raw,
        ):
            with contextlib.suppress(MediaError):
                parse(data)


def test_tags_are_told_apart():
    assert parse_video(VIDEO_HEADER) == AVCConfiguration.parse(AVC_RECORD)
    assert parse_video(b"\x27\x01\xff\xff\xd8data") == VideoFrame(-40, False, b"data")
    assert parse_video(b"\x17\x01\x00\x00\x50data") == VideoFrame(80, True, b"data")
    assert parse_video(b"\x17\x02\x00\x00\x00") is None
    assert parse_video(b"\x57\x00") is None
    assert parse_audio(AUDIO_HEADER) == AACConfiguration.parse(AAC_CONFIG)
    assert parse_audio(b"\xaf\x01data") == b"data"
    assert parse_audio(b"\xaf\x01") is None


@pytest.mark.parametrize(
    ("parse", "body", "named"),
    [
        (parse_video, b"\x22\x00", "Sorenson"),
        (parse_video, b"\x1c\x00", "H.265"),
        (parse_video, b"\x90hvc1", "HEVC"),
        (parse_audio, b"\x2f\x00", "MP3"),
        (parse_audio, b"\x90Opus", "Opus"),
        (parse_audio, b"\x95\x01mp4a\x01", "multitrack audio"),
        (parse_video, b"\x96\x11avc1\x00", "multitrack video"),
        (parse_audio, b"\xaf\x00\xb8\x00", "object type 23"),
    ],
)
def test_an_unsupported_codec_is_named(parse, body, named):
    with pytest.raises(UnsupportedCodecError, match=named):
        parse(body)


@pytest.mark.parametrize(
    ("parse", "body"),
    [
        (parse_video, b"\x17\0\0\0\0"),
        (parse_video, b"\x17\0\0\0\0\x01\x64\0"),
        (parse_video, b"\x17\0\0\0\0\x01\x64\0\x1f\xff\xe0\0\0"),
        (parse_video, b"\x17\0\0\0\0\x01\x64\0\x1f\xff\xe1\0\0\1\0\0"),
        (parse_video, b"\x17\x02"),
        (parse_audio, b"\xaf\0"),
        (parse_audio, b"\xaf\0\0\0"),
        (parse_audio, b"\xaf\0\x12"),
    ],
)
def test_a_configuration_that_says_nothing_is_passed_over(parse, body):
    assert parse(body) is None


SEI_RECOVERY, SEI_OTHER = b"\x06\x06\x01\xc4\x80", b"\x06\x05\x02ab\x80"


@pytest.mark.parametrize(
    ("units", "flagged", "key"),
    [
        ([b"\x65idr"], False, True),
        ([b"\x41p"], True, False),
        ([b"\x67sps", b"\x68pps", b"\x65idr"], False, True),
        ([SEI_RECOVERY, b"\x41i"], False, True),
        ([SEI_OTHER, b"\x41p"], True, False),
        ([b"\x06\x05\xff\x01" + bytes(256) + b"\x06\x01\xc4\x80", b"\x41i"], False, True),
        ([b"\x67sps", b"\x68pps"], True, False),
        ([b"\x09\x10", b"\x01b"], True, False),
        ([b"\x00what"], True, True),
        ([b"\x00what"], False, False),
    ],
)
@pytest.mark.parametrize("length_bytes", [1, 2, 4])
def test_a_picture_says_whether_decoding_can_start_at_it(units, flagged, key, length_bytes):
    if any(len(unit) >= 256**length_bytes for unit in units):
        units = [SEI_RECOVERY, b"\x41i"]
    data = b"".join(len(unit).to_bytes(length_bytes) + unit for unit in units)
    assert random_access(data, length_bytes, flagged=flagged) is key


@given(st.binary(max_size=60), st.sampled_from([1, 2, 3, 4]), st.booleans())
def test_any_bytes_may_be_a_picture(raw, length_bytes, flagged):
    assert random_access(raw, length_bytes, flagged=flagged) in {True, False}


def test_a_cut_off_tag_is_malformed():
    with pytest.raises(MalformedMediaError):
        parse_video(b"\x17\x01\x00")


def test_the_init_segment_describes_its_tracks():
    moov = _boxes(init_segment(AVCConfiguration.parse(AVC_RECORD), AACConfiguration.parse(AAC_CONFIG)))[
        b"moov"
    ]
    assert AVC_RECORD in moov
    assert AAC_CONFIG in moov
    assert moov.count(b"trak") == 2
    assert moov.count(b"trex") == 2
    sound = init_segment(None, AACConfiguration.parse(AAC_CONFIG))
    assert b"avc1" not in sound
    assert sound[:28] == b"\x00\x00\x00\x1cftypiso6\x00\x00\x00\x01iso6cmfcmp41"


def test_a_fragment_as_literal_bytes():
    video = [Sample(90000, 3600, 7200, True, b"key"), Sample(93600, 3600, -3600, False, b"b")]
    audio = [Sample(48000, 1024, 0, True, b"aac")]
    assert fragment(7, video, audio) == (
        b"\x00\x00\x00\xc8moof"
        b"\x00\x00\x00\x10mfhd\x00\x00\x00\x00\x00\x00\x00\x07"
        b"\x00\x00\x00\x60traf"
        b"\x00\x00\x00\x10tfhd\x00\x02\x00\x00\x00\x00\x00\x01"
        b"\x00\x00\x00\x14tfdt\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x5f\x90"
        b"\x00\x00\x00\x34trun\x01\x00\x0f\x01\x00\x00\x00\x02\x00\x00\x00\xd0"
        b"\x00\x00\x0e\x10\x00\x00\x00\x03\x02\x00\x00\x00\x00\x00\x1c\x20"
        b"\x00\x00\x0e\x10\x00\x00\x00\x01\x01\x01\x00\x00\xff\xff\xf1\xf0"
        b"\x00\x00\x00\x50traf"
        b"\x00\x00\x00\x10tfhd\x00\x02\x00\x00\x00\x00\x00\x02"
        b"\x00\x00\x00\x14tfdt\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xbb\x80"
        b"\x00\x00\x00\x24trun\x01\x00\x0f\x01\x00\x00\x00\x01\x00\x00\x00\xd4"
        b"\x00\x00\x04\x00\x00\x00\x00\x03\x02\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x0fmdatkeybaac"
    )


def test_a_track_without_samples_is_left_out():
    assert fragment(1, [], [Sample(0, 1024, 0, True, b"a")]).count(b"traf") == 1
