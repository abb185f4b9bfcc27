"""docs/package.md on an empty Debian 12: `make test-package`. It takes the network, twenty minutes, and root."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import nginx
from tests.deploy import guide, machine
from tests.deploy.machine import HOST, TOP
from tests.deploy.steps import ADMINISTRATOR, NAMES, Guide
from tests.deploy.whole_guide import SLOW_S, empty

pytestmark = pytest.mark.e2e

PAGE = TOP / "docs" / "package.md"


def build(number: int, folder: Path) -> Path:
    """A package of this checkout."""
    done = subprocess.run(
        [TOP / "deploy" / "debian" / "build"],
        env=os.environ | {"BUILD": str(number)},
        check=True,
        capture_output=True,
        text=True,
        timeout=SLOW_S,
    )
    built = TOP / done.stdout.strip()
    return Path(shutil.move(built, folder / built.name))


@pytest.fixture(scope="module")
def installed() -> Iterator[Guide]:
    """The machine once the page's “Install” is done, and nginx is there."""
    machine.require_root()
    with contextlib.ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="amphi-machine-", dir="/var/tmp"))
        stack.callback(machine.remove, root)
        empty(root)
        for number in (1, 2):
            (root / "root" / str(number)).mkdir()
            build(number, root / "root" / str(number))
        debian = stack.enter_context(machine.over_empty_debian(root))
        steps = Guide(debian)
        fetching, names, *rest = [
            block for block in guide.blocks(PAGE.read_text()) if block.section == "Install"
        ]
        debian.run(f"cd /root/1\n{fetching.commands}", network=True, timeout_s=SLOW_S)
        debian.run(
            "apt-get install -y -q nginx libnginx-mod-http-brotli-static", network=True, timeout_s=SLOW_S
        )
        debian.run("systemctl start postgresql nginx")
        debian.make_authority()
        own = guide.with_names(names, {name: value for name, value in NAMES.items() if name != "SOURCE"})
        script = "\n".join(block.commands for block in (own, *rest))
        debian.run(
            script.replace("createsuperuser", "createsuperuser --no-input"), timeout_s=SLOW_S, **ADMINISTRATOR
        )
        # What follows the units, which the package has.
        for block in steps.section("Start")[1:]:
            debian.paste(block, timeout_s=SLOW_S)
        steps.administrate()
        with steps.classroom():
            yield steps


def test_everything_answers(installed: Guide) -> None:
    found = installed.findings()
    assert found["FAIL"] == []
    assert [line for line in found["WARN"] if not line.startswith("mail ")] == []


def test_webinar_stays_on_the_air_while_amphi_is_upgraded(installed: Guide) -> None:
    key = installed.machine.run(f"openssl x509 -in /etc/letsencrypt/live/{HOST}/cert.pem -pubkey -noout")
    chromium = f'#!/bin/sh\nexec /usr/bin/chromium --ignore-certificate-errors-spki-list={nginx.spki(key.encode())} "$@"\n'
    installed.machine.write("/usr/local/bin/chromium", chromium)
    installed.machine.run("chmod 755 /usr/local/bin/chromium")
    rehearsal = installed.machine.popen("amphi", "rehearse", "--json", "--seconds", "90")
    with rehearsal:
        on_air = (
            "from amphi.webinars.models import Livestream as L; print(L.objects.filter(state='live').count())"
        )
        while installed.shell(on_air).strip() == "0":
            assert rehearsal.poll() is None, rehearsal.communicate()
        said = installed.machine.run(
            "cd /root/2 && apt-get install -y -q ./amphi_*.deb 2>&1", timeout_s=SLOW_S
        )
        assert "amphi-gateway and amphi-origin run on" in said
        # systemd's part, which is not here.
        installed.machine.run("systemctl restart amphi-web amphi-worker")
        out, told = rehearsal.communicate(timeout=SLOW_S)
    report = json.loads(out)
    assert report["failures"] == [], f"{report}\n{told}"
    assert "+2~deb12" in installed.machine.run("dpkg-query -W amphi")
    assert installed.findings()["FAIL"] == []


def test_purge_leaves_what_cannot_be_made_again_unless_asked(installed: Guide) -> None:
    installed.machine.run(
        "systemctl stop amphi-web amphi-worker amphi-origin amphi-gateway\napt-get purge -y -q amphi"
    )
    assert "AMPHI_SECRET_KEY=" in installed.machine.run("cat /etc/amphi/amphi.env")
    kept = "/var/lib/amphi-recordings\n/var/lib/amphi/files\n"
    assert installed.machine.run("ls -d /var/lib/amphi/files /var/lib/amphi-recordings") == kept
    # dpkg takes /opt away too, where nothing else is in it.
    assert installed.machine.run("find / -maxdepth 2 -path '/opt/*'") == ""
    installed.machine.run(
        "cd /root/2 && apt-get install -y -q ./amphi_*.deb && AMPHI_PURGE=yes apt-get purge -y -q amphi"
    )
    assert installed.machine.run("ls -d /etc/amphi /var/lib/amphi* 2>/dev/null || true") == ""
    assert installed.machine.run("getent passwd amphi || true") == ""
