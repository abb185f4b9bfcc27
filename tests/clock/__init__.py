"""Another time of day, for a process and all that it starts: `shift.c`, loaded into each of them."""

import struct
import subprocess
from pathlib import Path

BUILT = Path(__file__).parents[2] / "build" / "clock"


def set_shift(file: Path, ahead_s: int) -> None:
    """Say in `file` by how many seconds the time of day is ahead. Who has it as its clock has the new time at once."""
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.write(struct.pack("=q", ahead_s))


def library() -> Path:
    """The compiled library.

    Raises:
        subprocess.CalledProcessError: the compiler refuses.
        FileNotFoundError: there is no compiler.
    """
    source, built = Path(__file__).with_name("shift.c"), BUILT / "shift.so"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        BUILT.mkdir(parents=True, exist_ok=True)
        words = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", built, source]
        subprocess.run(words, check=True)
    return built
