"""``amphi privacy``."""

import argparse
import json
import os
import sys
from importlib import import_module

from amphi.system.terminal import language, say

PRIVATE = 0o600


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amphi privacy", description="What is kept about people.")
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser(
        "sheet", help="the sheet for the register of processing activities, in Markdown"
    )
    sheet.add_argument("--language", choices=("fr", "en"), default=language())
    export = commands.add_parser("export", help="a person’s copy of their data, in JSON")
    export.add_argument("address", help="an email address, or a user name")
    export.add_argument("-o", "--output", default="-", help="where to; standard output by default")
    erase = commands.add_parser("erase", help="erase a person: says what goes and what stays, then asks")
    erase.add_argument("address", help="an email address, or a user name")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Carry out one command; returns 1 when it can't be."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import_module("django").setup()
    from django.utils import translation  # noqa: PLC0415 -- needs Django set up

    from amphi.meetings.exceptions import MeetingError  # noqa: PLC0415 -- needs Django set up
    from amphi.privacy.exceptions import PrivacyError  # noqa: PLC0415 -- needs Django set up

    with translation.override(getattr(options, "language", language())):
        try:
            return _COMMANDS[options.command](options)
        except (PrivacyError, MeetingError, OSError) as error:
            sys.stderr.write(f"amphi privacy: {error}\n")
            return 1


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def _sheet(_options: argparse.Namespace) -> int:
    from amphi.privacy.sheet import sheet  # noqa: PLC0415 -- needs Django set up

    sys.stdout.write(sheet())
    return 0


def _export(options: argparse.Namespace) -> int:
    from django.core.serializers.json import DjangoJSONEncoder  # noqa: PLC0415 -- needs Django set up

    from amphi.privacy.holdings import copy_of, subject_named  # noqa: PLC0415 -- needs Django set up

    copy = copy_of(subject_named(options.address), most=None)
    text = json.dumps(copy, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"
    if options.output == "-":
        sys.stdout.write(text)
        return 0
    descriptor = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


def _erase(options: argparse.Namespace) -> int:
    from amphi.privacy import erasure  # noqa: PLC0415 -- needs Django set up
    from amphi.privacy.holdings import counts, subject_named  # noqa: PLC0415 -- needs Django set up

    person = subject_named(options.address)
    for user in person.users:
        _line(f"{user.get_username()} <{user.email}> {user.get_full_name()}")
    for section, count in counts(person):
        _line(f"  {section.title_for_others}: {count}")
    for said in erasure.consequences(person):
        _line(f"- {said}")
    if not options.yes and not _confirmed(options.address):
        _line(say(en="Nothing was erased.", fr="Rien n’a été effacé."))
        return 1
    erasure.erase(person)
    _line(say(en="Erased.", fr="Effacé."))
    return 0


def _confirmed(address: str) -> bool:
    asked = say(
        en=f"Type {address} again to erase this person: ",
        fr=f"Retapez {address} pour effacer cette personne\u00a0: ",
    )
    try:
        return input(asked).strip() == address
    except EOFError:
        return False


_COMMANDS = {"sheet": _sheet, "export": _export, "erase": _erase}
