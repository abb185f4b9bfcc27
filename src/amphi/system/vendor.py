"""Where the front-end libraries that `deploy/setup` installed are, for every service that serves pages."""

from pathlib import Path

from amphi.system import environment

PACKAGE = Path(__file__).resolve().parents[1]
CARRIED = PACKAGE / "front_end"
"""In a wheel, which carries them (``deploy/wheel``)."""


def node_modules() -> Path:
    """The folder of the installed libraries: ``AMPHI_NODE_MODULES``, else the wheel's, else the checkout's."""
    installed = CARRIED if CARRIED.is_dir() else PACKAGE.parents[1] / "node_modules"
    return environment.path("AMPHI_NODE_MODULES", installed)


def library(name: str) -> Path:
    """The folder or file of one library, such as ``bootstrap/dist``."""
    return node_modules() / name
