"""What a simulated player reads in playlists."""

import gzip

import pytest

from amphi.loadtest.playlists import media_playlist, variants

HEAD = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,HOLD-BACK=3.0,PART-HOLD-BACK=0.600
#EXT-X-PART-INF:PART-TARGET=0.200
#EXT-X-MEDIA-SEQUENCE:7
"""
WHOLE = (
    HEAD
    + """#EXT-X-MAP:URI="k/i0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T12:00:00.000Z
#EXTINF:0.40000,
k/s7.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T12:00:00.400Z
#EXT-X-PART:DURATION=0.20000,URI="k/p2.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.20000,URI="k/p3.m4s"
#EXTINF:0.40000,
k/s8.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-26T12:00:00.800Z
#EXT-X-PART:DURATION=0.20000,URI="k/p4.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.20000,URI="k/p5.m4s"
"""
)


def test_parts_have_their_places_and_times():
    found = media_playlist(WHOLE.encode())
    assert [part.place for part in found.parts] == [(8, 0), (8, 1), (9, 0), (9, 1)]
    begin = found.parts[0].ends_at
    assert [round(part.ends_at - begin, 3) for part in found.parts] == [0, 0.2, 0.4, 0.6]
    assert (found.init, found.next, found.blocks, found.skips) == ("k/i0.mp4", (9, 2), True, True)


def test_after_a_whole_segment_the_next_one_is_asked_for():
    found = media_playlist((WHOLE + "#EXTINF:0.40000,\nk/s9.m4s\n").encode())
    assert found.next == (10, 0)


def test_a_player_begins_with_an_independent_part_that_is_far_enough_from_the_end():
    found = media_playlist(WHOLE.encode())
    assert [part.uri for part in found.beginning()] == ["k/p2.m4s", "k/p3.m4s", "k/p4.m4s", "k/p5.m4s"]


def test_a_delta_update_counts_what_it_skips():
    skipped = HEAD + '#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PART:DURATION=0.2,URI="k/p9.m4s"\n'
    found = media_playlist(skipped.encode())
    assert (found.parts[0].place, found.parts[0].ends_at, found.init) == ((10, 0), 0, "")


def test_the_end():
    assert media_playlist((WHOLE + "#EXT-X-ENDLIST\n").encode()).has_ended
    assert not media_playlist(WHOLE.encode()).has_ended


def test_compressed_and_plain_are_the_same():
    assert media_playlist(gzip.compress(WHOLE.encode())) == media_playlist(WHOLE.encode())


@pytest.mark.parametrize("body", [b"", b"no playlist", b"\x1f\x8bbroken", b'#EXTM3U\n#EXT-X-PART:URI="a"\n'])
def test_what_is_no_playlist_is_refused(body):
    with pytest.raises(ValueError, match=r".+"):
        media_playlist(body)


def test_variants():
    several = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nroom/main.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nroom/sound.m3u8\n"
    assert variants(several) == ("room/main.m3u8", "room/sound.m3u8")
    assert variants(WHOLE.encode()) == ()
