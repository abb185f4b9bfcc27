"""What commands say to the person at the terminal: French or English, as the shell's locale asks."""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

_reader: ContextVar[str] = ContextVar("reader", default="")


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak `language` instead: what a command says is shown in a page."""
    token = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(token)


def language() -> str:
    """``fr`` or ``en``, as LC_ALL, LC_MESSAGES and LANG say, in POSIX's order."""
    if _reader.get():
        return "fr" if _reader.get().startswith("fr") else "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def say(*, en: str, fr: str) -> str:
    """The sentence in the language of the terminal."""
    return fr if language() == "fr" else en
