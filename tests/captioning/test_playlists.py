"""What comes next in the playlists of a live's sound."""

import pytest

from amphi.captioning import playlists
from amphi.captioning.playlists import Unit

# As `amphi origin` writes it.
LOW_LATENCY = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=0.900
#EXT-X-PART-INF:PART-TARGET=0.300
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="ab/i0a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T14:00:00.000Z
#EXTINF:2.00000,
ab/s7a.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T14:00:02.000Z
#EXT-X-PART:DURATION=1.00000,URI="ab/p20a.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="ab/p21a.m4s",GAP=YES
#EXTINF:2.00000,
ab/s8a.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="ab/i1a.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T14:00:10.500Z
#EXT-X-PART:DURATION=0.30000,URI="ab/p22a.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.30000,URI="ab/p23a.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ab/p24a.m4s"
#EXT-X-RENDITION-REPORT:URI="main.m3u8",LAST-MSN=9,LAST-PART=1
"""
AT = 1795701600.0  # 2026-11-26T14:00:00Z

# As nginx-rtmp writes it: no times, no parts.
ORDINARY = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-TARGETDURATION:5
#EXTINF:5.000,
room-3.ts
#EXT-X-GAP
#EXTINF:5.000,
room-4.ts
#EXTINF:4.500,
room-5.ts
#EXT-X-ENDLIST
"""


def test_parts_and_segments_have_their_times():
    found = playlists.read(LOW_LATENCY)
    assert found.units == [
        Unit((7, -1), "ab/s7a.m4s", "ab/i0a.mp4", AT, 2.0),
        Unit((8, 0), "ab/p20a.m4s", "ab/i0a.mp4", AT + 2, 1.0),
        Unit((9, 0), "ab/p22a.m4s", "ab/i1a.mp4", AT + 10.5, 0.3, is_new=True),
        Unit((9, 1), "ab/p23a.m4s", "ab/i1a.mp4", AT + 10.8, 0.3),
    ]
    assert (found.target_s, found.blocks, found.ended, found.following) == (2.0, True, False, (9, 2))


def test_ordinary_playlist():
    found = playlists.read(ORDINARY)
    assert [unit.uri for unit in found.units] == ["room-3.ts", "room-5.ts"]
    assert {unit.at for unit in found.units} == {None}
    assert (found.blocks, found.ended, found.following) == (False, True, (6, 0))


def test_time_goes_on_where_only_the_first_segment_has_one():
    text = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-26T14:00:00Z\n#EXTINF:4,\na\n#EXTINF:4,\nb\n"
    assert [unit.at for unit in playlists.read(text).units] == [AT, AT + 4]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "#EXTM3U\n#EXTINF:long,\na",
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x",
        "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:now",
    ],
)
def test_what_is_no_playlist(text):
    assert playlists.read(text) is None


@pytest.mark.parametrize(
    ("variants", "wanted"),
    [
        ([("avc1.42c01e,mp4a.40.2", "main"), ("mp4a.40.2", "sound")], "sound"),
        ([("avc1.42c01e,mp4a.40.2", "main")], "main"),
        ([], ""),
    ],
)
def test_the_sound_alone_is_chosen_where_it_can_be_had(variants, wanted):
    lines = [f'#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="{codecs}"\n{name}.m3u8' for codecs, name in variants]
    found = playlists.sound_variant("\n".join(["#EXTM3U", *lines]))
    assert found == (f"{wanted}.m3u8" if wanted else "")
