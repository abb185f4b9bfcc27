"""From recordings to a replay: which chunks, which playlist, which moment."""

from datetime import UTC, datetime, timedelta

import pytest

from amphi.audience.replays import timeline
from amphi.audience.replays.timeline import Span
from amphi.system.recordings import TICKS_PER_S, Chunk

EIGHT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
EIGHT_MS = round(EIGHT.timestamp() * 1000)


def at(seconds: float) -> datetime:
    return EIGHT + timedelta(seconds=seconds)


def chunks(
    recording: str, first_s: float, count: int, *, init: str = "i.mp4", gap: bool = False
) -> list[Chunk]:
    """`count` chunks of two seconds from a moment on."""
    return [
        Chunk(
            recording,
            f"{recording}{number}.m4s",
            init,
            round(EIGHT_MS + 1000 * (first_s + 2 * number)),
            gap and number == 0,
            2 * TICKS_PER_S,
            100,
        )
        for number in range(count)
    ]


def names(found: list[Chunk]) -> str:
    return " ".join(one.name.removesuffix(".m4s") for one in found)


@pytest.mark.parametrize(
    ("recordings", "joined"),
    [
        ([], ""),
        ([chunks("a", 0, 2), []], "a0 a1"),
        # Whatever the order in which they are found.
        ([chunks("b", 10, 1), chunks("a", 0, 2)], "a0 a1 b0"),
        # One that takes over while the one before goes on.
        ([chunks("a", 0, 4), chunks("b", 4, 2)], "a0 a1 b0 b1"),
        ([chunks("a", 0, 4), chunks("b", 3.5, 2)], "a0 a1 b0 b1"),
        ([chunks("a", 0, 2), chunks("b", 2.9, 1)], "a0 b0"),
    ],
)
def test_recordings_are_joined_in_their_order(recordings, joined):
    assert names(timeline.join(recordings)) == joined


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        (0, None, "a0 a1 a2"),
        (0, 6, "a0 a1 a2"),
        # Not a frame of what is before or after.
        (0.002, 5.998, "a1"),
        (2, 4, "a1"),
        (6, None, ""),
        (-9, 0, ""),
    ],
)
def test_cut_shows_nothing_of_what_is_before_or_after(start, end, left):
    cut = timeline.cut(chunks("a", 0, 3), at(start), at(end) if end is not None else None)
    assert names(cut) == left


def test_both_times_correspond_over_gaps_and_drift():
    drifting = chunks("a", 0, 3)
    drifting[1].at_ms += 200
    found = timeline.spans([*drifting, *chunks("b", 60, 2)])
    assert found == [Span(EIGHT_MS, 0, 6000), Span(EIGHT_MS + 60_000, 6000, 4000)]
    places = {-5: 0, 0: 0, 5: 5, 5.5: 5.5, 30: 6, 60: 6, 62.5: 8.5, 64: None, 99: None}
    assert {seconds: timeline.media_s(found, at(seconds)) for seconds in places} == places
    assert timeline.spans([]) == []
    assert timeline.media_s([], EIGHT) is None


def test_what_came_twice_is_where_the_live_went_on():
    # The second chunk has a second of what was before: another publisher followed, which had kept it.
    found = timeline.spans([*chunks("a", 0, 2), *chunks("b", 3, 2)])
    assert found == [Span(EIGHT_MS, 0, 4000), Span(EIGHT_MS + 3000, 4000, 4000)]
    places = {2.9: 2.9, 3: 4, 3.5: 4.5, 4.5: 5.5, 7: None}
    assert {seconds: timeline.media_s(found, at(seconds)) for seconds in places} == places


def test_playlist_of_a_live_that_is_over():
    found = [*chunks("a", 0, 2), *chunks("a", 10, 1, init="j.mp4", gap=True), *chunks("b", 20, 1)]
    assert timeline.playlist(found, is_over=True, lengths={"a1.m4s": 77}).decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        '#EXT-X-MAP:URI="a/i.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-26T08:00:00.000Z\n"
        "#EXTINF:2.00000,\n"
        "a/a0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-26T08:00:02.000Z\n"
        "#EXTINF:2.00000,\n"
        "#EXT-X-BYTERANGE:77@0\n"
        "a/a1.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="a/j.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-26T08:00:10.000Z\n"
        "#EXTINF:2.00000,\n"
        "a/a0.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="b/i.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-26T08:00:20.000Z\n"
        "#EXTINF:2.00000,\n"
        "b/b0.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_playlist_of_a_live_that_runs_grows():
    text = timeline.playlist(chunks("a", 0, 1), is_over=False, lengths={}).decode()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in text
    assert "ENDLIST" not in text
