"""What is kept of what people typed, and what counts as nothing."""

import unicodedata

import pytest

from amphi.system.typed import clean_line, clean_text, shows_nothing

NOTHING = [
    "",
    " \t\r\n ",
    "\u00a0\u202f\u2003\u3000",  # spaces
    "\u200b",  # zero width space
    "\u2060\u200d\ufeff",
    "\u200e\u200f\u061c",  # marks of direction
    "\u202e\u202c",  # an override
    "\u3164",  # Hangul filler
    "\uffa0\u115f\u1160",
    "\u2800",  # braille blank
    "\u00ad",  # soft hyphen
    "\u034f",
    "\u17b4\u17b5",
    "\u180b\u180e",
    "\ufe0f",  # variation selectors
    "\U000e0100",
    "\U000e0061\U000e007f",  # tags
    "\U0001d159",  # a musical null
    "\ufffc",
    "\ufff9\ufffb",
    "\x00\x1b",
    "\u2028\u2029",
    "\ufdd0\uffff",
]
WHOLE = [
    "علی\u200cرضا",
    "ශ්\u200dරී ලංකා",
    "क्\u200dष",
    "Léa 👩\u200d🎓",
    "👨\u200d👩\u200d👧\u200d👦",
    "❤\ufe0f",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
    "葛\U000e0100城",
    "O’Brien-Ñandú",
    "Ο\u0301",
    "⠃⠗",
    "1",
    "\ue000",  # of somebody's own font
]


@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_what_shows_nothing_is_empty(text):
    assert shows_nothing(text)
    assert clean_line(text) == clean_text(text) == ""


@pytest.mark.parametrize("text", WHOLE, ids=ascii)
def test_what_belongs_to_a_word_stays(text):
    assert not shows_nothing(text)
    assert clean_line(text) == clean_text(text) == text


def test_every_character_that_is_ignorable_or_blank_shows_nothing():
    """All of Unicode: what is a space, a control or a format character is nothing, what is a letter or digit is something."""
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category[0] == "Z" or category == "Cc":
            assert shows_nothing(chr(code)), hex(code)
        if category in {"Ll", "Lu", "Nd", "Sc"}:
            assert not shows_nothing(chr(code)), hex(code)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("  Zoé\r\n\tMartin ", "Zoé Martin"),
        ("Zo\u200bé", "Zoé"),
        ("Zoé\x00Martin", "Zoé Martin"),
        ("\u202eeoZ", "eoZ"),
        ("Zoé\ufeff", "Zoé"),
        ("Zoé\u3164\u3164", "Zoé"),
        ("Zoé\uffff", "Zoé"),
        # French spaces its signs with spaces that don't break.
        ("On\u00a0: qui\u202f?\u202f", "On\u00a0: qui\u202f?"),
        ("On \u202f \u00a0qui", "On qui"),
    ],
)
def test_line(typed, line):
    assert clean_line(typed) == line


def test_text_keeps_its_lines():
    assert clean_text(" un\r\ndeux\rtrois\x07\u202e \n") == "un\ndeux\ntrois"
