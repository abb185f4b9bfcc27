"""Makes a platform what a backup holds."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from amphi.backup import archive, databases
from amphi.backup.databases import BackupError
from amphi.backup.saving import fingerprint
from amphi.system.terminal import say


def restore(source: IO[bytes], *, replace: bool, other_key: bool) -> archive.Label:
    """Make this platform what the backup in `source` holds, and its tables those of this version.

    The database changes as a whole or not at all; then files are written, and uploaded ones that the backup does not know are deleted.
    Recordings that it does not know stay: the origin may be writing them.

    Args:
        source: the backup, seekable.
        replace: throw away what the database holds now.
        other_key: go on although texts that were encrypted, such as tokens of gateways, can't be read with this machine's key.

    Returns:
        What the backup says of itself.

    Raises:
        BackupError: nothing was changed, unless the message says otherwise.
        OSError: there is no room left for the files.
    """
    label = archive.read_label(source)
    _refuse_unfit(label, other_key=other_key)
    _refuse_use(replace=replace)
    folders = {archive.FILES: Path(settings.MEDIA_ROOT)}
    if label.has_recordings and settings.RECORDINGS:
        folders[archive.RECORDINGS] = settings.RECORDINGS
    kept: set[Path] = set()
    for part, rest, member, content in archive.contents(source):
        if part == archive.DATABASE:
            _restore_database(content)
        elif part in folders:
            path = folders[part] / rest
            _put(path, member, content)
            kept.add(path)
    _delete_others(folders[archive.FILES], kept)
    call_command("migrate", interactive=False, verbosity=0)
    return label


def _refuse_unfit(label: archive.Label, *, other_key: bool) -> None:
    if label.database != databases.engine():
        raise BackupError(
            say(
                en=f"this backup is of {label.database}, and AMPHI_DATABASE_URL names {databases.engine()}.",
                fr=f"cette sauvegarde vient de {label.database}, et AMPHI_DATABASE_URL nomme {databases.engine()}.",
            )
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}
    later = sorted(set(label.migrations) - known)
    if later:
        raise BackupError(
            say(
                en=f"this backup was made by a later version ({label.amphi}; it has {later[0]}): upgrade Amphi first.",
                fr=f"cette sauvegarde a été faite par une version plus récente ({label.amphi} ; elle a {later[0]}) :"
                " mettez d’abord Amphi à jour.",
            )
        )
    keys = {fingerprint(str(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)}
    if label.key not in keys and not other_key:
        raise BackupError(
            say(
                en="AMPHI_SECRET_KEY is not the one of this backup, so tokens in it could not be read. Take the key from"
                " settings/amphi.env in the backup (tar -xOf); or say --other-key, and enter the tokens again afterwards.",
                fr="AMPHI_SECRET_KEY n’est pas celle de cette sauvegarde : les jetons qu’elle contient seraient illisibles. Reprenez"
                " la clé dans settings/amphi.env de la sauvegarde (tar -xOf) ; ou dites --other-key, puis saisissez de nouveau les jetons.",
            )
        )


def _refuse_use(*, replace: bool) -> None:
    if connection.introspection.table_names() and not replace:
        raise BackupError(
            say(
                en="the database is not empty. Say --replace to throw away what it holds.",
                fr="la base de données n’est pas vide. Dites --replace pour abandonner ce qu’elle contient.",
            )
        )
    others = databases.users_of_it()
    if others:
        raise BackupError(
            say(
                en=f"the database is in use ({others} connections): first systemctl stop amphi-web amphi-worker, on each machine.",
                fr=f"la base de données est utilisée ({others} connexions) : d’abord systemctl stop amphi-web amphi-worker, sur chaque"
                " machine.",
            )
        )


def _restore_database(content: IO[bytes]) -> None:
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.VAR_DIR) as folder:
        dumped = Path(folder) / "database"
        with dumped.open("wb") as file:
            shutil.copyfileobj(content, file)
        databases.restore(dumped)


def _put(path: Path, member: tarfile.TarInfo, content: IO[bytes]) -> None:
    """Write one file with its time and mode: whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".restore-", dir=path.parent, delete=False) as file:
        shutil.copyfileobj(content, file)
    written = Path(file.name)
    written.chmod(member.mode & 0o777)
    os.utime(written, (member.mtime, member.mtime))
    written.replace(path)


def _delete_others(folder: Path, kept: Iterable[Path]) -> None:
    for path in {path for path in folder.rglob("*") if not path.is_dir()} - set(kept):
        path.unlink()
