"""A PostgreSQL server of the tests' own: real, on a free loopback port, thrown away at the end."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import transaction
from psycopg import sql

from tests import ports, services

BINARIES = Path("/usr/lib/postgresql")
SERVER_USER = "postgres"
START_TIMEOUT_S = 60
OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
CONNECTIONS = 200
"""More than PostgreSQL has by itself: tests run at once."""
NOTE = "postgresql.json"
MIGRATED = "amphi_migrated"
"""A database with the platform's empty tables, which others are made from: making the tables takes seconds."""


def _run(program: str, *arguments: str | Path, folder: Path) -> None:
    """Run one of PostgreSQL's programs.

    Raises:
        RuntimeError: it failed, or took too long; with what it said.
    """
    binaries = max(BINARIES.glob("*/bin"), key=lambda found: float(found.parent.name))
    command = [str(binaries / program), *map(str, arguments)]
    # PostgreSQL refuses to run as root; Debian's package has a user for it. Of `runuser` a time limit would kill only itself.
    user = SERVER_USER if os.geteuid() == 0 else None
    try:
        subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=START_TIMEOUT_S, cwd=folder,
            user=user, group=user, extra_groups=[] if user else None,
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        said = (getattr(error, "output", None) or b"").decode(errors="replace")
        log = folder / "log"
        raise RuntimeError(f"{error}\n{said}\n{log.read_text() if log.exists() else ''}") from None


@dataclass(frozen=True)
class Server:
    """A server that runs, with all that it keeps in `folder`."""

    port: int
    folder: str

    @property
    def url(self) -> str:
        """Its address, as ``AMPHI_DATABASE_URL`` has it."""
        return f"postgresql://amphi@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str | Path) -> None:
        folder = Path(self.folder)
        _run("pg_ctl", "-D", folder / "data", "-w", "-t", str(START_TIMEOUT_S), *arguments, folder=folder)

    def stop(self) -> None:
        try:
            self.control("-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder)


def start(connections: int = CONNECTIONS, addresses: str = "127.0.0.1") -> Server:
    """Start a server, which takes so many connections at `addresses` and runs until it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="amphi-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, SERVER_USER)
    server = Server(ports.reserve(), str(folder))
    try:
        cluster = ["-D", folder / "data", "-U", "amphi", "-A", "trust", "-E", "UTF8", "--no-sync"]
        _run("initdb", *cluster, folder=folder)
        sockets = f"-p {server.port} -c listen_addresses={addresses} -c unix_socket_directories={folder}"
        options = f"{sockets} {OPTIONS} -c max_connections={connections}"
        server.control("-l", folder / "log", "-o", options, "start")
    except BaseException:
        shutil.rmtree(folder)
        raise
    return server


@contextlib.contextmanager
def running(connections: int = CONNECTIONS) -> Iterator[str]:
    """Run a server; its address is given."""
    server = start(connections)
    try:
        yield server.url
    finally:
        server.stop()


def shared(folder: Path) -> str:
    """The address of the server that all processes with this `folder` share; the first that asks starts it."""
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = folder / NOTE
        if not note.exists():
            server = start()
            note.write_text(json.dumps(asdict(server)))
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(MIGRATED)))
            url = server.url.replace("/postgres", f"/{MIGRATED}")
            env = services.environment(folder, AMPHI_DATABASE_URL=url)
            services.python(env, "-m", "amphi", "migrate", "-v", "0")
        return Server(**json.loads(note.read_text())).url


def copy_migrated(shared_url: str, url: str) -> None:
    """Make the platform's empty tables in the database at `url`, of another server, as the shared one has them."""
    dump = ["pg_dump", "--no-owner", "--no-privileges", shared_url.replace("/postgres", f"/{MIGRATED}")]
    made = subprocess.run(dump, check=True, capture_output=True, timeout=START_TIMEOUT_S).stdout
    load = ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", url]
    subprocess.run(load, input=made, check=True, capture_output=True, timeout=START_TIMEOUT_S)


def stop_shared(folder: Path) -> None:
    """Stop the server that `folder` shares, if there is one."""
    note = folder / NOTE
    if note.exists():
        server = Server(**json.loads(note.read_text()))
        note.unlink()
        server.stop()


KEPT = {"django_migrations", "django_content_type", "auth_permission"}
"""Tables that say what the platform has: no test writes to them."""


def sites(connection: Any) -> list[tuple[Any, ...]]:
    """The sites that the migrations made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, domain, name FROM django_site ORDER BY id")
        return list(cursor.fetchall())


def empty(connection: Any, first_sites: list[tuple[Any, ...]]) -> None:
    """Leave the database as the migrations left it: a tenth of the time that Django's own way takes, and the same site as at first."""
    names = set(connection.introspection.table_names()) - KEPT
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        asked = sql.SQL(", ").join(
            sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(name)) for name in sorted(names)
        )
        cursor.execute(sql.SQL("SELECT {}").format(asked))
        full = [name for name, has_rows in zip(sorted(names), cursor.fetchone(), strict=True) if has_rows]
        # What refers to what does not matter when all goes.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in full:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        cursor.executemany("INSERT INTO django_site (id, domain, name) VALUES (%s, %s, %s)", first_sites)
