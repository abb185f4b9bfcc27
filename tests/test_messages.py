"""The French catalogue says everything, and what the source says now."""

import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
SOURCE = TOP / "src" / "amphi"
CATALOGUE = Path("locale/fr/LC_MESSAGES/django.po")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_one_catalogue():
    """Django merges catalogues: where two differ, what is shown would depend on their order."""
    assert [found.relative_to(SOURCE) for found in SOURCE.rglob("*.po")] == [CATALOGUE]


def test_catalogue_is_complete():
    run("msgfmt", "--check-format", "-o", "/dev/null", SOURCE / CATALOGUE)
    assert run("msgattrib", "--untranslated", SOURCE / CATALOGUE) == ""
    assert run("msgattrib", "--only-fuzzy", SOURCE / CATALOGUE) == ""


def test_catalogue_is_up_to_date(tmp_path):
    """`deploy/messages` would change nothing."""
    copy = tmp_path / "amphi"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "static"))
    run(TOP / "deploy" / "messages", copy)
    assert (copy / CATALOGUE).read_text() == (SOURCE / CATALOGUE).read_text()
