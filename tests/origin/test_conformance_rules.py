"""Each rule of `amphi origin check` against a playlist or a file that breaks it, and nothing else."""

import struct

import pytest

from amphi.origin.conformance.findings import RULES
from amphi.origin.conformance.fragments import MediaFormatError, parse_fragments, parse_init
from amphi.origin.conformance.media import MediaCheck, parts_are_segment
from amphi.origin.conformance.playlists import (
    PlaylistError,
    Variant,
    merge,
    parse_media,
    parse_multivariant,
)
from amphi.origin.conformance.rules import media_faults, succession_faults, variant_faults
from amphi.origin.fmp4.boxes import box, full_box
from tests.origin.running import EVEN_AUDIO_HEADER
from tests.origin.source import Source

URL = "https://live.example.org/hls/x/main.m3u8"


def _source(frames: int = 25 * 4 + 12) -> Source:
    source = Source()
    source.frames(frames)
    return source


TEXT = _source().text()
"""Four segments of five parts, and two parts of the fifth."""


def _faults(text: str) -> set[str]:
    return {fault.rule for fault in media_faults(parse_media(text, URL))}


def test_what_our_origin_writes_breaks_nothing():
    assert _faults(TEXT) == set()
    assert _faults(_source(25 * 12).text()) == set()
    ended = _source()
    ended.segmenter.flush()
    ended.playlist.end()
    assert _faults(ended.text()) == set()


def _without(tag: str) -> str:
    return "\n".join(line for line in TEXT.splitlines() if not line.startswith(f"#{tag}:"))


BROKEN = {
    "version": TEXT.replace("VERSION:9", "VERSION:3"),
    "window": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n",
    "map": _without("EXT-X-MAP"),
    "target-duration": TEXT.replace("#EXTINF:1.00000,", "#EXTINF:1.60000,", 1),
    "part-sum": "#EXTINF:0.90000,".join(TEXT.rsplit("#EXTINF:1.00000,", 1)),
    "part-too-long": TEXT.replace("DURATION=0.20000", "DURATION=0.21000", 1),
    "part-too-short": TEXT.replace(
        'DURATION=0.20000,URI="ab12/p6.m4s"', 'DURATION=0.16900,URI="ab12/p6.m4s"'
    ),
    "part-target": TEXT.replace("PART-TARGET=0.200", "PART-TARGET=2.000"),
    "hold-back": TEXT.replace("PART-HOLD-BACK=0.600", "PART-HOLD-BACK=0.390"),
    "hold-back-short": TEXT.replace("PART-HOLD-BACK=0.600", "PART-HOLD-BACK=0.500"),
    "hint": _without("EXT-X-PRELOAD-HINT"),
    "blocking-offered": TEXT.replace("CAN-BLOCK-RELOAD=YES,", ""),
    "delta-boundary": TEXT.replace("CAN-SKIP-UNTIL=6.0", "CAN-SKIP-UNTIL=5.0"),
    "date-missing": _without("EXT-X-PROGRAM-DATE-TIME"),
    "date-jump": TEXT.replace("09:30:02.000Z", "09:30:03.000Z"),
    "discontinuity-missing": TEXT.replace(
        "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:02", '#EXT-X-MAP:URI="ab12/i1.mp4"\n\\g<0>'
    ).replace("\\g<0>", "#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:02"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_playlist_that_breaks_one_rule(rule):
    found = _faults(BROKEN[rule])
    assert rule in found
    # Some faults can't be made alone.
    allowed = {
        "part-too-short": {"part-sum"},
        "part-too-long": {"part-sum"},
        "target-duration": {"part-sum", "date-jump"},
    }
    allowed |= {"part-target": {"hold-back", "part-too-short"}, "hold-back": set()}
    assert found <= {rule} | allowed.get(rule, set())


def test_what_the_85_percent_rule_excuses():
    short = 'DURATION=0.10000,URI="ab12/{}.m4s"'
    for name, attribute in (("p9", ""), ("p21", ""), ("p6", ",INDEPENDENT=YES"), ("p6", ",GAP=YES")):
        old = f'DURATION=0.20000,URI="ab12/{name}.m4s"'
        assert old in TEXT
        shorter = TEXT.replace(old, short.format(name) + attribute)
        assert "part-too-short" not in _faults(shorter), name


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("MEDIA-SEQUENCE:100", "MEDIA-SEQUENCE:99"), "number-back"),
        (("TARGETDURATION:1", "TARGETDURATION:2"), "target-grows"),
        (("ab12/s102.m4s", "ab12/x102.m4s"), "segment-changed"),
        (("09:30:02.000Z", "09:30:02.100Z"), "segment-changed"),
        (("DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:1"), "discontinuity-sequence"),
        (('DURATION=0.20000,URI="ab12/p20', 'DURATION=0.19000,URI="ab12/p20'), "segment-changed"),
    ],
)
def test_a_playlist_that_breaks_with_its_past(change, rule):
    source = _source()
    before = parse_media(source.text(), URL)
    source.frames(5)
    after = source.text()
    assert list(succession_faults(before, parse_media(after, URL))) == []
    assert change[0] in after
    broken = parse_media(after.replace(*change), URL)
    assert rule in {fault.rule for fault in succession_faults(before, broken)}


def test_a_window_may_grow_but_not_shrink_below_three_target_durations():
    states = [_source(25 * seconds + 1).text() for seconds in (1, 2)]
    before, after = (parse_media(text, URL) for text in states)
    assert list(succession_faults(before, after)) == []
    gone = (
        states[1].replace("SEQUENCE:100", "SEQUENCE:101", 1).replace("#EXTINF:1.00000,\nab12/s100.m4s\n", "")
    )
    assert "window" in {fault.rule for fault in succession_faults(before, parse_media(gone, URL))}


def test_discontinuities_that_leave_are_counted():
    source = _source(30)
    source.segmenter.begin()
    source.begin()
    source.index = 0
    source.frames(25 * 9)
    before = parse_media(source.text(), URL)
    source.frames(25 * 6)
    after = source.text()
    assert "DISCONTINUITY-SEQUENCE:1" in after
    assert list(succession_faults(before, parse_media(after, URL))) == []
    wrong = parse_media(after.replace("DISCONTINUITY-SEQUENCE:1", "DISCONTINUITY-SEQUENCE:0"), URL)
    assert [fault.rule for fault in succession_faults(before, wrong)] == ["discontinuity-sequence"]


def test_a_delta_update_stands_for_the_whole():
    source = _source(25 * 10)
    before = parse_media(source.text(), URL)
    source.frames(5)
    delta = parse_media(source.text(skip=True), URL)
    assert delta.skipped >= 3
    assert (
        merge(before, delta) == parse_media(source.text(), URL)
        or delta.listed == parse_media(source.text(), URL).listed
    )
    assert list(succession_faults(before, delta)) == []
    with pytest.raises(PlaylistError, match="never listed"):
        merge(
            parse_media(TEXT.replace("SEQUENCE:100", "SEQUENCE:900"), URL),
            parse_media(source.text(skip=True), URL),
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "#EXTM3U\n#EXT-X-TARGETDURATION:x\n",
        "#EXTM3U\n#EXTINF:-1,\na.ts\n",
        "#EXTM3U\n#EXTINF:nan,\na.ts\n",
        "#EXTM3U\n#EXT-X-PART:DURATION=1\n",
        "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n",
        "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-03-14T09:30:00\n",
        "#EXTM3U\n#EXT-X-MAP:BYTERANGE=x\n",
    ],
)
def test_what_is_no_playlist(text):
    with pytest.raises(PlaylistError):
        parse_media(text, URL)


def test_byte_ranges_follow_one_another():
    text = (
        '#EXTM3U\n#EXT-X-PART:DURATION=1,URI="a.m4s",BYTERANGE="10@5"\n#EXT-X-PART:DURATION=1,URI="a.m4s",BYTERANGE="7"\n'
        "#EXT-X-BYTERANGE:17@5\n#EXTINF:2,\na.m4s\n"
    )
    segment = parse_media(text, URL).segments[0]
    assert [(part.piece.length, part.piece.offset) for part in segment.parts] == [(10, 5), (7, 15)]
    assert segment.piece is not None
    assert (segment.piece.length, segment.piece.offset) == (17, 5)


def test_variants():
    text = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="avc1.4,mp4a.40.2"\na/b.m3u8\n'
    (variant,) = parse_multivariant(text, URL)
    assert (variant.url, list(variant_faults([variant]))) == ("https://live.example.org/hls/x/a/b.m3u8", [])
    poor = parse_multivariant("#EXTM3U\n#EXT-X-STREAM-INF:RESOLUTION=1x1\nb.m3u8\n", URL)
    assert {fault.rule for fault in variant_faults(poor)} == {"bandwidth", "codecs-missing"}
    with pytest.raises(PlaylistError):
        parse_multivariant("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n", URL)


def _media() -> tuple[Source, MediaCheck]:
    source, check = Source(), MediaCheck()
    source.segmenter.receive_audio(0, EVEN_AUDIO_HEADER, source.now)
    source.frames(25 * 4 + 12)
    assert list(check.begin(source.playlist.inits[0])) == []
    return source, check


def _take(check: MediaCheck, source: Source, number: int, **said) -> set[str]:
    part = source.playlist.part(number)
    given = {"independent": part.independent, "starts_segment": False} | said
    return {
        fault.rule for fault in check.take("part", given.pop("data", part.data), part.ticks / 90_000, **given)
    }


def test_parts_of_our_origin_are_continuous():
    source, check = _media()
    assert [_take(check, source, number, starts_segment=number % 5 == 0) for number in range(20)] == [
        set()
    ] * 20
    assert check.files == 20


def test_media_that_breaks_a_rule():
    source, check = _media()
    assert _take(check, source, 0) == set()
    assert _take(check, source, 2) == {"media-time"}
    check.forget()
    assert _take(check, source, 6, independent=True) == {"media-independent"}
    assert _take(check, source, 7, starts_segment=True) == {"segment-independent"}
    check.forget()
    for data in (b"", b"x" * 100, source.playlist.part(8).data[:-1], source.playlist.inits[0]):
        assert _take(check, source, 8, data=data) == {"media-format"}
    long = {fault.rule for fault in check.take("part", source.playlist.part(0).data, 2.0, independent=True)}
    assert long == {"duration-honest"}
    assert {fault.rule for fault in check.begin(b"no init")} == {"media-format"}


def test_a_part_is_not_the_segment():
    source = _source()
    segment = parse_media(source.text(), URL).segments[0]
    parts = [part.data for part in source.playlist.segments[0].parts]
    assert list(parts_are_segment(segment, parts, b"".join(parts))) == []
    assert [fault.rule for fault in parts_are_segment(segment, parts, b"".join(parts[1:]))] == [
        "segment-parts"
    ]


@pytest.mark.parametrize(
    ("attributes", "rules"),
    [
        ({"CODECS": "avc1.42c01e,mp4a.40.2", "RESOLUTION": "640x360"}, []),
        ({"CODECS": "AVC1.42C01E,mp4a.40.2"}, ["codecs-wrong"]),
        ({"CODECS": "avc1.64001f,mp4a.40.2"}, ["codecs-wrong"]),
        ({"CODECS": "avc1.42c01e"}, ["codecs-wrong"]),
        ({"CODECS": "avc1.42c01e,mp4a.40.2,ec-3"}, ["codecs-wrong"]),
        ({"RESOLUTION": "1280x720"}, ["resolution"]),
        ({}, []),
    ],
)
def test_what_variants_say_of_the_media(attributes, rules):
    _, check = _media()
    assert sorted({fault.rule for fault in check.compare(Variant(URL, attributes))}) == rules


def test_fragments_of_other_packagers():
    tracks = parse_init(_source().playlist.inits[0])
    # Sizes and durations by default, the first sample's flags apart, two runs.
    header = full_box(b"tfhd", 0, 0x020038, struct.pack(">IIII", 1, 3600, 4, 0x01010000))
    runs = [
        full_box(b"trun", 0, 0x000005, struct.pack(">IiI", 2, 0, 0x02000000)),
        full_box(b"trun", 0, 0x000001, struct.pack(">Ii", 3, 0)),
    ]
    moof = box(b"moof", box(b"traf", header, full_box(b"tfdt", 0, 0, struct.pack(">I", 7200)), *runs))
    run = parse_fragments(moof + box(b"mdat", bytes(20)), tracks)[1]
    assert (run.start, run.end, run.first_is_sync, run.has_sync) == (7200, 7200 + 5 * 3600, True, True)
    for broken in (moof, box(b"mdat", bytes(20)) + moof, moof + box(b"mdat", bytes(19)), moof[:-8]):
        with pytest.raises(MediaFormatError):
            parse_fragments(broken, tracks)


def test_mpeg_ts_is_known_by_its_packets():
    check = MediaCheck()
    assert list(check.begin(None)) == []
    packet = b"\x47" + bytes(187)
    assert list(check.take("a.ts", packet * 3, 1, independent=False)) == []
    assert [fault.rule for fault in check.take("b.ts", packet + b"x", 1, independent=False)] == [
        "media-format"
    ]


def test_every_rule_has_a_section_and_a_topic():
    assert all(rule.topic and rule.section for rule in RULES.values())
