"""The database as a file, and back: PostgreSQL by its own programs, SQLite by its own backup."""

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

CONNECT_TIMEOUT_S = 5
LEAVING_S = 5.0
"""How long PostgreSQL may need to notice that a process which was stopped has gone."""
LOCK_TIMEOUT_S = 10
"""How long the old tables may be in use by somebody before nothing is restored."""


class BackupError(Exception):
    """Something can't be saved or restored; the message says why and what to do."""


def engine() -> str:
    """``postgresql`` or ``sqlite``."""
    return connection.vendor


def dump(file: Path) -> None:
    """Write the database, as it is at one moment, to `file`. Others go on writing meanwhile.

    Raises:
        BackupError: the database does not answer, or PostgreSQL's programs are missing.
    """
    if engine() == "sqlite":
        with closing(sqlite3.connect(_sqlite())) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
        return
    _run("pg_dump", "--no-owner", "--no-privileges", "--file", str(file))


def restore(file: Path) -> None:
    """Make the database what `file` holds: all of it, or nothing when that fails.

    Raises:
        BackupError: as `dump`; or somebody uses the database.
    """
    tables = connection.introspection.table_names()
    connection.close()
    if engine() == "sqlite":
        with (
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(_sqlite(), timeout=5)) as target,
        ):
            source.backup(target)
        return
    names = ", ".join(connection.ops.quote_name(name) for name in tables)
    drop = ["--command", f"DROP TABLE {names} CASCADE"] if tables else []
    options = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction"]
    _run("psql", *options, *drop, "--file", str(file))


def users_of_it() -> int:
    """How many others are connected: web servers, workers. Those that were just stopped have a moment to go. SQLite can't tell: 0."""
    if engine() == "sqlite":
        return 0
    deadline = time.monotonic() + LEAVING_S
    while (others := _connected()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return others


def _connected() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _sqlite() -> str:
    return str(connection.settings_dict["NAME"])


def _libpq() -> dict[str, str]:
    """How PostgreSQL's programs find the database: by variables, since everybody may read a command line."""
    database: dict[str, Any] = connection.settings_dict
    given = {
        f"PG{name}": str(database[name]) for name in ("HOST", "PORT", "USER", "PASSWORD") if database[name]
    }
    return (
        os.environ
        | given
        | {
            "PGDATABASE": str(database["NAME"]),
            "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_S),
            "PGOPTIONS": f"-c lock_timeout={LOCK_TIMEOUT_S}s -c client_min_messages=warning",
        }
    )


def _run(program: str, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [program, *arguments],
            env=_libpq(),
            cwd=settings.VAR_DIR,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise BackupError(f"{program} is not installed: apt-get install postgresql-client") from None
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.strip()}")
