"""Movie fragments: consecutive samples of each track (ISO/IEC 14496-12, 8.8)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from amphi.origin.fmp4.boxes import box, full_box
from amphi.origin.fmp4.init import AUDIO_TRACK, VIDEO_TRACK

# sample_depends_on and sample_is_non_sync_sample (8.8.3.1).
SYNC_SAMPLE = 0x02000000
OTHER_SAMPLE = 0x01010000
BASE_IS_MOOF = 0x020000
OFFSET_DURATION_SIZE_FLAGS_COMPOSITION = 0x000F01
BOX_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded frame, timed in its track's timescale.

    Attributes:
        dts: its decoding time.
        duration: from its decoding time to the next one's.
        composition: from its decoding time to its presentation time.
        key: whether decoding can start at it.
        data: its bytes.
    """

    dts: int
    duration: int
    composition: int
    key: bool
    data: bytes


def fragment(sequence: int, video: Sequence[Sample], audio: Sequence[Sample]) -> bytes:
    """``moof`` and ``mdat`` with these samples; a track without samples is left out.

    Args:
        sequence: the fragment's number, from 1.
        video: samples of the video track, in decoding order.
        audio: samples of the audio track.
    """
    runs = [(VIDEO_TRACK, video), (AUDIO_TRACK, audio)]
    runs = [(track, samples) for track, samples in runs if samples]
    media = [sample.data for _, samples in runs for sample in samples]
    header = _moof(sequence, runs, 0)
    header = _moof(sequence, runs, len(header) + BOX_HEADER_BYTES)
    size = BOX_HEADER_BYTES + sum(map(len, media))
    return b"".join([header, struct.pack(">I4s", size, b"mdat"), *media])


def _moof(sequence: int, runs: list[tuple[int, Sequence[Sample]]], offset: int) -> bytes:
    tracks = []
    for track, samples in runs:
        tracks.append(_track_fragment(track, samples, offset))
        offset += sum(len(sample.data) for sample in samples)
    return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", sequence)), *tracks)


def _track_fragment(track: int, samples: Sequence[Sample], offset: int) -> bytes:
    rows = b"".join(
        struct.pack(
            ">IIIi",
            sample.duration,
            len(sample.data),
            SYNC_SAMPLE if sample.key else OTHER_SAMPLE,
            sample.composition,
        )
        for sample in samples
    )
    return box(
        b"traf",
        full_box(b"tfhd", 0, BASE_IS_MOOF, struct.pack(">I", track)),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", samples[0].dts)),
        full_box(
            b"trun", 1, OFFSET_DURATION_SIZE_FLAGS_COMPOSITION, struct.pack(">Ii", len(samples), offset), rows
        ),
    )
