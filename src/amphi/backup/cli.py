"""``amphi backup``."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO

from amphi.system.terminal import say

PRIVATE = 0o600


@contextmanager
def _out(name: str) -> Iterator[IO[bytes]]:
    """Where the backup goes. A file has its name once it is whole."""
    if name == "-":
        yield sys.stdout.buffer
        return
    part = Path(f"{name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        part.rename(name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi backup",
        description="Write all that can’t be made again, the keys included, into one tar file. Nothing stops meanwhile.",
    )
    parser.add_argument("file", nargs="?", default="-", help="where to; standard output by default")
    parser.add_argument("--recordings", action="store_true", help="with the recordings, which are large")
    options = parser.parse_args(argv)
    if options.file == "-" and sys.stdout.isatty():
        parser.error(
            say(
                en="name a file, or write amphi backup >FILE",
                fr="nommez un fichier, ou écrivez amphi backup >FICHIER",
            )
        )
    if options.file != "-" and Path(options.file).exists():
        parser.error(say(en=f"{options.file} exists", fr=f"{options.file} existe"))
    return options


def main(argv: list[str]) -> int:
    """Write a backup; returns 1 when that fails."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import_module("django").setup()
    from amphi.backup.databases import BackupError  # noqa: PLC0415 -- needs Django set up
    from amphi.backup.saving import save  # noqa: PLC0415 -- needs Django set up

    try:
        with _out(options.file) as out:
            save(out, with_recordings=options.recordings)
    except (BackupError, OSError) as error:
        sys.stderr.write(f"amphi backup: {error}\n")
        return 1
    return 0
