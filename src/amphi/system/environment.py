"""The one typed reader of settings. It reads the operator's file first (platform only), then the environment.

An invalid value stops the service. The message names the setting and never shows its value, which may be a secret. An unknown name
that begins with ``AMPHI_`` stops it as well: otherwise the default would apply silently, and a user would find out much later.
"""

import ast
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from amphi.system.setting_names import NAMES

PREFIX = "AMPHI_"
TESTS_PREFIX = "AMPHI_TEST_"
"""Only tests read these names; they are never refused."""
NEAR = 0.8
"""Similarity, from 0 to 1, from which one name counts as a misspelling of another."""
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class InvalidSettingError(Exception):
    """A setting has an invalid value or an unknown name.

    Args:
        name: the setting, as the operator wrote it.
        reason: what is wrong, for the operator. Never contains the value, which may be a secret.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Reader:
    """The settings as given, read one by one.

    Args:
        local: the settings of the operator's file, which win over the environment. Empty for services without such a file.
        environ: the environment. Variables have the prefix ``AMPHI_``, unless the setting's name begins with it.
        file: the name of the operator's file in messages.

    Attributes:
        known: the names that were read; a test compares the documentation with them.
    """

    def __init__(
        self,
        local: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        file: str = "",
    ) -> None:
        self._local = dict(local or {})
        self._environ = os.environ if environ is None else environ
        self._file = file
        self.known: set[str] = set()

    @property
    def others(self) -> dict[str, object]:
        """The other names in the operator's file: Django's own settings, used unchanged."""
        return {name: value for name, value in self._local.items() if name not in self.known}

    def error(self, name: str, reason: str) -> InvalidSettingError:
        """The error for setting `name`, saying `reason` and where the setting was set."""
        where = f" (in {self._file})" if self._file and name in self._local else ""
        return InvalidSettingError(name + where, reason)

    def _given(self, name: str) -> object | None:
        self.known.add(name)
        if name in self._local:
            return self._local[name]
        variable = name if name.startswith(PREFIX) else PREFIX + name
        return self._environ.get(variable, "").strip() or None

    def text(self, name: str, default: str = "") -> str:
        """A text without surrounding space."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.error(name, "must be a text")
        return value.strip()

    def text_or_false(self, name: str) -> str:
        """A text; empty when it is false, as Esup-Pod has it."""
        return "" if self._given(name) is False else self.text(name)

    def url(self, name: str, default: str = "") -> str:
        """An http(s) address without a trailing slash; may be empty."""
        value = self.text(name, default)
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise self.error(name, "must be an address that begins with https:// or http://")
        return value.rstrip("/")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false. A text may be ``1 true yes on`` or ``0 false no off``, in any case."""
        value = self._given(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if isinstance(value, str) and value.lower() in _YES | _NO:
            return value.lower() in _YES
        raise self.error(name, "must be true or false")

    def integer(self, name: str, default: int, *, minimum: int = 0) -> int:
        """A whole number of at least `minimum`."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, str) and value.removeprefix("-").isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(name, "must be a whole number")
        if value < minimum:
            raise self.error(name, f"must be at least {minimum}")
        return value

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Several texts: a list or tuple, a text in Python's notation of one (as in Esup-Pod's documentation), or words between commas."""
        value = self._given(name)
        if value is None:
            return default
        if isinstance(value, str):
            value = self._words_of(name, value)
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise self.error(name, "must be a list of texts")
        return tuple(word.strip() for word in value if word.strip())

    def _words_of(self, name: str, value: str) -> object:
        if value[:1] not in {"[", "("}:
            return value.split(",")
        return self._literal(name, value, "must be a list of texts")

    def _literal(self, name: str, value: str, reason: str) -> object:
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise self.error(name, reason) from None

    def mapping(self, name: str, default: Mapping[str, str] | None = None) -> dict[str, str]:
        """Texts by text: a dictionary, or a text in Python's notation of one."""
        value = self.table(name)
        if not all(isinstance(one, str) for one in value.values()):
            raise self.error(name, "must be a dictionary of texts")
        return (
            dict(default or {})
            if self._given(name) is None
            else {key: str(one) for key, one in value.items()}
        )

    def table(self, name: str) -> dict[str, object]:
        """Values by name: a dictionary, or a text in Python's notation of one; empty when it is not set."""
        value = self._given(name)
        if isinstance(value, str):
            value = self._literal(name, value, "must be a dictionary")
        if value is not None and not (isinstance(value, dict) and all(isinstance(one, str) for one in value)):
            raise self.error(name, "must be a dictionary")
        return dict(value) if isinstance(value, dict) else {}

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some texts."""
        value = self.text(name, default)
        if value not in choices:
            raise self.error(name, f"must be one of {', '.join(choices)}")
        return value

    def path(self, name: str, default: Path) -> Path:
        """A path; ``~`` is the home folder."""
        value = self._given(name)
        if value is None:
            return default
        if not isinstance(value, str | Path):
            raise self.error(name, "must be a path")
        return Path(value).expanduser()

    def address(self, name: str, default: str) -> tuple[str, int]:
        """A ``host:port`` to listen on; an IPv6 host stands in brackets."""
        return parse_address(self.text(name, default), name)


def parse_address(value: str, name: str) -> tuple[str, int]:
    """Parse ``host:port``.

    Args:
        value: such as ``127.0.0.1:8000`` or ``[::1]:8000``.
        name: the setting or option, for the message.

    Raises:
        InvalidSettingError: the port is missing or outside 0–65535.
    """
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 -- the largest port there is
        raise InvalidSettingError(name, "must be HOST:PORT")
    return host.strip("[]"), int(port)


def nearest(name: str, names: frozenset[str] = NAMES) -> str | None:
    """The one of `names` that `name` probably misspells; None when none is similar."""
    return next(iter(get_close_matches(name, names, n=1, cutoff=NEAR)), None)


def refuse_unknown(environ: Mapping[str, str] | None = None) -> None:
    """Refuse unknown variables that begin with ``AMPHI_``.

    Raises:
        InvalidSettingError: a variable is unknown; the message suggests the right name where one is similar.
    """
    for name in sorted(os.environ if environ is None else environ):
        if name.startswith(PREFIX) and name not in NAMES and not name.startswith(TESTS_PREFIX):
            right = nearest(name)
            raise InvalidSettingError(
                name, f"no such setting; is it {right}?" if right else "no such setting"
            )


_environment = Reader()
text = _environment.text
flag = _environment.flag
integer = _environment.integer
words = _environment.words
address = _environment.address
path = _environment.path
choice = _environment.choice
