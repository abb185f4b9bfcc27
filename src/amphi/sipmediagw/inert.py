"""Text that no shell reads anything into.

SIPMediaGW hands a chat message to a shell: ``$(…)`` in it would run as root. So only letters, digits, spaces and a small set of
punctuation are sent to it; everything else becomes a look-alike or goes.
"""

import unicodedata

_KEPT_PUNCTUATION = frozenset(".,:!?@%+-_/=")
_LOOK_ALIKES = {
    "'": "’",
    '"': "”",
    "`": "ˋ",
    "$": "💲",
    "\\": "⧵",
    ";": "⁏",
    "&": "⅋",
    "|": "∣",
    "<": "‹",
    ">": "›",
    "(": "❨",
    ")": "❩",
    "[": "❲",
    "]": "❳",
    "{": "❴",
    "}": "❵",
    "*": "∗",
    "#": "♯",
    "~": "∼",
    "^": "ˆ",
}
_KEPT_CATEGORIES = ("L", "M", "N", "P", "S")


def inert(text: str) -> str:
    """Make a text inert for a shell, as readable as can be.

    Compatibility forms are made plain first, so that nobody further on can turn a full-width ``＄`` back into a ``$``. Control and
    invisible characters go; every space is one plain space; a dash that leads, and could be read as an option, is an en dash.
    """
    plain = unicodedata.normalize("NFKC", text)
    line = " ".join("".join(_inert(character) for character in plain).split())
    return f"–{line[1:]}" if line.startswith("-") else line


def _inert(character: str) -> str:
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    if character.isspace():
        return " "
    if character.isascii():
        return character if character.isalnum() or character in _KEPT_PUNCTUATION else ""
    return character if unicodedata.category(character)[0] in _KEPT_CATEGORIES else ""


def spoken_by(author: str, text: str) -> str:
    """A chat message with its author, inert."""
    return inert(f"{author}: {text}") if author.strip() else inert(text)
