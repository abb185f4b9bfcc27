"""The pure parts between the recorder page and ffmpeg."""

import struct

import pytest

from amphi.gateway.audio_timeline import LATENESS_US, AudioTimeline
from amphi.gateway.exceptions import CaptureFailedError
from amphi.gateway.matroska import BlockWriter, element, header
from amphi.gateway.packets import (
    AudioPacket,
    DecoderConfiguration,
    SoundConfiguration,
    VideoPacket,
    parse_packet,
)
from amphi.gateway.sink import StreamWriter

RATE = 48000
TWENTY_MS = b"\x01\x00\x01\x00" * 960


def message(kind, flags, time_us, data):
    return struct.pack("<BBxxxxxxd", kind, flags, time_us) + data


@pytest.mark.parametrize(
    ("raw", "packet"),
    [
        (message(1, 0, 0, b"avcC"), DecoderConfiguration(b"avcC")),
        (message(2, 1, 40000.4, b"key"), VideoPacket(40000, True, b"key")),
        (message(2, 0, 80000, b"delta"), VideoPacket(80000, False, b"delta")),
        (message(3, 0, 5, b"\0\0\0\0"), AudioPacket(5, b"\0\0\0\0")),
        (message(4, 0, 0, b"\x44\xac\0\0"), SoundConfiguration(44100)),
    ],
)
def test_packet(raw, packet):
    assert parse_packet(raw) == packet


@pytest.mark.parametrize(
    "raw", [b"", b"\x02", message(9, 0, 0, b""), message(3, 0, 0, b"odd"), message(4, 0, 0, b"")]
)
def test_packet_that_the_page_does_not_send(raw):
    with pytest.raises(CaptureFailedError):
        parse_packet(raw)


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


def test_cluster_begins_at_a_keyframe_and_times_count_from_it():
    writer = BlockWriter()
    assert writer.block(1, 1000, b"K", is_key=True) == (
        b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x82\x03\xe8" + b"\xa3\x85\x81\x00\x00\x80K"
    )
    assert writer.block(2, 980, b"A", is_key=True) == b"\xa3\x85\x82\xff\xec\x80A"
    assert writer.block(1, 1040, b"D", is_key=False) == b"\xa3\x85\x81\x00\x28\x00D"


def test_stream_begins_with_the_header_at_the_first_keyframe():
    stream = StreamWriter(b"avcC", rate=44100)
    assert stream.audio(AudioPacket(0, TWENTY_MS)) == b""
    assert stream.video(VideoPacket(40_000, False, b"delta")) == b""
    begun = stream.video(VideoPacket(80_000, True, b"key"))
    assert begun.startswith(header(b"avcC", width=1280, height=720, rate=44100))
    assert begun.endswith(b"\xa3\x87\x81\x00\x00\x80key")
