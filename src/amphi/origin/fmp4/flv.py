"""The bodies of FLV's audio and video tags, which RTMP carries ("Video File Format", 10.1, annex E.4)."""

from dataclasses import dataclass

from amphi.origin.exceptions import MalformedMediaError, UnsupportedCodecError
from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration
from amphi.origin.fmp4.nal import random_access

AVC = 7
AAC = 10
KEYFRAME = 1
COMMAND_FRAME = 5
SEQUENCE_HEADER, CODED = 0, 1
ENHANCED = 0x80
ENHANCED_AUDIO = 9
MULTITRACK_AUDIO, MULTITRACK_VIDEO = 5, 6
VIDEO_CODECS = {
    2: "Sorenson H.263",
    3: "Screen video",
    4: "VP6",
    5: "VP6 with alpha",
    6: "Screen video 2",
    12: "H.265 (HEVC)",
    13: "AV1",
}
# The four letters of enhanced RTMP.
FOUR_LETTERS = {
    b"hvc1": "H.265 (HEVC)",
    b"av01": "AV1",
    b"vp08": "VP8",
    b"vp09": "VP9",
    b"avc1": "H.264",
    b"vvc1": "H.266 (VVC)",
    b"Opus": "Opus",
    b"fLaC": "FLAC",
    b"ac-3": "AC-3",
    b"ec-3": "E-AC-3",
    b".mp3": "MP3",
    b"mp4a": "AAC",
}
AUDIO_CODECS = {0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser"} | {
    7: "G.711 A-law", 8: "G.711 mu-law", 11: "Speex", 13: "Opus", 14: "MP3", 15: "a device's own"
}  # fmt: skip
SEND_H264 = "send H.264 (OBS: Settings, Output, Video Encoder x264)"
VIDEO_HEADER_BYTES = 5
AUDIO_HEADER_BYTES = 2
LENGTH_BYTES = 4
MAX_AUDIO_FRAME_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One coded picture.

    Attributes:
        composition_ms: how long after decoding it is shown.
        key: whether decoding can start at it.
        data: its NAL units, each preceded by its length.
    """

    composition_ms: int
    key: bool
    data: bytes


def parse_video(body: bytes, length_bytes: int = LENGTH_BYTES) -> AVCConfiguration | VideoFrame | None:
    """Parse the body of a video tag; None for one without pictures.

    Args:
        body: the tag's body.
        length_bytes: the size of the length field before each NAL unit, by the configuration.

    Raises:
        UnsupportedCodecError: the codec is not H.264 in its classic form.
        MalformedMediaError: the body is cut off, or the configuration unreadable.
    """
    if not body:
        return None
    if body[0] & ENHANCED:
        raise UnsupportedCodecError(
            f"{_enhanced(body, MULTITRACK_VIDEO, 'video')} is not supported; {SEND_H264}"
        )
    codec, frame_type = body[0] & 0x0F, body[0] >> 4
    if codec != AVC:
        raise UnsupportedCodecError(
            f"{VIDEO_CODECS.get(codec, f'video codec {codec}')} is not supported; {SEND_H264}"
        )
    if frame_type == COMMAND_FRAME or body[1:2] not in {b"\0", b"\1"}:
        return None
    if len(body) < VIDEO_HEADER_BYTES:
        raise MalformedMediaError("a video tag is cut off")
    data = body[VIDEO_HEADER_BYTES:]
    if body[1] == SEQUENCE_HEADER:
        return AVCConfiguration.parse(data) if AVCConfiguration.has_parameters(data) else None
    if not data:
        return None
    key = random_access(data, length_bytes, flagged=frame_type == KEYFRAME)
    return VideoFrame(int.from_bytes(body[2:5], signed=True), key, data)


def parse_audio(body: bytes) -> AACConfiguration | bytes | None:
    """Parse the body of an audio tag: a configuration or one frame; None for one without sound.

    Raises:
        UnsupportedCodecError: the codec is not AAC.
        MalformedMediaError: the configuration is unreadable.
    """
    if not body:
        return None
    codec = body[0] >> 4
    if codec == ENHANCED_AUDIO:
        raise UnsupportedCodecError(
            f"{_enhanced(body, MULTITRACK_AUDIO, 'audio')} is not supported; send AAC"
        )
    if codec != AAC:
        raise UnsupportedCodecError(
            f"{AUDIO_CODECS.get(codec, f'audio codec {codec}')} is not supported; send AAC"
        )
    data = body[AUDIO_HEADER_BYTES:]
    if not data:
        return None
    if body[1] == SEQUENCE_HEADER:
        return AACConfiguration.parse(data) if AACConfiguration.has_object_type(data) else None
    if len(data) > MAX_AUDIO_FRAME_BYTES:
        raise MalformedMediaError(f"an AAC frame of {len(data)} bytes")
    return data


def _enhanced(body: bytes, multitrack: int, kind: str) -> str:
    """The codec's name in a tag of enhanced RTMP ("Enhancing RTMP, FLV", v2), for the error message."""
    if body[0] & 0x0F == multitrack:
        return f"multitrack {kind} (enhanced RTMP)"
    letters = body[1:5]
    codec = FOUR_LETTERS.get(letters, letters.decode("ascii", "replace"))
    return f"{codec} by enhanced RTMP"
