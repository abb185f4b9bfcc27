"""An empty Debian for a machine of the tests' own: what `debootstrap` makes, once a release, and keeps in /var/tmp.

What is committed on HEAD is what is cloned there.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.deploy import machine
from tests.deploy.machine import TOP, Machine
from tests.deploy.steps import NAMES, SLOW_S

NUMBERS = {"bookworm": "12", "trixie": "13"}
RELEASE = os.environ.get("AMPHI_TEST_DEBIAN", "bookworm")
"""`make test-package DEBIAN=trixie`"""
FOLDERS_AS_HERE = tuple(
    map(Path, ("/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/usr/local/share/ca-certificates"))
)
SAME_AS_HERE = (
    "/etc/pip.conf",
    *(str(Path.home() / name) for name in (".config/pip/pip.conf", ".npmrc")),
    "/etc/ssl/certs/ca-certificates.crt",
)
"""How packages are fetched is a matter of where the test runs, not of the guide."""
# No service starts while packages are installed, since there is no systemd: those that Debian would have started are started later.
NO_SERVICES = "#!/bin/sh\nexit 101\n"


def _base(release: str) -> Path:
    """A Debian with nothing but what makes it Debian."""
    base = Path(f"/var/tmp/amphi-empty-debian-{NUMBERS[release]}")  # noqa: S108 -- root's own, and kept
    if not (base / ".complete").exists():
        if base.exists():
            shutil.rmtree(base)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", release, str(base)],
            check=True,
            capture_output=True,
            timeout=SLOW_S,
        )
        (base / ".complete").touch()
    return base


def _fetch_as_here(root: Path, release: str) -> None:
    """Packages come from where this machine has them from, in the release's version."""
    (root / "etc/apt/sources.list").write_text("")
    for folder in FOLDERS_AS_HERE:
        if folder.is_dir():
            shutil.copytree(folder, root / folder.relative_to("/"), dirs_exist_ok=True)
    here = platform.freedesktop_os_release()["VERSION_CODENAME"]
    for sources in (root / "etc/apt/sources.list.d").iterdir():
        sources.write_text(sources.read_text().replace(here, release))
    for name in (*SAME_AS_HERE, "/etc/resolv.conf", "/etc/hosts"):
        if Path(name).exists():
            (root / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, root / name.lstrip("/"))


def fill(root: Path, release: str = RELEASE) -> None:
    """A new machine's files, with the repository that it clones."""
    subprocess.run(["cp", "-a", f"{_base(release)}/.", str(root)], check=True, timeout=SLOW_S)
    _fetch_as_here(root, release)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(NO_SERVICES)
    policy.chmod(0o755)
    source = root / NAMES["SOURCE"].lstrip("/")
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--no-hardlinks", str(TOP), str(source)], check=True, timeout=SLOW_S
    )


@contextlib.contextmanager
def empty_machine() -> Iterator[Machine]:
    """A machine with an empty Debian, which knows what packages there are."""
    machine.require_root()
    root = Path(tempfile.mkdtemp(prefix="amphi-machine-", dir="/var/tmp"))
    try:
        fill(root)
        with machine.over_empty_debian(root) as debian:
            debian.run("apt-get update -q", network=True, timeout_s=SLOW_S)
            yield debian
    finally:
        machine.remove(root)
