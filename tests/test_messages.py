"""The French catalogues say everything, and what the source says now."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
SOURCE = TOP / "src" / "amphi"
CATALOGUE = Path("locale/fr/LC_MESSAGES/django.po")
FOLDERS = sorted(str(found.parents[3].relative_to(SOURCE)) for found in SOURCE.glob("**/" + str(CATALOGUE)))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source, for the extraction to write in."""
    target = tmp_path_factory.mktemp("messages") / "amphi"
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "static"))
    return target


def run(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_catalogue_is_complete(folder):
    catalogue = SOURCE / folder / CATALOGUE
    run("msgfmt", "--check-format", "-o", "/dev/null", catalogue)
    assert run("msgattrib", "--untranslated", catalogue) == ""
    assert run("msgattrib", "--only-fuzzy", catalogue) == ""


@pytest.mark.parametrize("folder", FOLDERS)
def test_catalogue_is_up_to_date(folder, copy):
    """`deploy/messages` would change nothing."""
    run(TOP / "deploy" / "messages", copy / folder)
    assert (copy / folder / CATALOGUE).read_text() == (SOURCE / folder / CATALOGUE).read_text()


def test_one_message_has_one_translation():
    """Django merges the catalogues: where two differ, what is shown would depend on their order."""
    said: dict[tuple[str, ...], set[str]] = {}
    for folder in FOLDERS:
        for block in (SOURCE / folder / CATALOGUE).read_text().split("\n\n")[1:]:
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            source = tuple(line for line in lines if not line.startswith("msgstr"))
            said.setdefault(source, set()).add("\n".join(line for line in lines if line.startswith("msgstr")))
    assert {source: found for source, found in said.items() if len(found) > 1} == {}
