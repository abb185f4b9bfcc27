"""Updates of BigBlueButton's transcription, put together to sentences."""

import pytest

from amphi.bigbluebutton import transcripts

WORDS = [f"mot{number}" for number in range(60)]


def window(count: int, per_line: int = 8, lines: int = 2) -> str:
    """As ``parseTranscript`` writes the first `count` words."""
    grouped = [" ".join(WORDS[:count][at : at + per_line]) for at in range(0, count, per_line)]
    return "\n".join(grouped[-lines:])


@pytest.mark.parametrize(("per_line", "lines"), [(8, 2), (6, 3)])
@pytest.mark.parametrize("step", [1, 3, 7])
def test_windows_are_put_together(per_line, lines, step):
    text = ""
    for count in range(1, len(WORDS) + 1, step):
        text = transcripts.continued(text, window(count, per_line, lines))
        assert text.split() == WORDS[:count]


@pytest.mark.parametrize(
    ("so_far", "update", "wanted"),
    [
        ("", "bonjour", "bonjour"),
        ("bonjour", "Bonjour à tous", "Bonjour à tous"),
        # All of it, as later versions send it.
        (" ".join(WORDS[:30]), " ".join(WORDS[:31]), " ".join(WORDS[:31])),
        # The recogniser changed its mind.
        ("a b c d e f g h i j", "a b c d e f g h\ny z k", "a b c d e f g h y z k"),
        ("a b c d e f g h i j", "a b c d e f g X\nz", "a b c d e f g X z"),
        # Updates got lost: so did their words.
        ("a b c d e f g h i", "1 2 3 4 5 6 7 8\n9", "a b c d e f g h i 1 2 3 4 5 6 7 8 9"),
        # The first ones did.
        ("", "1 2 3 4 5 6 7 8\n9", "1 2 3 4 5 6 7 8 9"),
        ("a b", "\nc", "c"),
    ],
)
def test_update(so_far, update, wanted):
    assert transcripts.continued(so_far, update) == wanted
