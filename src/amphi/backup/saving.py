"""Saves all that can't be made again."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from amphi.backup import archive, databases
from amphi.system.environment import PREFIX


def save(out: IO[bytes], *, with_recordings: bool) -> None:
    """Write a backup of this platform. It goes on working meanwhile.

    The database is read first, at one moment: a file that is uploaded later is in the backup and unused.

    Args:
        out: where to; need not be seekable.
        with_recordings: whether recordings, which are large, are in it.

    Raises:
        BackupError: the database can't be read.
        OSError: there is no room left, or nobody reads `out` any more.
    """
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    recordings = settings.RECORDINGS if with_recordings else None
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.VAR_DIR) as folder:
        dumped = Path(folder) / "database"
        label = _label(has_recordings=recordings is not None)
        databases.dump(dumped)
        writer = archive.Writer(out, label)
        writer.text(f"{archive.SETTINGS}/amphi.env", "".join(_environment()))
        if os.environ.get("AMPHI_SETTINGS"):
            writer.file(f"{archive.SETTINGS}/settings_local.py", Path(os.environ["AMPHI_SETTINGS"]))
        writer.file(archive.DATABASE, dumped)
        writer.folder(archive.FILES, Path(settings.MEDIA_ROOT))
        if recordings:
            writer.folder(archive.RECORDINGS, recordings)
        writer.close()


def fingerprint(key: str) -> str:
    """Tells a key from another, and reveals nothing of it."""
    return hashlib.blake2b(key.encode(), digest_size=16, person=b"amphi.backup").hexdigest()


def _label(*, has_recordings: bool) -> archive.Label:
    applied = MigrationRecorder(connection).applied_migrations()
    return archive.Label(
        amphi=metadata.version("amphi"),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        database=databases.engine(),
        migrations=sorted(f"{app}.{name}" for app, name in applied),
        key=fingerprint(settings.SECRET_KEY),
        has_recordings=has_recordings,
    )


def _environment() -> Iterator[str]:
    """Lines of ``amphi.env``, as systemd reads them."""
    for name, value in sorted(os.environ.items()):
        if name.startswith(PREFIX):
            yield f"{name}={value}\n"
