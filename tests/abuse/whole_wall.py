"""The wall around the gateway's browser, in a network of its own: as root, with nftables."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
RULES = TOP / "deploy" / "nftables" / "amphi-gateway.nft"

pytestmark = pytest.mark.integration


def test_browser_reaches_the_internet_and_of_this_network_what_is_named(tmp_path):
    rules = tmp_path / "rules.nft"
    rules.write_text(RULES.read_text().replace('"amphi-gateway"', "65534"))
    found = json.loads(
        subprocess.run(
            ["unshare", "-n", sys.executable, Path(__file__).with_name("wall_probe.py"), rules],
            check=True,
            capture_output=True,
            timeout=300,
        ).stdout
    )
    assert found == {
        "127.0.0.1 80": False,
        "127.0.0.1 1935": True,
        "::1 80": False,
        "203.0.113.5 80": True,
        "10.9.8.7 80": False,
        "169.254.169.254 80": False,
        "10.7.7.7 80": True,
        "::ffff:127.0.0.1 80": False,
        "root 127.0.0.1": True,
        "root 10.9.8.7": True,
        "chromium 203.0.113.5": True,
        "chromium 10.9.8.7": False,
        "answers who calls": True,
    }
