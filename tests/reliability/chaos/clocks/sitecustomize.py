"""Gives each part of a demo a clock of its own, by libfaketime, which reads the offset from a file named after the part.

The monotonic clock stays the machine's. What a part starts has the machine's clocks.
"""

import os
import runpy
import sys
from pathlib import Path

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
PARTS = ("web", "worker", "gateway", "origin", "classroom")


def _begin() -> None:
    words = sys.orig_argv[1:]
    clocks = os.environ.get("CHAOS_CLOCKS")
    if clocks is None or words[:2] != ["-m", "amphi"] or words[2:3] == [] or words[2] not in PARTS:
        return
    if os.environ.pop("LD_PRELOAD", None) == LIBRARY:
        # It can't sleep by itself: see there.
        runpy.run_path(str(Path(__file__).parents[3] / "faketime" / "sitecustomize.py"))
        return
    own = {
        "LD_PRELOAD": LIBRARY,
        "FAKETIME_TIMESTAMP_FILE": f"{clocks}/{words[2]}",
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    os.execve(sys.executable, [sys.executable, *words], {**os.environ, **own})  # noqa: S606 -- no shell is wanted


_begin()
