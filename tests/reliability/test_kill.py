"""Parts of a real demo killed in the middle of a webinar: it goes on, or ends truthfully, with nobody acting."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.demo.running import make_tables
from tests.reliability import matrix

TIMEOUT_S = 900
FEW = ["amphi:live", "all:live"]
"""All at once, with the meeting and without. `test_workers` kills a worker in the middle of what it does."""


def becomes(cell: str) -> str:
    """What a webinar comes to, by the cell of the matrix."""
    part, _, state = cell.partition(":")
    # The sandbox's meetings live in its memory: with the meeting gone, the truth is that the webinar is over.
    return "stopped" if part == "all" or state == "stopping" else "live"


def test_webinar_survives_the_death_of_each_part_and_ends_when_its_meeting_died_too(
    whole_matrix: bool, tmp_path: Path
):
    cells = [":".join(cell) for cell in matrix.ALL] if whole_matrix else FEW
    # Nobody judges here how long it takes: a browser that is kept ready would save a second.
    warm, var = "1" if whole_matrix else "0", str(make_tables(tmp_path / "var"))
    chosen = ["--warm", warm, "--var", var, "--cells", ",".join(cells)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.matrix", *chosen],
        env={name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    seen = {f"{row['part']}:{row['state']}": row["became"] for row in json.loads(done.stdout)}
    assert seen == {cell: becomes(cell) for cell in cells}
