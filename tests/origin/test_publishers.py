"""Publishers as they are: whatever they send, players get what the specification promises, and all of the media."""

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from amphi.origin.conformance.fragments import AUDIO, VIDEO, parse_fragments, parse_init
from amphi.origin.conformance.media import MediaCheck
from amphi.origin.conformance.playlists import parse_media
from amphi.origin.conformance.rules import media_faults, succession_faults
from amphi.origin.hls.cutting import Cutting
from amphi.origin.hls.playlist import MediaPlaylist
from amphi.origin.hls.render import media_playlist
from amphi.origin.hls.segmenter import Segmenter
from tests.origin.running import VIDEO_HEADER
from tests.origin.source import START

SECONDS = 12
WRAP = 2**32


@dataclass(frozen=True)
class Tag:
    """A tag, when it arrives and when it is by its timestamp, both in ms."""

    at: float
    kind: str
    timestamp: int
    body: bytes


Tags = list[Tag]


def aac_header(rate: int, channels: int) -> bytes:
    """An explicit rate, as encoders write for any."""
    return b"\xaf\0" + (0b00010_1111 << 31 | rate << 7 | channels << 3).to_bytes(5)


def pictures(*, step: float = 40, gop: int = 25, start: float = 0, bframes: bool = False) -> Tags:
    tags = [Tag(start, VIDEO, int(start), VIDEO_HEADER)]
    for index in range(int((SECONDS * 1000 - start) / step)):
        at = start + index * step
        key = index % gop == 0
        # I B B P: what is shown later is sent earlier.
        shown = (2, 4, 1, 1)[index % 4] if bframes else 0
        nal = (b"\x65" if key else b"\x41") + index.to_bytes(4)
        head = bytes([0x17 if key else 0x27, 1]) + int(shown * step).to_bytes(3, signed=True)
        tags.append(Tag(at, VIDEO, int(at), head + struct.pack(">I", len(nal)) + nal))
    return tags


def sound(rate: int = 48_000, *, channels: int = 2, start: float = 0) -> Tags:
    step = 1024 * 1000 / rate
    count = int((SECONDS * 1000 - start) / step)
    header = Tag(start, AUDIO, int(start), aac_header(rate, channels))
    frames = [start + index * step for index in range(count)]
    return [header, *(Tag(at, AUDIO, int(at), b"\xaf\1" + b"snd" * 20) for at in frames)]


def shifted(tags: Tags, by: Callable[[Tag], int]) -> Tags:
    """The same tags with other timestamps."""
    return [replace(tag, timestamp=(tag.timestamp + by(tag)) % WRAP) for tag in tags]


def jumping(tags: Tags, at_s: float, by_ms: int, kinds: set[str]) -> Tags:
    return shifted(tags, lambda tag: by_ms if tag.at >= at_s * 1000 and tag.kind in kinds else 0)


def late_header(tags: Tags, after_s: float) -> Tags:
    """The configuration comes only after so many seconds of frames."""
    return [replace(tag, at=after_s * 1000 - 1) if tag.body[1] == 0 else tag for tag in tags]


def smaller(tags: Tags, from_s: float) -> Tags:
    """Another resolution from a keyframe on, as when a window is resized."""
    other = VIDEO_HEADER.replace(b"\x42\xc0\x1e", b"\x42\xc0\x1f")
    return [*tags, Tag(from_s * 1000 - 1, VIDEO, int(from_s * 1000), other)]


def burst(tags: Tags, of_s: float) -> Tags:
    """What a network holds back, and lets go at once."""
    return [replace(tag, at=-(-tag.at // (of_s * 1000)) * of_s * 1000) for tag in tags]


def repeated(tags: Tags, times: int) -> Tags:
    """Each frame so many times, as from an encoder that is given more sound than there is time for."""
    return [tags[0], *(tag for tag in tags[1:] for _ in range(times))]


BOTH = {VIDEO, AUDIO}
WHOLE = {VIDEO: (11.5, 12.1), AUDIO: (11.5, 12.1)}
"""Of each track, how many seconds must be listed."""


@dataclass(frozen=True)
class Case:
    tags: Tags
    listed: dict[str, tuple[float, float]]
    discontinuities: int = 0


CASES = {
    "as they should": Case(pictures() + sound(), WHOLE),
    "B-frames": Case(pictures(bframes=True) + sound(), WHOLE),
    "B-frames of 60 a second": Case(pictures(step=1000 / 60, gop=120, bframes=True) + sound(), WHOLE),
    "23.976 a second": Case(pictures(step=1001 / 24, gop=48) + sound(44_100), WHOLE),
    "15 a second, keyframes each 4 s": Case(pictures(step=1000 / 15, gop=60) + sound(), WHOLE),
    "no sound": Case(pictures(), {VIDEO: WHOLE[VIDEO], AUDIO: (0, 0)}),
    "no picture": Case(sound(), {VIDEO: (0, 0), AUDIO: WHOLE[AUDIO]}),
    "sound late by 5 s": Case(pictures() + sound(start=5000), {VIDEO: WHOLE[VIDEO], AUDIO: (5.9, 7.1)}, 1),
    "picture late by 5 s": Case(pictures(start=5000) + sound(), {VIDEO: (6.5, 7.1), AUDIO: (6.5, 12.1)}, 1),
    "headers late by 3 s": Case(late_header(pictures() + sound(), 3), {VIDEO: (8, 9.1), AUDIO: (8, 9.1)}),
    "sound's header late by 3 s": Case(
        pictures() + late_header(sound(), 3), {VIDEO: WHOLE[VIDEO], AUDIO: (7.9, 9.1)}, 1
    ),
    **{
        f"sound of {rate} Hz, {channels} channel": Case(pictures() + sound(rate, channels=channels), WHOLE)
        for rate, channels in itertools.product((8_000, 22_050, 32_000, 44_100, 96_000), (1,))
    },
    "sound of 22050 Hz alone": Case(sound(22_050), {VIDEO: (0, 0), AUDIO: WHOLE[AUDIO]}),
    "sound of 96000 Hz alone": Case(sound(96_000, channels=1), {VIDEO: (0, 0), AUDIO: WHOLE[AUDIO]}),
    "begins at 2^31": Case(shifted(pictures() + sound(), lambda _: 2**31 - 6000), WHOLE),
    "wraps at 2^32": Case(shifted(pictures(bframes=True) + sound(), lambda _: WRAP - 6010), WHOLE),
    "the sound wraps before the picture": Case(
        shifted(pictures() + sound(), lambda tag: WRAP - (6010 if tag.kind == AUDIO else 6210)), WHOLE
    ),
    "jumps back to 0": Case(jumping(pictures() + sound(), 6, -6000, BOTH), WHOLE),
    "jumps back by 2 s": Case(jumping(pictures() + sound(), 6, -2000, BOTH), WHOLE),
    "jumps ahead by 1 h": Case(jumping(pictures() + sound(), 6, 3_600_000, BOTH), WHOLE),
    "jumps ahead by 8 s": Case(jumping(pictures() + sound(), 6, 8000, BOTH), WHOLE),
    "the sound alone jumps ahead": Case(jumping(pictures() + sound(), 6, 60_000, {AUDIO}), WHOLE),
    "the picture alone jumps back": Case(jumping(pictures() + sound(), 6, -60_000, {VIDEO}), WHOLE),
    "different zeros": Case(shifted(pictures() + sound(), lambda t: 78_000 if t.kind == VIDEO else 0), WHOLE),
    "another size from 6 s on": Case(smaller(pictures() + sound(), 6), WHOLE, 1),
    "another size without sound": Case(smaller(pictures(), 6), {VIDEO: WHOLE[VIDEO], AUDIO: (0, 0)}, 1),
    "four times as much sound as time": Case(
        pictures() + repeated(sound(), 4), WHOLE | {AUDIO: (11.5, 12.4)}
    ),
    "bursts of 1.5 s": Case(burst(pictures(bframes=True) + sound(), 1.5), WHOLE),
}


def _publish(tags: Tags) -> MediaPlaylist:
    """Send the tags in the order of arrival. What is listed at each moment keeps the rules."""
    playlist = MediaPlaylist("ab12", first_number=100, window=timedelta(minutes=1))
    segmenter = Segmenter(playlist, Cutting())
    before, revision = None, 0
    for tag in sorted(tags, key=lambda one: one.at):
        take = segmenter.receive_video if tag.kind == VIDEO else segmenter.receive_audio
        take(tag.timestamp, tag.body, START + timedelta(milliseconds=tag.at))
        if playlist.ready and playlist.revision >= revision + 5:
            revision = playlist.revision
            now = _read(playlist)
            assert not before or _without_dates(succession_faults(before, now)) == []
            before = now
    segmenter.flush()
    playlist.end()
    return playlist


def _read(playlist: MediaPlaylist):
    text = media_playlist(playlist).decode()
    found = parse_media(text, "http://x/")
    assert _without_dates(media_faults(found)) == []
    return found


def _without_dates(faults) -> list:
    """Dates are the wall clock's, which goes on while a network holds media back; target durations follow rare keyframes."""
    return [fault for fault in faults if fault.rule not in {"date-jump", "target-grows"}]


def _play(playlist: MediaPlaylist) -> tuple[dict[str, float], int]:
    """Read the media as a player does: how many seconds of each track there are, and how many discontinuities."""
    check, seconds, discontinuities = MediaCheck(), {VIDEO: 0.0, AUDIO: 0.0}, 0
    for number, segment in enumerate(playlist.segments):
        discontinuities += segment.discontinuity
        if not number or segment.discontinuity:
            assert list(check.begin(playlist.inits[segment.init])) == []
        tracks = parse_init(playlist.inits[segment.init])
        for part in segment.parts:
            faults = check.take(
                str(part.number), part.data, part.ticks / 90_000, independent=part.independent
            )
            assert list(faults) == []
            for track, run in parse_fragments(part.data, tracks).items():
                seconds[tracks[track].kind] += (run.end - run.start) / tracks[track].timescale
    return seconds, discontinuities


@pytest.mark.parametrize("name", CASES)
def test_publisher(name):
    case = CASES[name]
    playlist = _publish(case.tags)
    seconds, discontinuities = _play(playlist)
    for kind, (least, most) in case.listed.items():
        assert least <= seconds[kind] <= most, seconds
    assert discontinuities == case.discontinuities
    listed_s = sum(segment.duration_s for segment in playlist.segments)
    assert listed_s == pytest.approx(max(seconds.values()), abs=0.3)
