"""Kills each part of a demo with SIGKILL in each state of a webinar; tells how long it takes until all is true again.

    python -m tests.reliability.matrix [--write] [--warm 0] [--var FOLDER] [--cells worker:live,gateway:starting,…]

Nobody acts meanwhile: the demo starts its dead parts again, as a service manager does, and the supervisor does the rest.
Prints what was measured as JSON; ``--write`` puts it into ``docs/reliability.md``.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django

from tests.demo.running import start
from tests.reliability import page

STATES = ("starting", "live", "recovering", "stopping")
PARTS = ("web", "worker", "gateway", "origin")
PAIRS = [
    ("second", "starting"),
    ("first", "live"),
    ("second", "live"),
    ("both", "live"),
    ("first and worker", "live"),
]
"""With a second gateway, hot."""
ALL = [*((part, state) for state in STATES for part in PARTS), *PAIRS, ("amphi", "live"), ("all", "live")]
KILLED = {
    "amphi": "all four at once",
    "all": "everything, the classroom too",
    "first": "the first of two gateways",
    "second": "the second of two gateways",
    "both": "both of two gateways",
    "first and worker": "the first of two gateways, and the worker",
}


def measure(cells: list[tuple[str, str]], warm: str, var: str) -> list[dict[str, Any]]:
    """Measure `cells` on a demo of their own, whose gateway keeps so many browsers ready, with its data in `var`."""
    with tempfile.TemporaryDirectory(prefix="amphi-reliability-") as folder:
        demo = start(Path(var or f"{folder}/var"), AMPHI_GATEWAY_FPS="10", AMPHI_GATEWAY_WARM=warm)
        try:
            demo.wait_until_ready()
            os.environ.update(demo.environment())
            os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
            django.setup()
            run = importlib.import_module("tests.reliability.cells").run  # it needs Django to be set up
            demo, measured = run(demo, cells)
            return [asdict(cell) for cell in measured]
        finally:
            demo.stop()


def table(rows: list[dict[str, Any]]) -> str:
    """The page's table."""
    lines = [
        "| Killed | while the live was | it became | true again after | listeners had no new media for |",
        "|---|---|---|---:|---:|",
    ]
    for row in rows:
        gap = "–" if row["gap_s"] is None else f"{row['gap_s']} s"
        killed = KILLED.get(row["part"], row["part"])
        lines.append(f"| {killed} | {row['state']} | {row['became']} | {row['seconds']} s | {gap} |")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Measure, and say or write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--cells", default="", help="part:state, separated by commas (default: all)")
    parser.add_argument("--warm", default="1", help="browsers kept ready (default: 1)")
    parser.add_argument("--var", default="", help="the demo's data (default: a folder that is removed)")
    options = parser.parse_args(argv)
    chosen = [
        (part, state) for part, _, state in (cell.partition(":") for cell in options.cells.split(",") if cell)
    ]
    rows = measure(chosen or ALL, options.warm, options.var)
    if options.write:
        page.write("matrix", table(rows))
    sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
