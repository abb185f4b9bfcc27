"""Writes playlists as text (RFC 8216bis, 4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from amphi.origin.fmp4.init import VIDEO_TIMESCALE
from amphi.origin.hls.playlist import PART_TARGETS, SKIP_TARGETS, MediaPlaylist, Part

VERSION = 9
# A comment to players. It tells the platform that what comes is nobody's picture.
SLATE_REMARK = "# amphi: slate"
HOLD_BACK_TARGETS = 3
PART_HOLD_BACK_TARGETS = 3


# Marks the files of the sound alone.
SOUND = "a"


def segment_name(number: int, mark: str = "") -> str:
    return f"s{number}{mark}.m4s"


def part_name(number: int, mark: str = "") -> str:
    return f"p{number}{mark}.m4s"


def init_name(number: int, mark: str = "") -> str:
    return f"i{number}{mark}.mp4"


Others = Sequence[tuple[str, MediaPlaylist]]
"""The other playlists of a stream, and their names."""


def media_playlist(
    playlist: MediaPlaylist, *, skip: bool = False, sound: bool = False, others: Others = ()
) -> bytes:
    """The media playlist; with `skip`, a delta update when there is enough to skip.

    Args:
        playlist: one that is ready.
        skip: the client sent ``_HLS_skip``.
        sound: of the sound alone; it has the same segments and parts. Their durations are those of their sound: a player that has
            less of a part than the playlist says asks for that part again, and not for the next one.
        others: the playlists that a player may change over to.
    """
    mark = SOUND if sound else ""
    skipped = _skippable(playlist) if skip else 0
    lines = [*_header(playlist, sound=sound)]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    lines.extend(_segments(playlist, skipped, mark))
    if playlist.ended:
        lines.append("#EXT-X-ENDLIST")
    else:
        hint = f"{playlist.session}/{part_name(playlist.next_part, mark)}"
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}"')
        lines.extend(_report(other, name) for name, other in others if other.ready)
    return ("\n".join(lines) + "\n").encode()


def _report(playlist: MediaPlaylist, name: str) -> str:
    """How far another playlist is (4.4.5.4), so that a player that changes over asks for the right part."""
    last = playlist.current or playlist.segments[-1]
    at = f"LAST-MSN={last.number},LAST-PART={len(last.parts) - 1}"
    return f'#EXT-X-RENDITION-REPORT:URI="{name}.m3u8",{at}'


def _header(playlist: MediaPlaylist, *, sound: bool) -> Iterator[str]:
    target = playlist.target_duration_s
    part_target_ms = playlist.sound_target_ms if sound else playlist.part_target_ms
    part_hold_back = PART_HOLD_BACK_TARGETS * part_target_ms / 1000
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield f"#EXT-X-TARGETDURATION:{target}"
    yield (
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={SKIP_TARGETS * target}.0"
        f",HOLD-BACK={HOLD_BACK_TARGETS * target}.0,PART-HOLD-BACK={part_hold_back:.3f}"
    )
    yield f"#EXT-X-PART-INF:PART-TARGET={part_target_ms / 1000:.3f}"
    yield f"#EXT-X-MEDIA-SEQUENCE:{playlist.segments[0].number}"
    yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_sequence}"
    if playlist.shows_slate:
        yield SLATE_REMARK
    if sound or all(segment.independent for segment in playlist.listed()):
        yield "#EXT-X-INDEPENDENT-SEGMENTS"


def _skippable(playlist: MediaPlaylist) -> int:
    """How many segments are before the skip boundary."""
    boundary = SKIP_TARGETS * playlist.target_duration_s * VIDEO_TIMESCALE
    after = sum(segment.ticks for segment in playlist.listed())
    skipped = 0
    for segment in playlist.segments:
        after -= segment.ticks
        if after < boundary:
            break
        skipped += 1
    return skipped


def _segments(playlist: MediaPlaylist, skipped: int, mark: str) -> Iterator[str]:
    part_window = PART_TARGETS * playlist.target_duration_s * VIDEO_TIMESCALE
    after = sum(segment.ticks for segment in playlist.listed())
    init: int | None = None
    for index, segment in enumerate(playlist.listed()):
        after -= segment.ticks
        new_init = segment.init != init
        init = segment.init
        if index < skipped:
            continue
        if segment.discontinuity:
            yield "#EXT-X-DISCONTINUITY"
        if (new_init or segment.discontinuity) and (not mark or segment.init in playlist.sound_inits):
            yield f'#EXT-X-MAP:URI="{playlist.session}/{init_name(segment.init, mark)}"'
        yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.started_at)}"
        # Parts made for another part target would break the rule of the present one.
        targets = (segment.part_target_ms, segment.sound_target_ms)
        if after < part_window and targets == (playlist.part_target_ms, playlist.sound_target_ms):
            yield from (_part(playlist.session, part, mark) for part in segment.parts)
        if segment is not playlist.current:
            if mark and not segment.sound_bytes:
                yield "#EXT-X-GAP"
            ticks = sum(part.sound_ticks for part in segment.parts) if mark else segment.ticks
            yield f"#EXTINF:{_seconds(ticks)},"
            yield f"{playlist.session}/{segment_name(segment.number, mark)}"


def _part(session: str, part: Part, mark: str) -> str:
    attributes = ",INDEPENDENT=YES" if part.independent or mark else ""
    if mark and not part.sound:
        attributes = ",GAP=YES"
    duration = _seconds(part.sound_ticks if mark else part.ticks)
    return f'#EXT-X-PART:DURATION={duration},URI="{session}/{part_name(part.number, mark)}"{attributes}'


def _seconds(ticks: int) -> str:
    """A duration, never rounded up: a player would wait for what is beyond the end of the media."""
    hundred_thousandths = ticks * 100_000 // VIDEO_TIMESCALE
    return f"{hundred_thousandths // 100_000}.{hundred_thousandths % 100_000:05d}"


def _date_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to play a stream.

    Attributes:
        name: its playlist's, without the suffix.
        bandwidth: the peak, in bits per second.
        codecs: names by RFC 6381.
        average: the average, in bits per second; 0 when nothing was made yet.
        resolution: width and height in pixels, if there is video.
        frame_rate: pictures per second, if known.
    """

    name: str
    bandwidth: int
    codecs: tuple[str, ...]
    average: int = 0
    resolution: tuple[int, int] | None = None
    frame_rate: float | None = None

    @property
    def attributes(self) -> str:
        """The attributes of ``EXT-X-STREAM-INF``."""
        attributes = [f"BANDWIDTH={self.bandwidth}"]
        if self.average:
            attributes.append(f"AVERAGE-BANDWIDTH={self.average}")
        attributes.append(f'CODECS="{",".join(self.codecs)}"')
        if self.resolution is not None:
            attributes.append(f"RESOLUTION={self.resolution[0]}x{self.resolution[1]}")
        if self.frame_rate is not None:
            attributes.append(f"FRAME-RATE={self.frame_rate:.3f}")
        return ",".join(attributes)


def multivariant_playlist(name: str, variants: Sequence[Variant]) -> bytes:
    """The multivariant playlist of a stream.

    Args:
        name: the stream's name.
        variants: how it can be played: first everything there is, since players begin with the first.
    """
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    for variant in variants:
        lines += [f"#EXT-X-STREAM-INF:{variant.attributes}", f"{name}/{variant.name}.m3u8"]
    return ("\n".join(lines) + "\n").encode()
