"""docs/deploy.md, all of it, on an empty Debian 12: `make test-deploy`. It takes the network, a quarter of an hour, and root.

    pytest tests/deploy/whole_guide.py

An empty system of Debian's is made once and kept in /var/tmp; what is committed on HEAD is what the guide clones.
"""

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import nginx
from tests.deploy import machine
from tests.deploy.machine import HOST, TOP
from tests.deploy.steps import NAMES, PYTHON, Guide

pytestmark = pytest.mark.e2e

BASE = Path("/var/tmp/amphi-empty-debian-12")  # noqa: S108 -- root's own, and kept
SLOW_S = 2400.0
FOLDERS_AS_HERE = tuple(
    map(Path, ("/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/usr/local/share/ca-certificates"))
)
SAME_AS_HERE = (
    "/etc/pip.conf",
    *(str(Path.home() / name) for name in (".config/pip/pip.conf", ".npmrc")),
    "/etc/ssl/certs/ca-certificates.crt",
)
"""How packages are fetched is a matter of where the test runs, not of the guide."""
LISTENERS = 1200
# No service starts while packages are installed, since there is no systemd: those that Debian would have started are started below.
NO_SERVICES = "#!/bin/sh\nexit 101\n"


def _base() -> Path:
    """Debian 12 with nothing but what makes it Debian."""
    if not (BASE / ".complete").exists():
        if BASE.exists():
            shutil.rmtree(BASE)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(BASE)],
            check=True,
            capture_output=True,
            timeout=SLOW_S,
        )
        (BASE / ".complete").touch()
    return BASE


def empty(root: Path) -> None:
    """A new machine's files."""
    subprocess.run(["cp", "-a", f"{_base()}/.", str(root)], check=True, timeout=SLOW_S)
    (root / "etc/apt/sources.list").write_text("")
    for folder in FOLDERS_AS_HERE:
        if folder.is_dir():
            shutil.copytree(folder, root / folder.relative_to("/"), dirs_exist_ok=True)
    for name in (*SAME_AS_HERE, "/etc/resolv.conf", "/etc/hosts"):
        if Path(name).exists():
            (root / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, root / name.lstrip("/"))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(NO_SERVICES)
    policy.chmod(0o755)
    source = root / NAMES["SOURCE"].lstrip("/")
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--no-hardlinks", str(TOP), str(source)], check=True, timeout=SLOW_S
    )


@pytest.fixture(scope="module")
def followed() -> Iterator[Guide]:
    """The machine once all up to “Check” is done."""
    machine.require_root()
    with contextlib.ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="amphi-machine-", dir="/var/tmp"))
        stack.callback(machine.remove, root)
        empty(root)
        debian = stack.enter_context(machine.over_empty_debian(root))
        debian.run("apt-get update -q", network=True, timeout_s=SLOW_S)
        steps = Guide(debian)
        steps.follow("Install", after_first="systemctl start postgresql nginx")
        debian.make_authority()
        steps.follow("Configure")
        steps.follow("Start")
        steps.administrate()
        with steps.classroom():
            yield steps


def test_everything_answers(followed: Guide) -> None:
    found = followed.findings()
    assert found["FAIL"] == []
    assert [line for line in found["WARN"] if not line.startswith("mail ")] == []


def test_listeners(followed: Guide) -> None:
    listening = followed.listen(LISTENERS)
    assert listening.open == LISTENERS
    assert listening.heard() == LISTENERS


def test_rehearsal_through_nginx_and_tls(followed: Guide) -> None:
    # The robots' Chromium knows no authority but its own; this key, and no other, it is told to take.
    key = followed.machine.run(f"openssl x509 -in /etc/letsencrypt/live/{HOST}/cert.pem -pubkey -noout")
    chromium = f'#!/bin/sh\nexec /usr/bin/chromium --ignore-certificate-errors-spki-list={nginx.spki(key.encode())} "$@"\n'
    followed.machine.write("/usr/local/bin/chromium", chromium)
    followed.machine.run("chmod 755 /usr/local/bin/chromium")
    rehearsal = followed.machine.popen("amphi", "rehearse", "--json", "--seconds", "30")
    with rehearsal:
        out, told = rehearsal.communicate(timeout=SLOW_S)
    report = json.loads(out)
    logs = "".join(followed.machine.log(f"amphi-{name}") for name in ("web", "worker", "gateway", "origin"))
    assert report["failures"] == [], f"{report}\n{told}\n{logs}"
    assert report["ok"] is True
    assert "/t/.../hls/" in followed.machine.run("cat /var/log/nginx/amphi.log"), (
        "pictures went through nginx"
    )


def test_backup_and_upgrade_in_new_shells(followed: Guide) -> None:
    followed.machine.new_shell()
    followed.follow("Back up")
    followed.machine.new_shell()
    followed.follow("Upgrade")
    followed.wait_for(f"https://{HOST}/healthz", 200)
    assert followed.findings()["FAIL"] == []
    assert "amphi" in followed.machine.run(f"{PYTHON} -m pip --version")
