"""Holds the media itself to what the playlist says of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from amphi.origin.conformance.findings import Fault
from amphi.origin.conformance.fragments import (
    AUDIO,
    VIDEO,
    MediaFormatError,
    Run,
    Track,
    check_transport_stream,
    parse_fragments,
    parse_init,
)
from amphi.origin.conformance.playlists import Segment, Variant

# Larger steps are heard or seen.
LARGEST_STEP_S = 0.05
# How much the playlist's time may be from the media's over the whole watch.
LARGEST_DRIFT_S = 0.3
# RFC 6381's names of the sample entries.
SAME_FAMILY = {"avc3": "avc1", "hev1": "hvc1"}


@dataclass(slots=True)
class MediaCheck:
    """Takes files in the order of the playlist.

    Attributes:
        tracks: of the newest initialization segment.
        files: how many were read.
        starts: for each track in this run without discontinuity, where it began, in seconds.
        ends: and where it has come to.
    """

    tracks: dict[int, Track] = field(default_factory=dict)
    files: int = 0
    starts: dict[int, float] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    told_s: float = 0.0
    is_transport_stream: bool = False

    def begin(self, init: bytes | None) -> Iterator[Fault]:
        """Begin a run: at the start, and after a discontinuity or another initialization segment."""
        self.starts, self.ends, self.told_s = {}, {}, 0.0
        self.is_transport_stream = init is None
        if init is None:
            return
        try:
            self.tracks = parse_init(init)
        except MediaFormatError as error:
            self.tracks = {}
            yield Fault("media-format", f"the initialization segment: {error}")

    def forget(self) -> None:
        """A file was missed: the next begins a run, with the same initialization segment."""
        self.starts, self.ends, self.told_s = {}, {}, 0.0

    def take(
        self, name: str, data: bytes, duration_s: float, *, independent: bool, starts_segment: bool = False
    ) -> Iterator[Fault]:
        """Check one part or segment.

        Args:
            name: what to call it.
            data: its bytes.
            duration_s: its duration in the playlist.
            independent: the playlist says that decoding can start in it.
            starts_segment: and that it can start at its first picture.
        """
        self.files += 1
        try:
            if self.is_transport_stream:
                check_transport_stream(data)
                return
            if not self.tracks:
                return
            runs = parse_fragments(data, self.tracks)
        except MediaFormatError as error:
            self.forget()
            yield Fault("media-format", f"{name}: {error}")
            return
        yield from self._keys(name, runs, independent=independent, starts_segment=starts_segment)
        yield from self._times(name, runs)
        self.told_s += duration_s
        yield from self._drift(name)

    def _keys(
        self, name: str, runs: dict[int, Run], *, independent: bool, starts_segment: bool
    ) -> Iterator[Fault]:
        pictures = [run for number, run in runs.items() if self.tracks[number].kind == VIDEO]
        has_video = any(track.kind == VIDEO for track in self.tracks.values())
        if independent and has_video and not any(run.has_sync for run in pictures):
            yield Fault("media-independent", f"{name} has INDEPENDENT=YES and no keyframe")
        if starts_segment and pictures and not pictures[0].first_is_sync:
            yield Fault(
                "segment-independent",
                f"{name} begins without a keyframe, though EXT-X-INDEPENDENT-SEGMENTS is there",
            )

    def _times(self, name: str, runs: dict[int, Run]) -> Iterator[Fault]:
        for number, run in runs.items():
            track = self.tracks[number]
            start, end = run.start / track.timescale, run.end / track.timescale
            expected = self.ends.get(number)
            if expected is not None and abs(start - expected) > LARGEST_STEP_S:
                yield Fault(
                    "media-time",
                    f"in {name} the {track.kind} begins {start - expected:+.3f} s from where it ended",
                )
            self.starts.setdefault(number, start)
            self.ends[number] = end

    def _drift(self, name: str) -> Iterator[Fault]:
        if not self.starts:
            return
        lasted = max(self.ends.values()) - min(self.starts.values())
        if abs(lasted - self.told_s) > LARGEST_DRIFT_S + max(0.02 * self.told_s, 0):
            yield Fault(
                "duration-honest",
                f"up to {name} the playlist says {self.told_s:.2f} s, the media lasts {lasted:.2f} s",
            )
            self.forget()

    def compare(self, variant: Variant) -> Iterator[Fault]:
        """Hold CODECS and RESOLUTION to the initialization segment."""
        told = variant.attributes.get("CODECS")
        if told and self.tracks:
            names = {name.strip() for name in told.split(",")}
            for track in self.tracks.values():
                if track.kind in {VIDEO, AUDIO} and not _is_named(track.codec, names):
                    yield Fault("codecs-wrong", f"CODECS is {told}, but the media has {track.codec}")
            families = {_family(track.codec) for track in self.tracks.values()}
            for name in names:
                is_elsewhere = "AUDIO" in variant.attributes and name.startswith(("mp4a", "ac-3", "ec-3"))
                if _family(name) not in families and not is_elsewhere:
                    yield Fault("codecs-wrong", f"CODECS names {name}, which the media has not")
        told, sizes = (
            variant.attributes.get("RESOLUTION"),
            [t.size for t in self.tracks.values() if any(t.size)],
        )
        if told and sizes and told != f"{sizes[0][0]}x{sizes[0][1]}":
            yield Fault("resolution", f"RESOLUTION is {told}, the pictures have {sizes[0][0]}x{sizes[0][1]}")


def _family(codec: str) -> str:
    family = codec.partition(".")[0]
    return SAME_FAMILY.get(family, family)


def _is_named(codec: str, names: set[str]) -> bool:
    """Whether a codec is among CODECS. Only H.264's profile and level are read from the media."""
    if codec.startswith("avc1."):
        return codec.lower() in {name.lower() for name in names}
    return _family(codec) in {_family(name) for name in names}


def parts_are_segment(segment: Segment, parts: list[bytes], whole: bytes) -> Iterator[Fault]:
    """Check that a segment's parts are its bytes."""
    if b"".join(parts) != whole:
        yield Fault(
            "segment-parts",
            f"segment {segment.number} has {len(whole)} bytes, its parts {sum(map(len, parts))}, or others",
        )
