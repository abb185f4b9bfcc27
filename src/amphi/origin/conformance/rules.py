"""Rules that playlists can be held to by themselves, without a request. Pure."""

import itertools
import math
from collections.abc import Iterator
from datetime import timedelta

from amphi.origin.conformance.findings import Fault
from amphi.origin.conformance.playlists import MediaPlaylist, Part, Segment, Variant

LEAST_PART = 0.85
HOLD_BACK_TARGETS, SKIP_TARGETS, PART_TARGETS, WINDOW_TARGETS = 3, 6, 3, 3
LEAST_PART_HOLD_BACK, GOOD_PART_HOLD_BACK = 2, 3
# Durations are written with few decimals.
ROUNDING_S = 0.002
PART_ROUNDING_S = 0.0005
LARGEST_DATE_STEP_S = 0.5
# What of a feature needs which version (section 8).
VERSIONS = {"EXT-X-MAP": 5, "EXT-X-BYTERANGE": 4, "EXT-X-SKIP": 9}


def media_faults(playlist: MediaPlaylist) -> Iterator[Fault]:
    """What one media playlist breaks."""
    yield from _frame(playlist)
    if playlist.target_s is None:
        yield Fault("target-duration", "there is no EXT-X-TARGETDURATION")
        return
    yield from _durations(playlist, playlist.target_s)
    if playlist.part_target_s is not None:
        yield from _parts(playlist, playlist.target_s, playlist.part_target_s)
    yield from _control(playlist, playlist.target_s)
    yield from _dates(playlist)


def _frame(playlist: MediaPlaylist) -> Iterator[Fault]:
    needed = max((version for tag, version in VERSIONS.items() if tag in playlist.tags), default=1)
    if playlist.version < needed:
        yield Fault("version", f"EXT-X-VERSION is {playlist.version}; what the playlist has needs {needed}")
    if not playlist.segments and not playlist.skipped:
        yield Fault("window", "no segment is listed")
    for before, after in itertools.pairwise(playlist.listed):
        if before.init != after.init and not after.discontinuity:
            yield Fault(
                "discontinuity-missing",
                f"segment {after.number} has another EXT-X-MAP and no EXT-X-DISCONTINUITY",
            )
    for segment in playlist.listed:
        fragmented = [part.piece.url for part in segment.parts]
        fragmented += [segment.piece.url] if segment.piece else []
        if segment.init is None and any(_is_fragment(url) for url in fragmented):
            yield Fault("map", f"segment {segment.number} is a fragment of MP4 and has no EXT-X-MAP")


def _is_fragment(url: str) -> bool:
    return url.partition("?")[0].endswith((".m4s", ".mp4", ".m4v", ".m4a", ".cmfv", ".cmfa"))


def _durations(playlist: MediaPlaylist, target_s: float) -> Iterator[Fault]:
    for segment in playlist.segments:
        if math.floor(segment.duration_s + 0.5) > target_s:
            yield Fault(
                "target-duration",
                f"segment {segment.number} lasts {segment.duration_s:.3f} s, the target is {target_s:g} s",
            )
        total = sum(part.duration_s for part in segment.parts)
        if segment.parts and abs(total - segment.duration_s) > ROUNDING_S * len(segment.parts):
            yield Fault(
                "part-sum",
                f"segment {segment.number} lasts {segment.duration_s:.3f} s, its parts {total:.3f} s",
            )


def _parts(playlist: MediaPlaylist, target_s: float, part_target_s: float) -> Iterator[Fault]:
    if not 0 < part_target_s <= target_s:
        yield Fault("part-target", f"PART-TARGET is {part_target_s:g} s, the target duration {target_s:g} s")
    after_s = sum(part.duration_s for part in playlist.growing.parts) if playlist.growing else 0.0
    for segment in reversed(playlist.listed):
        if segment is not playlist.growing:
            if segment.parts and after_s > PART_TARGETS * target_s + ROUNDING_S:
                yield Fault("parts-old", f"segment {segment.number} is {after_s:.1f} s old and lists parts")
            after_s += segment.duration_s
        for part, following in itertools.pairwise([*segment.parts, None]):
            assert part is not None  # noqa: S101 -- only the last is None
            yield from _part(part, following, segment, part_target_s, is_growing=segment is playlist.growing)
    if not playlist.ended and playlist.hint is None:
        yield Fault("hint", "there is no EXT-X-PRELOAD-HINT; some players then ask without a pause")


def _part(
    part: Part, following: Part | None, segment: Segment, target_s: float, *, is_growing: bool
) -> Iterator[Fault]:
    name = part.piece.url.rpartition("/")[2].partition("?")[0]
    told = f"{name} of segment {segment.number} lasts {part.duration_s:.3f} s"
    if part.duration_s > target_s + PART_ROUNDING_S:
        yield Fault("part-too-long", f"{told}, the part target is {target_s:g} s")
    is_last = following is None and not is_growing
    # The newest part may still turn out to be its segment's last.
    excused = is_last or following is None or part.independent or part.gap or following.gap
    if part.duration_s < LEAST_PART * target_s - PART_ROUNDING_S and not excused:
        yield Fault("part-too-short", f"{told}, less than 85 % of the part target, {target_s:g} s")


def _control(playlist: MediaPlaylist, target_s: float) -> Iterator[Fault]:
    hold_back = playlist.control_s("HOLD-BACK")
    if hold_back is not None and hold_back < HOLD_BACK_TARGETS * target_s - ROUNDING_S:
        yield Fault("hold-back", f"HOLD-BACK is {hold_back:g} s, less than three target durations")
    skip = playlist.control_s("CAN-SKIP-UNTIL")
    if skip is not None and skip < SKIP_TARGETS * target_s - ROUNDING_S:
        yield Fault("delta-boundary", f"CAN-SKIP-UNTIL is {skip:g} s, less than six target durations")
    part_target_s = playlist.part_target_s
    if part_target_s is None:
        return
    held = playlist.control_s("PART-HOLD-BACK")
    if held is None:
        yield Fault("hold-back", "there is no PART-HOLD-BACK, though there are parts")
    elif held < LEAST_PART_HOLD_BACK * part_target_s - ROUNDING_S:
        yield Fault("hold-back", f"PART-HOLD-BACK is {held:g} s, less than two part targets")
    elif held < GOOD_PART_HOLD_BACK * part_target_s - ROUNDING_S:
        yield Fault("hold-back-short", f"PART-HOLD-BACK is {held:g} s, less than three part targets")
    if playlist.control.get("CAN-BLOCK-RELOAD") != "YES" and not playlist.ended:
        yield Fault("blocking-offered", "there are parts, but not CAN-BLOCK-RELOAD=YES")


def _dates(playlist: MediaPlaylist) -> Iterator[Fault]:
    if playlist.is_low_latency and not any(segment.date for segment in playlist.listed):
        yield Fault("date-missing", "there is no EXT-X-PROGRAM-DATE-TIME")
    for before, after in itertools.pairwise(playlist.listed):
        if before.date is None or after.date is None or after.discontinuity:
            continue
        step = (after.date - before.date - timedelta(seconds=before.duration_s)).total_seconds()
        if abs(step) > LARGEST_DATE_STEP_S:
            yield Fault(
                "date-jump",
                f"the date of segment {after.number} is {step:+.2f} s from where segment {before.number} ends",
            )


def succession_faults(before: MediaPlaylist, after: MediaPlaylist) -> Iterator[Fault]:
    """What a later state of a playlist breaks (6.2.1 and 6.2.2)."""
    if after.last_number < before.last_number or after.number < before.number:
        yield Fault(
            "number-back",
            f"media sequence numbers went back, from {before.number}–{before.last_number}"
            f" to {after.number}–{after.last_number}",
        )
        return
    if before.target_s != after.target_s:
        yield Fault(
            "target-grows",
            f"EXT-X-TARGETDURATION changed from {before.target_s or 0:g} to {after.target_s or 0:g}",
        )
    listed_s = sum(segment.duration_s for segment in after.segments)
    if (
        after.number > before.number
        and not after.ended
        and listed_s < WINDOW_TARGETS * (after.target_s or 0) - 1
    ):
        yield Fault(
            "window",
            f"segments were removed, and only {listed_s:.1f} s are left: three target durations are needed",
        )
    now = {segment.number: segment for segment in after.segments}
    gone = [segment for segment in before.segments if segment.number < after.number]
    for segment in before.segments:
        later = now.get(segment.number)
        if later is not None and later.key != segment.key:
            yield Fault("segment-changed", f"segment {segment.number} changed after it was listed")
    if before.growing is not None:
        yield from _growing(before.growing, now.get(before.growing.number) or after.growing)
    if len(gone) == after.number - before.number:
        expected = before.discontinuity_sequence + sum(segment.discontinuity for segment in gone)
        if after.discontinuity_sequence != expected:
            yield Fault(
                "discontinuity-sequence",
                f"EXT-X-DISCONTINUITY-SEQUENCE is {after.discontinuity_sequence}, not {expected}",
            )
    if before.ended and not after.ended:
        yield Fault("segment-changed", "EXT-X-ENDLIST was taken back")


def _growing(before: Segment, after: Segment | None) -> Iterator[Fault]:
    if after is None or after.number != before.number or not after.parts:
        return
    if after.parts[: len(before.parts)] != before.parts:
        yield Fault("segment-changed", f"parts of segment {before.number} changed after they were listed")


def variant_faults(variants: list[Variant]) -> Iterator[Fault]:
    """What a multivariant playlist breaks by itself."""
    for variant in variants:
        if variant.is_rendition:
            continue
        name = variant.url.rpartition("/")[2].partition("?")[0]
        bandwidth = variant.attributes.get("BANDWIDTH", "")
        if not bandwidth.isdigit() or not int(bandwidth):
            yield Fault("bandwidth", f"{name} has no BANDWIDTH")
        if not variant.attributes.get("CODECS"):
            yield Fault("codecs-missing", f"{name} has no CODECS: players must load media to know")
