"""What a caption is: divided, read, written as WebVTT."""

from datetime import UTC, datetime, timedelta

import pytest

from amphi.audience.captions import cues, shown_again
from amphi.audience.captions.cues import Cue
from amphi.audience.replays.timeline import Span

AT = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
LINE = "quarante et un caractères, avec des blancs"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("  Bonjour   à tous ", ["Bonjour à tous"]),
        (f"{LINE} {LINE[:-1]}", [f"{LINE} {LINE[:-1]}"]),
        (f"{LINE} {LINE}", [f"{LINE} {LINE[:-7]}", "blancs"]),
        ("x" * 90, ["x" * 84, "x" * 6]),
        (f"court {'x' * 90} fin", ["court", "x" * 84, "xxxxxx fin"]),
    ],
)
def test_text_is_divided_between_words(text, wanted):
    assert cues.divided(text) == wanted


def test_text_that_grows_keeps_its_first_pieces():
    words = [f"mot{number}" for number in range(80)]
    last: list[str] = []
    for number in range(1, len(words) + 1):
        found = cues.divided(" ".join(words[:number]))
        assert found[: len(last) - 1] == last[:-1]
        assert all(len(one) <= cues.LONGEST_PIECE for one in found)
        last = found
    assert " ".join(last) == " ".join(words)


def test_pieces_share_the_time_of_their_sentence():
    found = cues.pieces("a" * 84 + " " + "b" * 42, AT, AT + timedelta(seconds=6))
    assert [(one.at, one.until, one.text[0]) for one in found] == [
        (AT, AT + timedelta(seconds=4), "a"),
        (AT + timedelta(seconds=4), AT + timedelta(seconds=6), "b"),
    ]


@pytest.mark.parametrize(("letters", "wanted"), [(1, 1.2), (30, 2.0), (84, 5.6), (500, 7.0)])
def test_time_to_read(letters, wanted):
    assert cues.reading_time("x" * letters).total_seconds() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        # Too short to be read: longer, until the next one.
        ([(0, 0.2), (5, 6)], [1.2, 6.2]),
        ([(0, 0.2), (1, 2)], [1.0, 2.2]),
        # Never two at once; out of order.
        ([(4, 9), (0, 8)], [4, 9]),
        # At one moment, both are seen.
        ([(0, 2), (0, 2)], [2, 2]),
        ([], []),
    ],
)
def test_captions_of_a_replay_are_there_long_enough(given, ends):
    found = cues.placed(Cue(start, end, "Oui.") for start, end in given)
    assert [cue.end_s for cue in found] == pytest.approx(ends)
    assert [cue.start_s for cue in found] == sorted(start for start, _end in given)


def test_webvtt():
    assert cues.vtt([Cue(0, 1.5, "a < b & c"), Cue(3723.0005, 3724, "x -->\n\ny")]) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.500\na &lt; b &amp; c\n\n"
        "01:02:03.000 --> 01:02:04.000\nx --&gt; y\n"
    )
    assert cues.vtt([]) == "WEBVTT\n"


def test_place_of_what_came_twice_is_where_the_live_went_on():
    wall_ms = round(AT.timestamp() * 1000)
    spans = [Span(wall_ms, 0, 10_000), Span(wall_ms + 9_000, 10_000, 5_000)]
    assert shown_again.place_s(spans, AT + timedelta(seconds=9.5)) == pytest.approx(10.5)


@pytest.mark.parametrize(
    ("said_s", "place_s"),
    [(-0.1, None), (0, 0), (9.9, 9.9), (10, None), (19, None), (20, 10), (24.5, 14.5), (25, None)],
)
def test_place_in_a_replay_with_a_gap(said_s, place_s):
    wall_ms = round(AT.timestamp() * 1000)
    spans = [Span(wall_ms, 0, 10_000), Span(wall_ms + 20_000, 10_000, 5_000)]
    found = shown_again.place_s(spans, AT + timedelta(seconds=said_s))
    assert found == (None if place_s is None else pytest.approx(place_s))
