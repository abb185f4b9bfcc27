"""What commands say to the person at the terminal: French or English, as the shell's locale asks."""

import os


def language() -> str:
    """``fr`` or ``en``, as LC_ALL, LC_MESSAGES and LANG say, in POSIX's order."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def say(*, en: str, fr: str) -> str:
    """The sentence in the language of the terminal."""
    return fr if language() == "fr" else en
