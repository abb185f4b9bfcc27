"""Typed readers of the process's environment, the same for every service of Amphi.

A value that can't be understood stops the service with a message that names the variable: a wrong setting that is silently
replaced by its default is found much later, by a user.
"""

import os
from pathlib import Path


class InvalidSettingError(Exception):
    """A variable of the environment has a value that can't be understood.

    Args:
        name: the variable.
        reason: what is wrong with it, for the operator. Never holds the value, which may be a secret.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


def text(name: str, default: str = "") -> str:
    """The variable's text, stripped."""
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool = False) -> bool:
    """A yes or no: ``1 true yes on`` and ``0 false no off``, in any case."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise InvalidSettingError(name, "must be true or false")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    """A whole number of at least `minimum`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise InvalidSettingError(name, "must be a whole number") from None
    if number < minimum:
        raise InvalidSettingError(name, f"must be at least {minimum}")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas; empty items are left out."""
    return [item for item in (part.strip() for part in os.environ.get(name, default).split(",")) if item]


def address(name: str, default: str) -> tuple[str, int]:
    """A ``host:port`` to listen on; an IPv6 host stands in brackets."""
    value = os.environ.get(name, "").strip() or default
    return parse_address(value, name)


def parse_address(value: str, name: str) -> tuple[str, int]:
    """Parse ``host:port``.

    Args:
        value: such as ``127.0.0.1:8000`` or ``[::1]:8000``.
        name: what the value is called where the user wrote it, for the message.

    Raises:
        InvalidSettingError: no port, or one outside 0..65535.
    """
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 -- the largest port there is
        raise InvalidSettingError(name, "must be HOST:PORT")
    return host.strip("[]"), int(port)


def path(name: str, default: Path) -> Path:
    """A path; ``~`` is the home folder."""
    value = os.environ.get(name, "").strip()
    return Path(value).expanduser() if value else default
