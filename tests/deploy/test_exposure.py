"""What the units let their services do, as systemd judges it."""

import re
import subprocess

from tests.test_deploy import UNITS

EXPOSED_MOST = 3.0
"""Of ten."""


def test_units_expose_little():
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", *UNITS],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = dict(re.findall(r"exposure level for (amphi-\S+)\.service: (\d+\.\d)", judged))
    assert set(found) == {unit.stem for unit in UNITS}
    assert {name: level for name, level in found.items() if float(level) > EXPOSED_MOST} == {}
