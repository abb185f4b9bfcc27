"""``amphi lti``."""

import argparse
import os
import sys
from importlib import import_module

from amphi.system.terminal import say


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi lti", description="The keys that this platform signs with for learning platforms."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("keys", help="which there are, and which one signs")
    rotate = commands.add_parser("rotate", help="make a new key, which signs after a day")
    rotate.add_argument(
        "--now",
        action="store_true",
        help="it signs at once and the old ones are deleted: for when somebody else may have them",
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Carry out one command; returns 1 when it can't be."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import_module("django").setup()
    from amphi.lti import tool_keys  # noqa: PLC0415 -- needs Django set up

    try:
        if options.command == "rotate":
            tool_keys.rotate(at_once=options.now)
    except tool_keys.RotationError as error:
        sys.stderr.write(f"amphi lti: {error}\n")
        return 1
    for key, state in tool_keys.states():
        sys.stdout.write(f"{key.kid}  {key.created_at:%Y-%m-%d}  {_WORDS[state]()}\n")
    return 0


_WORDS = {
    "new": lambda: say(
        en="new: published, signs once it is a day old",
        fr="nouvelle\u00a0: publiée, signe quand elle a un jour",
    ),
    "signs": lambda: say(en="signs", fr="signe"),
    "old": lambda: say(en="old: published for a day more", fr="ancienne\u00a0: publiée un jour de plus"),
}
