"""``amphi import-pod``."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from amphi.system.terminal import language, say

if TYPE_CHECKING:
    from amphi.pod_import.ledger import Report

READABLE_BY_OTHERS = 0o077
MOST_REMARKS = 200


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="amphi import-pod",
        description="Bring people, live gateways and coming meetings from an Esup-Pod 3.6 to 4.1. Says what it would do, and does it with --write.",
    )
    parser.add_argument("file", type=Path, help="what manage.py dumpdata wrote, .json or .json.gz")
    parser.add_argument("--write", action="store_true", help="do it")
    parser.add_argument("--site", type=int, help="the number of Pod’s site, if it has several")
    parser.add_argument("--all-users", action="store_true", help="everybody, and not only those who present")
    parser.add_argument(
        "--same-names", action="store_true", help="accounts of the same name are the same people"
    )
    parser.add_argument("--source", default="pod", help="a name for this Pod, if there are several")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Bring a Pod here; returns 1 when its dump can't be read."""
    options = _parse(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    import_module("django").setup()
    from django.utils import translation  # noqa: PLC0415 -- needs Django set up

    from amphi.pod_import.bringing import Wish, bring  # noqa: PLC0415 -- needs Django set up
    from amphi.pod_import.dump import DumpError, read_dump  # noqa: PLC0415 -- needs Django set up

    wish = Wish(options.source, options.site, options.all_users, options.same_names, options.write)
    try:
        if options.file.stat().st_mode & READABLE_BY_OTHERS:
            sys.stderr.write(
                say(
                    en=f"{options.file} holds passwords and tokens, and others may read it: chmod 600\n",
                    fr=f"{options.file} contient mots de passe et jetons, et d’autres peuvent le lire\u00a0: chmod 600\n",
                )
            )
        with translation.override(language()):
            report = bring(read_dump(options.file), wish)
    except (DumpError, OSError) as error:
        sys.stderr.write(f"amphi import-pod: {error}\n")
        return 1
    sys.stdout.write(text_of(report, writes=options.write))
    return 0


def _quoted(label: str) -> str:
    return say(en=f"“{label}”", fr=f"«\u00a0{label}\u00a0»")


def text_of(report: "Report", *, writes: bool) -> str:
    """The report in plain words."""
    kinds = {
        "access_group": say(en="access groups", fr="groupes d’accès"),
        "user": say(en="people", fr="personnes"),
        "broadcaster": say(en="broadcasters", fr="diffuseurs"),
        "gateway": say(en="live gateways", fr="passerelles de live"),
        "meeting": say(en="meetings and webinars", fr="réunions et webinaires"),
        "room": say(
            en="personal rooms, made here on first use",
            fr="salons personnels, créés ici à la première utilisation",
        ),
        "past": say(en="meetings that are over", fr="réunions passées"),
        "event": say(en="live events without a webinar", fr="évènements sans webinaire"),
    }
    outcomes = {
        "made": say(en="added", fr="ajouts"),
        "changed": say(en="changed after Pod", fr="mises à jour d’après Pod"),
        "same": say(en="here already, nothing new", fr="déjà là, rien de nouveau"),
        "before": say(en="here before, left as they are", fr="ici avant l’import, sans changement"),
        "kept": say(en="changed here since, left as they are", fr="modifications faites ici, conservées"),
        "gone": say(en="deleted here since, not made again", fr="suppressions faites ici, respectées"),
        "left": say(en="left out", fr="hors import"),
    }
    colon = say(en=":", fr="\u00a0:")
    lines = []
    for kind, name in kinds.items():
        counts = [
            f"{words} {count}"
            for outcome, words in outcomes.items()
            if (count := report.counts[kind, outcome])
        ]
        if counts:
            lines.append(f"{name}{colon} {' · '.join(counts)}")
    if report.remarks:
        lines += ["", say(en="To look at:", fr="À regarder\u00a0:")]
        lines += [
            f"- {kinds[kind]}, “{label}”: {said}" for kind, label, said in report.remarks[:MOST_REMARKS]
        ]
        if more := len(report.remarks) - MOST_REMARKS:
            lines += [say(en=f"… and {more} more", fr=f"… et {more} autres")] if more > 0 else []
    done = say(en="Written.", fr="Enregistré.")
    trial = say(
        en="A trial: nothing was written. Add --write to do it.",
        fr="Un essai\u00a0: rien n’a été enregistré. Ajoutez --write pour le faire.",
    )
    return "\n".join([*lines, "", done if writes else trial]) + "\n"
