"""Database addresses: ``postgresql://user:password@host:port/name`` or ``sqlite:///path``."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from amphi.system.environment import InvalidSettingError

MARIADB = ("mysql", "mariadb")
"""How addresses of these databases begin, whatever driver they name; docs/adr/0018-no-mariadb.md says why they are refused."""

_UNREACHABLE = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""A server that vanished without a word (a cable, a firewall, a failover) is given up within some ten seconds, not after the
system's quarter of an hour or two hours. A slow statement is not: the server's system answers for it."""
_VANISHED = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "tcp_user_timeout": 10_000,
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
    }.items()
)
"""The same for the server: a machine of ours that vanished within a transaction keeps its locks no longer, and others write again."""


def _sqlite(file: Path) -> dict[str, Any]:
    file.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {
            # Each transaction takes the write lock when it begins, so a second one waits instead of failing later.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def parse_database_url(url: str, *, default: Path) -> dict[str, Any]:
    """Django's description of the database at `url`.

    Args:
        url: the address; empty means a SQLite file at `default`.
        default: that file.

    Raises:
        InvalidSettingError: another scheme, such as MariaDB's, or no database name.
    """
    if not url:
        return _sqlite(default)
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path))
    if parts.scheme.startswith(MARIADB):
        raise InvalidSettingError(
            "AMPHI_DATABASE_URL",
            "MariaDB and MySQL are not supported (docs/adr/0018-no-mariadb.md). Use PostgreSQL 15 to 17,"
            " postgresql://user:password@host/name; SQLite, sqlite:///path, is for trying",
        )
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise InvalidSettingError(
            "AMPHI_DATABASE_URL", "must be postgresql://user:password@host/name or sqlite:///path"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **_UNREACHABLE, "options": _VANISHED},
    }
