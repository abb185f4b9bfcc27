"""Injects faults into a live webinar, one after the other, and writes down what was told of each.

    python -m tests.reliability.chaos [--write] [-k WORDS]

Nobody acts meanwhile. ``-k`` chooses the cells with these words in their name, separated by commas. Prints what was measured as JSON;
``--write`` puts it into its rows of ``docs/reliability.md``. Needs root: networks and mounts of its own, in which nothing outlives it.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import django

from tests.reliability.chaos import scene, table


def main(argv: list[str]) -> int:
    """Measure, and say or write it; 1 when a cell is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.chaos", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put each row into docs/reliability.md at once")
    parser.add_argument("-k", default="", help="only cells with one of these words, separated by commas")
    options = parser.parse_args(argv)
    scene.alone("tests.reliability.chaos", argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # nothing that was started stays behind
    words = [word for word in options.k.split(",") if word]
    rows = []
    clocks = not words or any("clock" in word for word in words)
    with (
        tempfile.TemporaryDirectory(prefix="amphi-chaos-", ignore_cleanup_errors=True) as folder,
        scene.opened(Path(folder), clocks=clocks) as opened,
    ):
        os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"
        django.setup()
        # It needs Django to be set up.
        running = importlib.import_module("tests.reliability.chaos.running")
        for row in running.run(opened, words):
            rows.append(row)
            if options.write:
                table.write([row])
    sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
