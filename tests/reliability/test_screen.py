"""What a listener's screen showed, judged from what was noted on the page."""

from tests.reliability.screen import Shown, judge

KILLED_MS = 100_000.0


def seen(frames: list[int], *, words: list[int], unread: dict[int, int], pictures: list[tuple[int, int]]):
    """What the page notes; times in ms since the kill, looks each half second, pictures as when they were shown and taken."""
    looks = [
        [KILLED_MS + at, at in words, max((n for since, n in unread.items() if since <= at), default=0)]
        for at in range(0, 8000, 500)
    ]
    return {
        "frames": [KILLED_MS + at for at in frames],
        "looks": looks,
        "pictures": [{"at": KILLED_MS + shown, "age": shown - taken} for shown, taken in pictures],
        "opened": 1.0,
    }


def test_nothing_is_judged_while_only_pictures_of_before_came():
    before = seen([0, 400], words=[], unread={}, pictures=[(400, -300), (800, 200)])
    assert judge("origin", KILLED_MS, 1.0, before) is None


def test_slate_is_no_standstill():
    frames = [*range(0, 900, 40), *range(1600, 4000, 40)]
    found = seen(frames, words=[], unread={1600: 3}, pictures=[(400, -300), (4000, 3200)])
    assert judge("ffmpeg", KILLED_MS, 1.0, found) == Shown("ffmpeg", 0.7, 4.0, "slate", 0)


def test_words_end_a_standstill_and_a_page_that_was_loaded_again_is_told():
    found = seen([*range(0, 900, 40)], words=[2500, 3000, 3500], unread={}, pictures=[(4200, 3900)])
    assert judge("origin", KILLED_MS, 2.0, found) == Shown("origin", 1.6, 4.2, "words", 1)
