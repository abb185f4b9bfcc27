"""Raw pictures and raw sound of a browser."""

from dataclasses import dataclass

CHANNELS = 2
RATE = 48000
"""Of the sound, in samples per second."""
WIDTH, HEIGHT = 1280, 720
FRAME_BYTES = 2 * CHANNELS  # one sample of each channel, 16 bits each


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One picture, as I420.

    Attributes:
        pts_us: when to show it, in µs of a clock shared with the sound.
    """

    pts_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """Sound: stereo, signed 16 bits, little-endian, interleaved."""

    pts_us: int
    data: bytes


Packet = VideoPacket | AudioPacket
