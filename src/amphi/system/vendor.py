"""Where the front-end libraries that `npm ci` installed are, for every service that serves pages."""

from pathlib import Path

from amphi.system import environment

ROOT = Path(__file__).resolve().parents[3]


def node_modules() -> Path:
    """The folder of the installed libraries: ``AMPHI_NODE_MODULES``, else the checkout's."""
    return environment.path("AMPHI_NODE_MODULES", ROOT / "node_modules")


def library(name: str) -> Path:
    """The folder or file of one library, such as ``bootstrap/dist``."""
    return node_modules() / name
