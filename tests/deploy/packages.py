"""Packages and a wheel of what is committed on HEAD, built on an empty Debian as docs/package.md says."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.deploy import guide
from tests.deploy.empty import NUMBERS, RELEASE, empty_machine
from tests.deploy.machine import TOP
from tests.deploy.steps import NAMES, SLOW_S

PAGE = TOP / "docs" / "package.md"
SUFFIX = f"~deb{NUMBERS[RELEASE]}"
"""How a version ends."""


def section(name: str) -> list[guide.Block]:
    """The page's blocks under a heading."""
    return [block for block in guide.blocks(PAGE.read_text()) if block.section == name]


def _build(folder: Path) -> None:
    """Two packages, the second of a higher number, and the wheel."""
    [commands] = (block.commands for block in section("Build"))
    with empty_machine() as debian:
        checkout = (
            f"apt-get install -y -q git make\ngit clone -q {NAMES['SOURCE']} /root/amphi\ncd /root/amphi"
        )
        debian.run(
            f"{checkout}\nexport BUILD=1\n{commands}\nexport BUILD=2\n{commands}\nmake wheel",
            network=True,
            timeout_s=SLOW_S,
        )
        shutil.copytree(debian.files / "root/amphi/dist", folder)


@contextlib.contextmanager
def built() -> Iterator[Path]:
    """The folder of the packages and of the wheel. Whoever names a folder in AMPHI_TEST_PACKAGES finds them there the next time."""
    kept = os.environ.get("AMPHI_TEST_PACKAGES")
    made = Path(kept or tempfile.mkdtemp(prefix="amphi-packages-", dir="/var/tmp"))
    try:
        if not (made / RELEASE).exists():
            _build(made / RELEASE)
        yield made / RELEASE
    finally:
        if not kept:
            shutil.rmtree(made)


def package(folder: Path, number: int) -> Path:
    """One of them."""
    [found] = folder.glob(f"amphi_*+{number}{SUFFIX}_*.deb")
    return found
