"""Encoded pictures and raw sound from the recorder page."""

import struct
from dataclasses import dataclass

from amphi.gateway.exceptions import CaptureFailedError

CHANNELS = 2
WIDTH, HEIGHT = 1280, 720
FRAME_BYTES = 2 * CHANNELS  # one sample of each channel, 16 bits each

_HEADER = struct.Struct("<BBxxxxxxd")  # kind, flags, six bytes of padding, time in µs
_RATE = struct.Struct("<I")
_CONFIGURATION, _VIDEO, _AUDIO, _SOUND = 1, 2, 3, 4
_KEY = 1


@dataclass(frozen=True, slots=True)
class DecoderConfiguration:
    """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) for the pictures that follow."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SoundConfiguration:
    """The rate of the sound that follows, in samples per second. The browser chooses it; no constraint changes it."""

    rate: int


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One H.264 picture, its NAL units prefixed by their length.

    Attributes:
        pts_us: when to show it, in µs of a clock shared with the sound.
    """

    pts_us: int
    is_key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """Sound: stereo, signed 16 bits, little-endian, interleaved."""

    pts_us: int
    data: bytes


Packet = DecoderConfiguration | SoundConfiguration | VideoPacket | AudioPacket


def parse_packet(message: bytes) -> Packet:
    """Read one message of the recorder page.

    Raises:
        CaptureFailedError: the message is malformed.
    """
    if len(message) < _HEADER.size:
        raise CaptureFailedError("the recorder page sent a short message")
    kind, flags, time_us = _HEADER.unpack_from(message)
    data = message[_HEADER.size :]
    if kind == _CONFIGURATION:
        return DecoderConfiguration(data)
    if kind == _SOUND and len(data) == _RATE.size:
        return SoundConfiguration(*_RATE.unpack(data))
    if kind == _VIDEO:
        return VideoPacket(round(time_us), bool(flags & _KEY), data)
    if kind == _AUDIO and len(data) % FRAME_BYTES == 0:
        return AudioPacket(round(time_us), data)
    raise CaptureFailedError("the recorder page sent a message of an unknown kind")
