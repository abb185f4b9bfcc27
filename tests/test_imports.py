"""Who may import whom: the shape of the architecture page, held."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "amphi"
DJANGO_SIDE = {
    "accounts",
    "meetings",
    "live",
    "webinars",
    "audience",
    "access",
    "settings",
    "urls",
    "database",
    "security",
    "checkup",
}
FREE_OF_DJANGO = ["bigbluebutton", "sipmediagw", "gateway", "origin", "classroom"]
MAY_CALL_CLIENTS = {"webinars", "meetings", "rehearsal"}


def imports_of(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{name.name}" for name in node.names)
    return found


def imports_of_package(name: str) -> set[str]:
    """The modules that a package imports."""
    return set().union(*(imports_of(file) for file in (PACKAGE / name).rglob("*.py")))


@pytest.mark.parametrize("package", FREE_OF_DJANGO)
def test_service_imports_nothing_of_the_django_side(package):
    for module in imports_of_package(package):
        top, *rest = module.split(".")
        assert top != "django", module
        assert not (top == "amphi" and rest and rest[0] in DJANGO_SIDE), module


@pytest.mark.parametrize("package", ["bigbluebutton", "sipmediagw", "gateway", "origin", "classroom"])
def test_services_do_not_import_each_other(package):
    others = set(FREE_OF_DJANGO) - {package}
    for module in imports_of_package(package):
        parts = module.split(".")
        assert not (parts[0] == "amphi" and len(parts) > 1 and parts[1] in others), module


# Asking other systems whether they answer is what the check-up is for.
@pytest.mark.parametrize("package", sorted(DJANGO_SIDE - {"settings", "database", "checkup"}))
def test_only_the_worker_and_joining_call_other_systems(package):
    folder = PACKAGE / package
    files = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    allowed = {
        PACKAGE / "meetings" / "join.py",
        PACKAGE / "meetings" / "deletion.py",
        PACKAGE / "meetings" / "server.py",
        PACKAGE / "webinars" / "supervisor.py",
        PACKAGE / "webinars" / "jobs.py",
        PACKAGE / "webinars" / "meeting_watch.py",
        PACKAGE / "webinars" / "gateways.py",
        PACKAGE / "webinars" / "meeting_chat.py",
        PACKAGE / "webinars" / "probe.py",
        PACKAGE / "webinars" / "hooks.py",
        PACKAGE / "webinars" / "participation.py",
        PACKAGE / "webinars" / "recordings.py",
    }
    for file in files:
        callers = {
            module
            for module in imports_of(file)
            if module.startswith(("amphi.bigbluebutton", "amphi.sipmediagw", "amphi.outbound", "httpx"))
        }
        assert not callers or file in allowed, f"{file.relative_to(PACKAGE)}: {callers}"
