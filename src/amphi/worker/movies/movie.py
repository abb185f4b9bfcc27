"""Makes one MP4 file of recordings whose pictures or sound change: another size, profile or sample rate from some moment on.

The file says so in two ways, since neither is enough for all players. Each configuration has a sample entry of its own, as the format
provides: ffmpeg follows it, and Chromium 156 fails at the first picture after it. For browsers each keyframe is preceded by its parameter sets,
as in a stream without a container (ISO/IEC 14496-15, 5.2). Sound has nothing alike: a browser decodes all of it with the first configuration.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from amphi.system.recordings import TICKS_PER_S, Chunk
from amphi.worker.movies import fragments
from amphi.worker.movies.exceptions import MovieError
from amphi.worker.movies.fragments import AUDIO, VIDEO, Description, Sample
from amphi.worker.movies.tables import TrackTables, box, movie_box

BRANDS = box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6", b"mp41")
LARGE_BOX_HEADER_BYTES = 16


def is_uniform(folder: Path, chunks: Sequence[Chunk]) -> bool:
    """Whether all of it has one configuration.

    Args:
        folder: the folder of the recordings.
        chunks: what is looked at.

    Raises:
        OSError: a file can't be read.
    """
    names = {(one.recording, one.init) for one in chunks}
    return len({folder.joinpath(*name).read_bytes() for name in names}) <= 1


def write(folder: Path, chunks: Sequence[Chunk], path: Path) -> None:
    """Write the file.

    Args:
        folder: the folder of the recordings.
        chunks: what is in it, in their order; at least one.
        path: where to write it.

    Raises:
        MovieError: what was recorded can't be read.
        OSError: a file can't be read or written.
    """
    movie = _Movie(folder, chunks)
    tables: dict[bytes, TrackTables] = {}
    size = LARGE_BOX_HEADER_BYTES + sum(map(len, movie.lay_out(tables)))
    if not tables:
        raise MovieError("nothing was recorded")
    # The tables come first, so that players start before they have all of it; their size does not depend on places.
    media_at = len(BRANDS) + len(movie_box(tables.values(), 0)) + LARGE_BOX_HEADER_BYTES
    with path.open("wb") as file:
        file.write(BRANDS + movie_box(tables.values(), media_at))
        file.write(struct.pack(">I4sQ", 1, b"mdat", size))
        for data in movie.lay_out({}):
            file.write(data)
        if file.tell() != media_at - LARGE_BOX_HEADER_BYTES + size:
            raise MovieError("the recordings changed meanwhile")


class _Movie:
    """What becomes one file, read twice: for its tables and for its media."""

    def __init__(self, folder: Path, chunks: Sequence[Chunk]) -> None:
        self._folder = folder
        self._chunks = chunks
        names = {(one.recording, one.init) for one in chunks}
        self._tracks = {name: fragments.descriptions(folder.joinpath(*name).read_bytes()) for name in names}
        pictures = [
            one.entry for tracks in self._tracks.values() for one in tracks.values() if one.kind == VIDEO
        ]
        self._repeats_parameters = len(set(pictures)) > 1

    def lay_out(self, tables: dict[bytes, TrackTables]) -> Iterator[bytes]:
        """The media, piece by piece, while `tables` are filled, by the kinds of their tracks."""
        place = position = shift = 0
        before: Chunk | None = None
        for chunk in self._chunks:
            tracks = self._tracks[chunk.recording, chunk.init]
            with (self._folder / chunk.recording / chunk.name).open("rb") as file:
                runs = [
                    (tracks[number], samples)
                    for number, samples in fragments.samples(file.read(chunk.size_bytes))
                ]
            if before is None or chunk.is_gap or chunk.recording != before.recording:
                # As in the playlist: gaps are left out.
                shift = position - _begins_at(runs)
            for description, samples in runs:
                track = tables.setdefault(description.kind, TrackTables(description))
                data = self._add(track, description, samples, shift, place)
                place += len(data)
                yield data
            position += chunk.ticks
            before = chunk

    def _add(
        self, track: TrackTables, description: Description, samples: list[Sample], shift: int, place: int
    ) -> bytes:
        """Add a track's samples, which are `shift` 90,000ths of a second later in the movie; returns their bytes."""
        later = track.ticks(shift, TICKS_PER_S)
        pieces = []
        for sample in samples:
            dts = track.ticks(sample.dts, description.timescale) + later
            duration = track.ticks(sample.duration, description.timescale)
            if description.kind == AUDIO and dts < track.end - duration // 2:
                # Sound of two publishers at once, or of before the first picture.
                continue
            data = sample.data
            if self._repeats_parameters and sample.is_key:
                data = description.parameters + data
            composition = track.ticks(sample.composition, description.timescale)
            track.add(
                max(dts, track.last + 1), duration, composition, is_key=sample.is_key, size_bytes=len(data)
            )
            pieces.append(data)
        if pieces:
            track.add_run(description.entry, place, len(pieces))
        return b"".join(pieces)


def _begins_at(runs: Sequence[tuple[Description, list[Sample]]]) -> int:
    """When the first picture is decoded, or the first sound where there are no pictures, in 90,000ths of a second."""
    first = {description.kind: (samples[0].dts, description) for description, samples in reversed(runs)}
    if not first:
        return 0
    dts, description = first.get(VIDEO) or first[AUDIO]
    return dts * TICKS_PER_S // description.timescale
