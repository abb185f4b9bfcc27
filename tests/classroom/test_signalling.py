"""The room's socket, as a plain module: what it is given while it closes waits for the next one."""

import json
import subprocess
from pathlib import Path

from tests.services import NODE


def test_what_is_said_while_the_socket_closes_is_said_once_it_is_back():
    command = [NODE, "--no-warnings", str(Path(__file__).with_name("signalling.mjs"))]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert dict(json.loads(line) for line in output.splitlines()) == {"first": [1, 2], "second": [3]}
