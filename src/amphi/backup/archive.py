"""The archive: a tar file, so that any machine can look into it without Amphi.

Its members, in this order: ``backup.json`` (`Label`); ``settings/amphi.env`` and ``settings/settings_local.py``, for the hand that makes a
machine anew; ``database``; ``files/…``, what was uploaded; ``recordings/…`` where asked for; ``end``, without which it was cut off.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from amphi.backup.databases import BackupError
from amphi.system.recordings import INDEX
from amphi.system.terminal import say

FORMAT = 1
LABEL, DATABASE, FILES, RECORDINGS, END = "backup.json", "database", "files", "recordings", "end"
SETTINGS = "settings"
PRIVATE = 0o600


@dataclass(frozen=True)
class Label:
    """What is in an archive.

    Attributes:
        amphi: the version that made it.
        made: when, in ISO 8601.
        database: ``postgresql`` or ``sqlite``.
        migrations: the names, ``app.name``, of what was applied to its tables.
        key: a fingerprint of the key that its texts are encrypted with.
        has_recordings: whether recordings are in it.
        format: of the archive.
    """

    amphi: str
    made: str
    database: str
    migrations: list[str]
    key: str
    has_recordings: bool
    format: int = FORMAT


class Writer:
    """Writes an archive from its beginning to its end.

    Args:
        out: where to; need not be seekable.
    """

    def __init__(self, out: IO[bytes], label: Label) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 -- `close` says that all is there
        self.text(LABEL, json.dumps(asdict(label), indent=2) + "\n")

    def text(self, name: str, content: str) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content.encode()), PRIVATE
        self._tar.addfile(member, io.BytesIO(content.encode()))

    def file(self, name: str, path: Path) -> None:
        """Add the file at `path`, as long as it is now: recordings grow meanwhile. One that has gone is left out."""
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            return
        with opened:
            self._tar.addfile(self._tar.gettarinfo(arcname=name, fileobj=opened), opened)

    def folder(self, name: str, folder: Path) -> None:
        """Add all files below `folder`. Indexes of recordings go first: what they tell of is written by then."""
        found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        for path in sorted(found, key=lambda path: (path.name != INDEX, path)):
            self.file(f"{name}/{path.relative_to(folder).as_posix()}", path)

    def close(self) -> None:
        """Say that all is there."""
        self.text(END, "")
        self._tar.close()


def read_label(source: IO[bytes]) -> Label:
    """Read the label of a whole archive.

    Args:
        source: the archive, seekable, at its beginning; afterwards as well.

    Raises:
        BackupError: this is no archive of Amphi's, was cut off, or is of a later format.
    """
    names = []
    label = None
    for member, content in _members(source):
        names.append(member.name)
        if member.name == LABEL:
            label = _label(content.read())
    if label is None or names[0] != LABEL:
        raise BackupError(
            say(
                en="this is not a backup made by amphi backup.",
                fr="ce n’est pas une sauvegarde faite par amphi backup.",
            )
        )
    if names[-1] != END:
        raise BackupError(
            say(
                en="this backup was cut off: its end is missing.",
                fr="cette sauvegarde est coupée : sa fin manque.",
            )
        )
    return label


def _label(content: bytes) -> Label:
    try:
        fields = json.loads(content)
        if fields["format"] == FORMAT:
            return Label(**fields)
    except (ValueError, TypeError, KeyError):
        pass
    raise BackupError(
        say(
            en="this backup has a format that this version does not know.",
            fr="cette sauvegarde a un format que cette version ne connaît pas.",
        )
    )


def contents(source: IO[bytes]) -> Iterator[tuple[str, PurePosixPath, tarfile.TarInfo, IO[bytes]]]:
    """The files in an archive: the first part of each name, the rest of it, its description and its bytes.

    Raises:
        BackupError: the archive can't be read, or holds what `amphi backup` does not write.
    """
    for member, content in _members(source):
        path = PurePosixPath(member.name)
        yield path.parts[0], PurePosixPath(*path.parts[1:]), member, content


def _members(source: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    source.seek(0)
    try:
        with tarfile.open(fileobj=source, mode="r:*") as tar:
            for member in tar:
                _refuse_strange(member)
                yield member, tar.extractfile(member) or io.BytesIO()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(
            say(en=f"this backup can’t be read: {error}", fr=f"cette sauvegarde est illisible : {error}")
        ) from None
    source.seek(0)


def _refuse_strange(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if not member.isreg() or path.is_absolute() or ".." in path.parts or not path.parts:
        raise BackupError(
            say(
                en=f"this backup holds something that is no file of its own: {member.name!r}",
                fr=f"cette sauvegarde contient autre chose que ses propres fichiers : {member.name!r}",
            )
        )
