"""Reading settings by name and type: from the operator's ``settings_local.py``, else from the environment, else the default.

A name of Esup-Pod keeps its name; in the environment ``AMPHI_`` stands before it. A value of the wrong type stops the platform with
a message that names the setting, and never shows its value, which may be a secret.
"""

import ast
import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from amphi.environment import InvalidSettingError, parse_address

PREFIX = "AMPHI_"
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


def read_settings_local(file: Path) -> dict[str, object]:
    """The upper-case names of an operator's Python file; none when there is no such file."""
    if not file.is_file():
        return {}
    return {name: value for name, value in runpy.run_path(str(file)).items() if name.isupper()}


class Configuration:
    """The settings as given, read one by one.

    Args:
        local: what ``settings_local.py`` says.
        environ: the environment.

    Attributes:
        known: the names that were read, so that a test can hold the documentation to them.
    """

    def __init__(self, local: Mapping[str, object], environ: Mapping[str, str] | None = None) -> None:
        self._local = dict(local)
        self._environ = os.environ if environ is None else environ
        self.known: set[str] = set()

    @property
    def others(self) -> dict[str, object]:
        """What the file says besides: Django's own settings, taken as they are."""
        return {name: value for name, value in self._local.items() if name not in self.known}

    def _given(self, name: str) -> object | None:
        self.known.add(name)
        if name in self._local:
            return self._local[name]
        variable = name if name.startswith(PREFIX) else PREFIX + name
        return self._environ.get(variable, "").strip() or None

    def text(self, name: str, default: str = "") -> str:
        """A text, stripped."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise InvalidSettingError(name, "must be a text")
        return value.strip()

    def url(self, name: str, default: str = "") -> str:
        """An http(s) address without a slash at its end; may be empty."""
        value = self.text(name, default)
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise InvalidSettingError(name, "must be an address that begins with https:// or http://")
        return value.rstrip("/")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false; as text also ``1 yes on`` and ``0 no off``."""
        value = self._given(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if isinstance(value, str) and value.lower() in _YES | _NO:
            return value.lower() in _YES
        raise InvalidSettingError(name, "must be True or False")

    def number(self, name: str, default: int, *, minimum: int = 0) -> int:
        """A whole number of at least `minimum`."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidSettingError(name, "must be a whole number")
        if value < minimum:
            raise InvalidSettingError(name, f"must be at least {minimum}")
        return value

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Several texts: a list, a tuple, Python's notation of one between quotes (as Esup-Pod's page has it), or commas."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, str):
            value = self._words_of(name, value)
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise InvalidSettingError(name, "must be a list of texts")
        return tuple(word.strip() for word in value if word.strip())

    @staticmethod
    def _words_of(name: str, value: str) -> object:
        if value[:1] not in {"[", "("}:
            return value.split(",")
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise InvalidSettingError(name, "must be a list of texts") from None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some texts."""
        value = self.text(name, default)
        if value not in choices:
            raise InvalidSettingError(name, f"must be one of {', '.join(choices)}")
        return value

    def path(self, name: str, default: Path) -> Path:
        """A path; ``~`` is the home folder."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, str | Path):
            raise InvalidSettingError(name, "must be a path")
        return Path(value).expanduser()

    def address(self, name: str, default: str) -> tuple[str, int]:
        """A ``host:port`` to listen on."""
        return parse_address(self.text(name, default), name)
