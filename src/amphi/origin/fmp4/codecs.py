"""The codec configurations in FLV's sequence headers."""

from dataclasses import dataclass
from functools import cached_property

from amphi.origin.exceptions import MalformedMediaError, UnsupportedCodecError

SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
EXPLICIT_RATE = 15
AAC_LC, SBR, ESCAPED_OBJECT_TYPE, PARAMETRIC_STEREO = 2, 5, 31, 29
LONG_FRAME_SAMPLES, SHORT_FRAME_SAMPLES = 1024, 960
# For one channel and for two: an element whose lowest band of frequencies is already past the last, and the end (its last three 1 bits).
SILENCE = {1: bytes.fromhex("00000007"), 2: bytes.fromhex("21000000001c")}

SEQUENCE_PARAMETER_SET = 7
# A generous limit: real configurations have some tens of bytes.
MAX_RECORD_BYTES = 16_384
MAX_PARSED_BYTES = 512
MAX_AAC_CONFIG_BYTES = 64
# The profiles whose parameter sets contain chroma format and scaling lists (ITU-T H.264, 7.3.2.1.1).
HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
CHROMA_FORMATS = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")
CHROMA_420, CHROMA_444 = 1, 3
BROWSERS_BITS = 8


class _Bits:
    """A reader of bits, most significant first, with H.264's Exp-Golomb codes."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data)
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise MalformedMediaError("a codec configuration is cut off")
        self._left -= count
        return self._number >> self._left & (1 << count) - 1

    def unsigned(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -code // 2


@dataclass(frozen=True)
class AVCConfiguration:
    """An AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).

    Attributes:
        record: its bytes, the content of the ``avcC`` box.
        width: the picture's width in pixels, cropped.
        height: the picture's height in pixels, cropped.
    """

    record: bytes
    width: int
    height: int

    @cached_property
    def codec(self) -> str:
        """Its name in ``CODECS`` (RFC 6381)."""
        return f"avc1.{self.record[1:4].hex()}"

    @property
    def length_bytes(self) -> int:
        """The size of the length field before each NAL unit, in bytes."""
        return (self.record[4] & 3) + 1

    @staticmethod
    def has_parameters(record: bytes) -> bool:
        """Whether a record contains a parameter set: cameras first send one without."""
        return len(record) >= 8 and not (record[0] == 1 and not (record[5] & 0x1F and any(record[6:8])))  # noqa: PLR2004 -- up to the first set's length

    @classmethod
    def parse(cls, record: bytes) -> "AVCConfiguration":
        """Read a record.

        Raises:
            MalformedMediaError: it contains no readable sequence parameter set.
            UnsupportedCodecError: few browsers show such pictures.
        """
        if not 8 <= len(record) <= MAX_RECORD_BYTES or record[0] != 1 or not record[5] & 0x1F:  # noqa: PLR2004 -- up to the first set's length
            raise MalformedMediaError("the H.264 configuration is malformed")
        parameter_set = record[8 : 8 + min(int.from_bytes(record[6:8]), MAX_PARSED_BYTES)]
        if not parameter_set or parameter_set[0] & 0x1F != SEQUENCE_PARAMETER_SET:
            raise MalformedMediaError("the H.264 configuration holds no sequence parameter set")
        width, height = _picture_size(parameter_set)
        if not (0 < width <= 0xFFFF and 0 < height <= 0xFFFF):  # noqa: PLR2004 -- 16 bits each in the boxes
            raise MalformedMediaError("the H.264 configuration gives no picture size")
        return cls(record, width, height)


def _picture_size(parameter_set: bytes) -> tuple[int, int]:
    """Width and height in a sequence parameter set (ITU-T H.264, 7.3.2.1.1).

    Raises:
        UnsupportedCodecError: its colours are not those that every browser and phone shows.
    """
    bits = _Bits(parameter_set.replace(b"\0\0\3", b"\0\0"))
    bits.take(8)
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()  # seq_parameter_set_id
    chroma = _skip_high_profile(bits) if profile in HIGH_PROFILES else 1
    bits.unsigned()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    bits.unsigned()  # max_num_ref_frames
    bits.take(1)  # gaps_in_frame_num_value_allowed_flag
    width = (bits.unsigned() + 1) * 16
    map_units = bits.unsigned() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)  # mb_adaptive_frame_field_flag
    height = map_units * 16 * (2 - frames_only)
    bits.take(1)  # direct_8x8_inference_flag
    if bits.take(1):
        horizontal = 2 if chroma in {1, 2} else 1
        vertical = (2 if chroma == 1 else 1) * (2 - frames_only)
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= (left + right) * horizontal
        height -= (top + bottom) * vertical
    return width, height


def _skip_high_profile(bits: _Bits) -> int:
    """Skip the fields of the high profiles; returns the chroma format.

    Raises:
        MalformedMediaError: there is no such chroma format.
        UnsupportedCodecError: more colour or more bits than phones and Firefox show. ffmpeg sends so what it films
            from a screen unless it is told otherwise, and a listener's picture stays black.
    """
    chroma = bits.unsigned()
    if chroma > CHROMA_444:
        raise MalformedMediaError("the H.264 configuration gives no colours")
    if chroma == CHROMA_444:
        bits.take(1)
    depth_bits = 8 + max(bits.unsigned(), bits.unsigned())  # bit_depth_luma_minus8, bit_depth_chroma_minus8
    if chroma > CHROMA_420 or depth_bits > BROWSERS_BITS:
        raise UnsupportedCodecError(
            f"H.264 with colours in {CHROMA_FORMATS[chroma]} and {depth_bits} bits is not supported;"
            " send 4:2:0 of 8 bits (OBS: Settings, Advanced, Color Format NV12; ffmpeg: -pix_fmt yuv420p)"
        )
    bits.take(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.take(1):
        for index in range(12 if chroma == CHROMA_444 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)  # noqa: PLR2004 -- six 4x4 lists come first
    return chroma


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    match bits.unsigned():
        case 0:
            bits.unsigned()
        case 1:
            bits.take(1)
            bits.signed()
            bits.signed()
            for _ in range(min(bits.unsigned(), 256)):
                bits.signed()


@dataclass(frozen=True)
class AACConfiguration:
    """An AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).

    Attributes:
        config: its bytes.
        object_type: 2 is AAC-LC, 5 HE-AAC, 29 HE-AAC v2.
        sample_rate: of the core coder, in Hz.
        channels: the number of channels.
        frame_samples: samples of the core coder in a frame.
    """

    config: bytes
    object_type: int
    sample_rate: int
    channels: int
    frame_samples: int

    @cached_property
    def codec(self) -> str:
        """Its name in ``CODECS`` (RFC 6381)."""
        return f"mp4a.40.{self.object_type}"

    @cached_property
    def silence(self) -> bytes | None:
        """A frame of silence (ISO/IEC 14496-3, 4.4.2.1): one element without a spectrum, and the end. None unless AAC-LC, mono or stereo."""
        return SILENCE.get(self.channels) if self.object_type == AAC_LC else None

    @staticmethod
    def has_object_type(config: bytes) -> bool:
        """Whether a configuration has an object type: encoders first send one without."""
        return len(config) > 1 and bool(config[0] >> 3)

    @classmethod
    def parse(cls, config: bytes) -> "AACConfiguration":
        """Read a configuration.

        Raises:
            MalformedMediaError: it is cut off, or has a reserved value.
            UnsupportedCodecError: it is not AAC-LC, HE-AAC or HE-AAC v2.
        """
        if len(config) > MAX_AAC_CONFIG_BYTES:
            raise MalformedMediaError("the AAC configuration is too long")
        bits = _Bits(config)
        object_type = bits.take(5)
        if object_type == ESCAPED_OBJECT_TYPE:
            object_type = 32 + bits.take(6)
        if object_type not in {AAC_LC, SBR, PARAMETRIC_STEREO}:
            raise UnsupportedCodecError(
                f"MPEG-4 audio object type {object_type} is not supported; send AAC-LC"
            )
        index = bits.take(4)
        if index != EXPLICIT_RATE and index >= len(SAMPLE_RATES):
            raise MalformedMediaError("the AAC configuration has a reserved sample rate")
        sample_rate = bits.take(24) if index == EXPLICIT_RATE else SAMPLE_RATES[index]
        channels = bits.take(4)
        if not SAMPLE_RATES[-1] <= sample_rate <= SAMPLE_RATES[0]:
            raise MalformedMediaError(f"the AAC configuration has a sample rate of {sample_rate} Hz")
        if object_type != AAC_LC:
            if bits.take(4) == EXPLICIT_RATE:  # extensionSamplingFrequencyIndex
                bits.take(24)
            bits.take(5)  # the core coder's object type
        frame_samples = SHORT_FRAME_SAMPLES if bits.take(1) else LONG_FRAME_SAMPLES
        # 0 means that a program config element has the number (two is assumed); 7 means eight channels.
        return cls(config, object_type, sample_rate, {0: 2, 7: 8}.get(channels, channels), frame_samples)
