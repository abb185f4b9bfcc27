"""``amphi upgrade --check``: what is left to do once a new version's files are there, and whether now is a good moment."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

from amphi.checkup.findings import Finding, print_report
from amphi.system.terminal import say

INSTALLED = Path(sys.prefix).parent
"""Where Amphi is installed: the environment of its Python is a folder in it."""
PLACES = {
    "systemd/*.service": "etc/systemd/system",
    "systemd/*.timer": "etc/systemd/system",
    "systemd/nginx.service.d/amphi.conf": "etc/systemd/system/nginx.service.d",
    "nginx/amphi.conf": "etc/nginx/sites-available/amphi",
    "nginx/limits.conf": "etc/nginx/modules-enabled/90-amphi-limits.conf",
}
"""Where docs/deploy.md has the files of ``deploy`` copied to, but for the command, which root alone may read."""
HOST = "amphi.univ.fr"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)


def check_packages(lock: Path) -> Iterator[Finding]:
    """Check that Python's packages are those of this version's lock; an installed package of Debian's has no lock, and its own."""
    if not lock.exists():
        return
    wanted = dict(PINNED.findall(lock.read_text()))
    others = sorted(name for name, version in wanted.items() if _installed(name) != version)
    if others:
        sentence = say(
            en=f"not of this version: {len(others)} ({', '.join(others[:3])}). Run: make -C {INSTALLED} setup",
            fr=f"différents de cette version : {len(others)} ({', '.join(others[:3])}). Lancez : make -C {INSTALLED} setup",
        )
        yield Finding("FAIL", "packages", "", sentence)
    else:
        yield Finding(
            "OK", "packages", "", say(en="those of this version.", fr="ce sont ceux de cette version.")
        )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def check_tables() -> Iterator[Finding]:
    """Check what this version changes in the database, and that no later one has been there."""
    from django.db import DatabaseError, connection  # noqa: PLC0415 -- needs Django set up
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415 -- needs Django set up

    from amphi.checkup.platform import migrations_to_make  # noqa: PLC0415 -- needs Django set up

    try:
        loader = MigrationLoader(connection)
        later = sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
        plan = migrations_to_make()
    except DatabaseError:
        # The driver's message may contain the address with its password.
        yield Finding(
            "FAIL",
            "tables",
            "",
            say(en="the database can’t be reached.", fr="la base de données est injoignable."),
        )
        return
    if later:
        first = ".".join(later[0])
        sentence = say(
            en=f"a later version has been here ({first}): this one can’t work with its tables. Restore a backup, or upgrade.",
            fr=f"une version plus récente est passée ici ({first}) : celle-ci ne peut utiliser ses tables. Restaurez une sauvegarde, ou mettez à jour.",
        )
        yield Finding("FAIL", "tables", "", sentence)
    elif plan:
        sentence = say(
            en=f"changes to make: {len(plan)}, from {plan[0]} on. Back up, then run: amphi migrate",
            fr=f"changements à faire : {len(plan)}, à partir de {plan[0]}. Sauvegardez, puis lancez : amphi migrate",
        )
        yield Finding("WARN", "tables", "", sentence)
    else:
        yield Finding("OK", "tables", "", say(en="nothing to change.", fr="rien à changer."))


def check_files(shipped: Path, root: Path) -> Iterator[Finding]:
    """Check the copies of the files that are copied by hand.

    Args:
        shipped: the folder ``deploy`` of this version.
        root: the machine's files.
    """
    same = 0
    for pattern, place in PLACES.items():
        for file in sorted(shipped.glob(pattern)):
            copy = root / place
            copy = copy / file.name if copy.is_dir() else copy
            if not copy.is_file():
                continue
            if _plain(copy) == _plain(file):
                same += 1
                continue
            sentence = say(
                en=f"differs from this version’s. Compare: diff {copy} {file}",
                fr=f"diffère de celui de cette version. Comparez : diff {copy} {file}",
            )
            yield Finding("WARN", "file", str(copy), sentence)
    if same:
        yield Finding(
            "OK",
            "files",
            "",
            say(
                en=f"copied files that are this version’s: {same}.",
                fr=f"fichiers copiés identiques à ceux de cette version : {same}.",
            ),
        )


def _plain(file: Path) -> str:
    """What a file says, whatever the host is called."""
    text = file.read_text(errors="replace")
    name = re.search(r"^\s*server_name ([^ ;]+);", text, re.MULTILINE)
    return text.replace(name[1], HOST) if name else text


def check_moment() -> Iterator[Finding]:
    """Check that no webinar would lose its picture by a restart of gateways or the origin."""
    from django.db import DatabaseError  # noqa: PLC0415 -- needs Django set up

    from amphi.webinars.models import RUNNING, Livestream  # noqa: PLC0415 -- needs Django set up

    try:
        running = Livestream.objects.filter(state__in=RUNNING).count()
    except DatabaseError:
        # `check_tables` has said why: the database is away, or its tables are older.
        return
    if running:
        sentence = say(
            en=f"webinars on the air: {running}. Restart amphi-web and amphi-worker as you like; leave gateways and the origin for later.",
            fr=f"webinaires à l’antenne : {running}. Relancez amphi-web et amphi-worker à votre guise ; laissez les passerelles et l’origine pour plus tard.",
        )
        yield Finding("WARN", "moment", "", sentence)
    else:
        sentence = say(
            en="nothing is on the air: all may restart.", fr="rien n’est à l’antenne : tout peut redémarrer."
        )
        yield Finding("OK", "moment", "", sentence)


def main(argv: list[str]) -> int:
    """Print what is left to do; returns 1 when something stands in the way."""
    parser = argparse.ArgumentParser(
        prog="amphi upgrade",
        description="Once a new version is there: what is left to do, and whether now is a good moment. Nothing is changed.",
    )
    parser.add_argument(
        "--check", action="store_true", required=True, help="look only; there is nothing else yet"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    findings = list(check_packages(INSTALLED / "requirements" / "base.txt"))
    import_module("django").setup()
    findings += check_tables()
    findings += check_files(INSTALLED / "deploy", Path("/"))
    findings += check_moment()
    return print_report(findings, as_json=options.json)
