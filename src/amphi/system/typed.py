"""Cleans what people type (names, titles, messages), and tells whether anything of it is visible."""

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and blanks that Unicode classes as letters or symbols.
_SHOWS_NOTHING = re.compile(
    "["
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
# They reverse the direction of the text that follows, also outside the message.
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Never part of a word. Joiners, direction marks, variation selectors and tags (flags) may be, so they stay.
_INVISIBLE_IN_NAMES = re.compile(
    "[\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc]"
)
_BLANK = frozenset("ZC")
_PRIVATE = "Co"


def _is_kept(character: str) -> bool:
    category = unicodedata.category(character)
    # XML, in which meeting servers answer, forbids noncharacters too.
    return category not in {"Cc", "Cs"} and not (category == "Cn" and _is_noncharacter(ord(character)))


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE  # noqa: PLR2004 -- Unicode, section 23.7


def shows_nothing(text: str) -> bool:
    """Whether `text` has no visible character."""
    return all(
        unicodedata.category(character)[0] in _BLANK and unicodedata.category(character) != _PRIVATE
        for character in _SHOWS_NOTHING.sub("", text)
    )


def clean_text(text: str) -> str:
    """`text`, line breaks kept, without control characters, direction overrides and surrounding space; empty if nothing is visible."""
    lines = _OVERRIDES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(character for character in lines if character == "\n" or _is_kept(character))
    return "" if shows_nothing(kept) else kept.strip()


def clean_line(text: str) -> str:
    """`text` on one line, such as a name. Invisible characters go, except the joiners that Persian, Indic scripts and emoji need.

    Returns:
        The line; empty if nothing is visible.
    """
    visible = _INVISIBLE_IN_NAMES.sub("", _OVERRIDES.sub("", text))
    line = " ".join("".join(character if _is_kept(character) else " " for character in visible).split())
    return "" if shows_nothing(line) else line
