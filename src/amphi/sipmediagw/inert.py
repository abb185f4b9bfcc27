"""Makes text safe for a shell.

SIPMediaGW passes chat messages to a shell, where ``$(…)`` would run as root. So only letters, digits, spaces and a few punctuation
marks are sent to it. Other characters are replaced by similar ones or removed.
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
    """Make a text safe for a shell and keep it readable.

    Compatibility forms are normalised first, so that nothing later turns a full-width ``＄`` into a ``$``. Control and invisible
    characters are removed, and runs of spaces become one. A leading dash, which could look like an option, becomes an en dash.
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
    """A chat message with its author's name, safe for a shell."""
    return inert(f"{author}: {text}") if author.strip() else inert(text)
