"""The initialization segment: describes the tracks and contains no samples (ISO/IEC 14496-12, 8)."""

import struct

from amphi.origin.fmp4.boxes import box, descriptor, full_box
from amphi.origin.fmp4.codecs import AACConfiguration, AVCConfiguration

VIDEO_TRACK, AUDIO_TRACK = 1, 2
VIDEO_TIMESCALE = 90_000
MOVIE_TIMESCALE = 1000
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED_LANGUAGE = 0x55C4
ENABLED_IN_MOVIE = 3
SELF_CONTAINED = 1
RESOLUTION_72_DPI = 0x00480000


def init_segment(video: AVCConfiguration | None, audio: AACConfiguration | None) -> bytes:
    """``ftyp`` and ``moov`` for these tracks; video is track 1, audio track 2.

    Args:
        video: the video track, if any; its timescale is 90 kHz.
        audio: the audio track, if any; its timescale is its sample rate.
    """
    tracks = []
    extends = []
    if video is not None:
        tracks.append(_video_track(video))
        extends.append(VIDEO_TRACK)
    if audio is not None:
        tracks.append(_audio_track(audio))
        extends.append(AUDIO_TRACK)
    mvex = box(
        b"mvex", *(full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, 0)) for track in extends)
    )
    movie = full_box(
        b"mvhd", 0, 0,
        struct.pack(">4IIH10x", 0, 0, MOVIE_TIMESCALE, 0, 0x10000, 0x0100), MATRIX, bytes(24), struct.pack(">I", 3),
    )  # fmt: skip
    brands = box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6", b"cmfc", b"mp41")
    return brands + box(b"moov", movie, *tracks, mvex)


def _track(
    track_id: int,
    timescale: int,
    *,
    handler: bytes,
    header: bytes,
    entry: bytes,
    size: tuple[int, int] = (0, 0),
) -> bytes:
    volume = 0x0100 if handler == b"soun" else 0
    width, height = size
    tkhd = full_box(
        b"tkhd", 0, ENABLED_IN_MOVIE,
        struct.pack(">5I8xHHHH", 0, 0, track_id, 0, 0, 0, 0, volume, 0), MATRIX,
        struct.pack(">II", width << 16, height << 16),
    )  # fmt: skip
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, timescale, 0, UNDETERMINED_LANGUAGE, 0))
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, handler), b"amphi\0")
    references = full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, SELF_CONTAINED))
    empty_tables = (
        full_box(b"stts", 0, 0, bytes(4))
        + full_box(b"stsc", 0, 0, bytes(4))
        + full_box(b"stsz", 0, 0, bytes(8))
        + full_box(b"stco", 0, 0, bytes(4))
    )
    stbl = box(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry), empty_tables)
    minf = box(b"minf", header, box(b"dinf", references), stbl)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))


def _video_track(video: AVCConfiguration) -> bytes:
    entry = box(
        b"avc1",
        struct.pack(">6xH16xHHIIIH32xHh", 1, video.width, video.height, RESOLUTION_72_DPI, RESOLUTION_72_DPI, 0, 1, 24, -1),
        box(b"avcC", video.record),
    )  # fmt: skip
    header = full_box(b"vmhd", 0, 1, bytes(8))
    return _track(
        VIDEO_TRACK,
        VIDEO_TIMESCALE,
        handler=b"vide",
        header=header,
        entry=entry,
        size=(video.width, video.height),
    )


def _audio_track(audio: AACConfiguration) -> bytes:
    # ISO/IEC 14496-1, 7.2.6: MPEG-4 audio (0x40) as an audio stream, with its configuration.
    decoder = descriptor(
        0x04, bytes([0x40, 0x15]), bytes(3), struct.pack(">II", 0, 0), descriptor(0x05, audio.config)
    )  # fmt: skip
    esds = full_box(b"esds", 0, 0, descriptor(0x03, b"\0\0\0", decoder, descriptor(0x06, b"\2")))
    rate = audio.sample_rate << 16 if audio.sample_rate <= 0xFFFF else 0  # noqa: PLR2004 -- a 16.16 number
    entry = box(b"mp4a", struct.pack(">6xH8xHHHHI", 1, audio.channels, 16, 0, 0, rate), esds)
    header = full_box(b"smhd", 0, 0, bytes(4))
    return _track(AUDIO_TRACK, audio.sample_rate, handler=b"soun", header=header, entry=entry)
