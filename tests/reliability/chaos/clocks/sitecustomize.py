"""Gives each part of a demo a clock of its own (`tests/clock`), in a file that is named after the part.

The monotonic clock stays the machine's. What a part starts has the machine's clocks.
"""

import os
import sys

PARTS = ("web", "worker", "gateway", "origin", "classroom")


def _begin() -> None:
    words = sys.orig_argv[1:]
    clocks, library = os.environ.get("CHAOS_CLOCKS"), os.environ.get("CHAOS_LIBRARY", "")
    if clocks is None or words[:2] != ["-m", "amphi"] or words[2:3] == [] or words[2] not in PARTS:
        return
    if os.environ.pop("LD_PRELOAD", None) == library:
        return
    own = {"LD_PRELOAD": library, "CLOCK_SHIFT": f"{clocks}/{words[2]}"}
    os.execve(sys.executable, [sys.executable, *words], {**os.environ, **own})  # noqa: S606 -- no shell is wanted


_begin()
