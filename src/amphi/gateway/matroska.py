"""Writes a live Matroska stream (RFC 9559) for ffmpeg's input: one track of raw pictures and one of raw sound."""

import struct

from amphi.gateway.packets import CHANNELS

VIDEO_TRACK, AUDIO_TRACK = 1, 2
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_KEY_BLOCK = 0x80
_MAX_BLOCK_OFFSET_MS = 30_000  # a block's time is a signed 16-bit offset from its cluster's


def element(identifier: int, payload: bytes) -> bytes:
    """An EBML element (RFC 8794, section 3)."""
    return _identifier(identifier) + _size(len(payload)) + payload


def _identifier(identifier: int) -> bytes:
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def _size(length: int) -> bytes:
    for octets in range(1, 9):
        if length < (1 << (7 * octets)) - 1:
            return (length | 1 << (7 * octets)).to_bytes(octets, "big")
    raise ValueError("an element can't be that long")


def _unsigned(identifier: int, value: int) -> bytes:
    return element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def header(*, width: int, height: int, fps: int, rate: int) -> bytes:
    """The bytes before the first picture.

    Args:
        width: in pixels.
        height: in pixels.
        fps: of the pictures' clock; not each of its ticks has one.
        rate: of the sound, in samples per second.
    """
    ebml = element(_EBML, element(0x4282, b"matroska") + _unsigned(0x4287, 4) + _unsigned(0x4285, 2))
    information = element(
        0x1549A966, _unsigned(0x2AD7B1, 1_000_000) + element(0x4D80, b"amphi") + element(0x5741, b"amphi")
    )
    picture = element(0xE0, _unsigned(0xB0, width) + _unsigned(0xBA, height) + element(0x2EB524, b"I420"))
    video = element(
        0xAE,
        _unsigned(0xD7, VIDEO_TRACK)
        + _unsigned(0x73C5, VIDEO_TRACK)
        + _unsigned(0x83, 1)
        + _unsigned(0x23E383, 1_000_000_000 // fps)
        + element(0x86, b"V_UNCOMPRESSED")
        + picture,
    )
    sound = element(
        0xE1,
        element(0xB5, struct.pack(">d", rate)) + _unsigned(0x9F, CHANNELS) + _unsigned(0x6264, 16),
    )
    audio = element(
        0xAE,
        _unsigned(0xD7, AUDIO_TRACK)
        + _unsigned(0x73C5, AUDIO_TRACK)
        + _unsigned(0x83, 2)
        + element(0x86, b"A_PCM/INT/LIT")
        + sound,
    )
    return ebml + _identifier(_SEGMENT) + _UNKNOWN_SIZE + information + element(0x1654AE6B, video + audio)


class BlockWriter:
    """Writes the heads of blocks into clusters of unknown size; times are in ms from the start of the stream."""

    def __init__(self) -> None:
        self._cluster_ms: int | None = None

    def head(self, track: int, time_ms: int, length: int) -> bytes:
        """What comes before the data of one SimpleBlock; where its time is far from the last cluster's, also the start of a new one."""
        begun = b""
        if self._cluster_ms is None or abs(time_ms - self._cluster_ms) > _MAX_BLOCK_OFFSET_MS:
            self._cluster_ms = time_ms
            begun = _identifier(_CLUSTER) + _UNKNOWN_SIZE + _unsigned(0xE7, time_ms)
        place = struct.pack(">BhB", 0x80 | track, time_ms - self._cluster_ms, _KEY_BLOCK)
        return begun + _identifier(0xA3) + _size(len(place) + length) + place
