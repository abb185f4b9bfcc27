"""The one typed reader of settings: from the environment and, for the platform, from the operator's file before it.

A value that can't be understood stops the service with a message that names the setting and never shows its value, which may be a
secret. A name that begins with ``AMPHI_`` and that nobody reads does the same: a wrong setting that is silently replaced by its
default is found much later, by a user.
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
"""What only tests read; nobody refuses it."""
NEAR = 0.8
"""How alike two names are, of 1, for one to be taken for a slip of the other."""
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class InvalidSettingError(Exception):
    """A setting has a value that can't be understood, or a name that nobody reads.

    Args:
        name: the setting, as the operator wrote it.
        reason: what is wrong with it, for the operator. Never holds the value, which may be a secret.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Reader:
    """The settings as given, read one by one.

    Args:
        local: what the operator's file says, which comes first. Empty for the services that have no such file.
        environ: the environment, where ``AMPHI_`` stands before the name unless it begins so already.
        file: what the operator's file is called in messages.

    Attributes:
        known: the names that were read, so that a test can hold the documentation to them.
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
        """What the file says besides: Django's own settings, taken as they are."""
        return {name: value for name, value in self._local.items() if name not in self.known}

    def error(self, name: str, reason: str) -> InvalidSettingError:
        """The error that says `reason` of a setting, and where it was set."""
        where = f" (in {self._file})" if self._file and name in self._local else ""
        return InvalidSettingError(name + where, reason)

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
            raise self.error(name, "must be a text")
        return value.strip()

    def url(self, name: str, default: str = "") -> str:
        """An http(s) address without a slash at its end; may be empty."""
        value = self.text(name, default)
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise self.error(name, "must be an address that begins with https:// or http://")
        return value.rstrip("/")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false; as text also ``1 yes on`` and ``0 no off``, in any case."""
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
        """Several texts: a list, a tuple, Python's notation of one between quotes (as Esup-Pod's page has it), or commas."""
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
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise self.error(name, "must be a list of texts") from None

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
        name: what the value is called where the user wrote it, for the message.

    Raises:
        InvalidSettingError: no port, or one outside 0..65535.
    """
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 -- the largest port there is
        raise InvalidSettingError(name, "must be HOST:PORT")
    return host.strip("[]"), int(port)


def nearest(name: str, names: frozenset[str] = NAMES) -> str | None:
    """The one of `names` that `name` may be a slip of."""
    return next(iter(get_close_matches(name, names, n=1, cutoff=NEAR)), None)


def refuse_unknown(environ: Mapping[str, str] | None = None) -> None:
    """Refuse variables that begin with ``AMPHI_`` and that no part of Amphi reads.

    Raises:
        InvalidSettingError: there is one; the message has the right name, if one is near.
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
