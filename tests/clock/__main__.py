"""Runs a command at another time of day, which goes on from there.

    python -m tests.clock "2026-12-31 22:50" make test

The time is UTC, or ends with another offset (``+01:00``).
"""

import os
import sys
from datetime import UTC, datetime

from tests.clock import BUILT, library, set_shift


def main(words: list[str]) -> None:
    """Become the command."""
    try:
        at = datetime.fromisoformat(words[0])
        command = words[1:]
        program = command[0]
    except (IndexError, ValueError):
        sys.exit(__doc__)
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    own = {"LD_PRELOAD": str(library()), "CLOCK_SHIFT": str(BUILT / "shift")}
    set_shift(BUILT / "shift", round((at - datetime.now(UTC)).total_seconds()))
    os.execvpe(program, command, {**os.environ, **own})  # noqa: S606 -- no shell is wanted


main(sys.argv[1:])
