"""Writes playlists as text (RFC 8216bis, 4)."""

from collections.abc import Iterator
from datetime import datetime

from amphi.origin.fmp4.init import VIDEO_TIMESCALE
from amphi.origin.hls.playlist import PART_TARGETS, SKIP_TARGETS, MediaPlaylist, Part

VERSION = 9
HOLD_BACK_TARGETS = 3
PART_HOLD_BACK_TARGETS = 3


def segment_name(number: int) -> str:
    return f"s{number}.m4s"


def part_name(number: int) -> str:
    return f"p{number}.m4s"


def init_name(number: int) -> str:
    return f"i{number}.mp4"


def media_playlist(playlist: MediaPlaylist, *, skip: bool = False) -> bytes:
    """The media playlist; with `skip`, a delta update when there is enough to skip.

    Args:
        playlist: one that is ready.
        skip: the client sent ``_HLS_skip``.
    """
    skipped = _skippable(playlist) if skip else 0
    lines = [*_header(playlist)]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    lines.extend(_segments(playlist, skipped))
    if playlist.ended:
        lines.append("#EXT-X-ENDLIST")
    else:
        hint = f"{playlist.session}/{part_name(playlist.next_part)}"
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}"')
    return ("\n".join(lines) + "\n").encode()


def _header(playlist: MediaPlaylist) -> Iterator[str]:
    target = playlist.target_duration_s
    part_hold_back = PART_HOLD_BACK_TARGETS * playlist.part_target_ms / 1000
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield f"#EXT-X-TARGETDURATION:{target}"
    yield (
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={SKIP_TARGETS * target}.0"
        f",HOLD-BACK={HOLD_BACK_TARGETS * target}.0,PART-HOLD-BACK={part_hold_back:.3f}"
    )
    yield f"#EXT-X-PART-INF:PART-TARGET={playlist.part_target_ms / 1000:.3f}"
    yield f"#EXT-X-MEDIA-SEQUENCE:{playlist.segments[0].number}"
    yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_sequence}"
    if all(segment.independent for segment in playlist.listed()):
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


def _segments(playlist: MediaPlaylist, skipped: int) -> Iterator[str]:
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
        if new_init or segment.discontinuity:
            yield f'#EXT-X-MAP:URI="{playlist.session}/{init_name(segment.init)}"'
        yield f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.started_at)}"
        # Parts made for another part target would break the rule of the present one.
        if after < part_window and segment.part_target_ms == playlist.part_target_ms:
            yield from (_part(playlist.session, part) for part in segment.parts)
        if segment is not playlist.current:
            yield f"#EXTINF:{segment.duration_s:.5f},"
            yield f"{playlist.session}/{segment_name(segment.number)}"


def _part(session: str, part: Part) -> str:
    independent = ",INDEPENDENT=YES" if part.independent else ""
    duration_s = part.ticks / VIDEO_TIMESCALE
    return f'#EXT-X-PART:DURATION={duration_s:.5f},URI="{session}/{part_name(part.number)}"{independent}'


def _date_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def multivariant_playlist(
    name: str,
    *,
    bandwidth: int,
    codecs: list[str],
    resolution: tuple[int, int] | None,
    frame_rate: float | None,
) -> bytes:
    """The multivariant playlist of a stream with one variant.

    Args:
        name: the stream's name.
        bandwidth: the peak, in bits per second.
        codecs: names by RFC 6381.
        resolution: width and height in pixels, if there is video.
        frame_rate: pictures per second, if known.
    """
    attributes = [f"BANDWIDTH={bandwidth}", f'CODECS="{",".join(codecs)}"']
    if resolution is not None:
        attributes.append(f"RESOLUTION={resolution[0]}x{resolution[1]}")
    if frame_rate is not None:
        attributes.append(f"FRAME-RATE={frame_rate:.3f}")
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-STREAM-INF:{','.join(attributes)}",
        f"{name}/main.m3u8",
    ]
    return ("\n".join(lines) + "\n").encode()
