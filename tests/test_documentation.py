"""What the documentation names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_each_test_that_is_named_exists():
    page = (ROOT / "docs" / "webinar-mode.md").read_text()
    source = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert {name for name in named if f"def {name}(" not in source} == set()


def test_each_test_that_is_named_with_its_file_exists():
    named = {
        found for page in PAGES for found in re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page.read_text())
    }
    assert named
    assert {(file, name) for file, name in named if f"def {name}(" not in (ROOT / file).read_text()} == set()


def links(page: Path) -> list[str]:
    """The addresses of a page that are files of this project."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    return [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]


def test_each_link_leads_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in links(page)
        if not (page.parent / target).exists()
    ]
    assert broken == []
