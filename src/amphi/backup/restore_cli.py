"""``amphi restore``."""

import argparse
import os
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from amphi.system.terminal import say


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi restore",
        description="Make this platform what a backup holds. Stop web servers and workers first.",
    )
    parser.add_argument("file", nargs="?", default="-", help="the backup; standard input by default")
    parser.add_argument("--replace", action="store_true", help="throw away what the database holds now")
    parser.add_argument("--other-key", action="store_true", help="although AMPHI_SECRET_KEY is another now")
    options = parser.parse_args(argv)
    if options.file == "-" and not sys.stdin.seekable():
        parser.error(
            say(
                en="name a file, or write amphi restore <FILE",
                fr="nommez un fichier, ou écrivez amphi restore <FICHIER",
            )
        )
    return options


def main(argv: list[str]) -> int:
    """Restore a backup; returns 1 when that fails."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import_module("django").setup()
    from amphi.backup.databases import BackupError  # noqa: PLC0415 -- needs Django set up
    from amphi.backup.restoring import restore  # noqa: PLC0415 -- needs Django set up

    try:
        with (
            nullcontext(sys.stdin.buffer) if options.file == "-" else Path(options.file).open("rb") as source
        ):
            label = restore(source, replace=options.replace, other_key=options.other_key)
    except (BackupError, OSError) as error:
        sys.stderr.write(f"amphi restore: {error}\n")
        return 1
    print(  # noqa: T201 -- a command's answer
        say(
            en=f"Restored as of {label.made}"
            + ("." if label.has_recordings else "; recordings stay as they are."),
            fr=f"Restauré dans l’état du {label.made}"
            + ("." if label.has_recordings else " ; les enregistrements restent tels quels."),
        )
    )
    return 0
