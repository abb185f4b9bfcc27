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
MARKS_ON_ONE = 4
"""Marks on one character: no script needs more, and a pile of them covers what stands around it."""
_BLANK = frozenset("ZC")
_PRIVATE = "Co"


def _is_kept(character: str) -> bool:
    category = unicodedata.category(character)
    # XML, in which meeting servers answer, forbids noncharacters too.
    return category not in {"Cc", "Cs"} and not (category == "Cn" and _is_noncharacter(ord(character)))


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE  # noqa: PLR2004 -- Unicode, section 23.7


def _without_piles(text: str) -> str:
    """`text` with at most `MARKS_ON_ONE` marks on each character."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= MARKS_ON_ONE:
            kept.append(character)
    return "".join(kept)


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
    return "" if shows_nothing(kept) else _without_piles(kept).strip()


_SPACES = re.compile(r"\s+")
_NO_BREAK = {"\u00a0", "\u202f"}
"""Spaces that stay what they are where they stand alone: French has them before ? ! ; and a colon."""


def clean_line(text: str) -> str:
    """`text` on one line, such as a name. Invisible characters go, except the joiners that Persian, Indic scripts and emoji need.

    Returns:
        The line; empty if nothing is visible.
    """
    visible = _INVISIBLE_IN_NAMES.sub("", _OVERRIDES.sub("", text))
    kept = "".join(character if _is_kept(character) else " " for character in visible)
    line = _SPACES.sub(lambda found: found[0] if found[0] in _NO_BREAK else " ", kept.strip())
    return "" if shows_nothing(line) else _without_piles(line)


# Letters of other scripts that look like Latin ones (Unicode's confusables, those in common fonts).
_LOOKALIKES = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04cf\u0501\u051b\u051d\u0432\u043d\u043a\u043c\u0442"
    "\u03b1\u03b5\u03bf\u03c1\u03c5\u03b9\u03ba\u03bd\u03c4\u03c7\u03b3\u0131",
    "ABEKMHOPCTXIJSABEZHIKMNOPTYXaeopcyxijsldqwbhkmtaeopuikvtxyi",
)


def folded(text: str) -> str:
    """`text` without case, accents, invisible characters and letters that only look Latin: to compare, never to show."""
    plain = unicodedata.normalize("NFKD", _SHOWS_NOTHING.sub("", text)).translate(_LOOKALIKES).casefold()
    bare = "".join(
        character for character in plain if unicodedata.category(character) not in {"Mn", "Me", "Cf"}
    )
    return bare.translate(_LOOKALIKES)
