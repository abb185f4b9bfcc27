"""Parts of a real demo killed in the middle of a webinar: it goes on, or ends truthfully, with nobody acting."""

import json
import os
import subprocess
import sys

TIMEOUT_S = 900
CELLS = {
    "worker:starting": "live",
    "gateway:starting": "live",
    "web:live": "live",
    "worker:live": "live",
    "gateway:live": "live",
    "origin:live": "live",
    "worker:stopping": "stopped",
    "gateway:stopping": "stopped",
    "amphi:live": "live",
    # The sandbox's meetings live in its memory: with the meeting gone, the truth is that the webinar is over.
    "all:live": "stopped",
}


def test_webinar_survives_the_death_of_each_part_and_ends_when_its_meeting_died_too():
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.matrix", "--cells", ",".join(CELLS)],
        env={name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    seen = {f"{row['part']}:{row['state']}": row["became"] for row in json.loads(done.stdout)}
    assert seen == CELLS
