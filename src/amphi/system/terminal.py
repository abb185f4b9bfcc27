"""Messages of commands in the terminal, in French or English by the shell's locale."""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

_reader: ContextVar[str] = ContextVar("reader", default="")


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Use `language` instead of the shell's, where a page shows what a command says."""
    token = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(token)


def language() -> str:
    """``fr`` or ``en``, by the first of LC_ALL, LC_MESSAGES and LANG that is set."""
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
