"""Icons are drawn inside the pages; each name that is written in the source is one that the library has."""

import re
from pathlib import Path

import pytest

from amphi.pages.templatetags.icons import icon
from amphi.system import vendor

PAGES = Path(__file__).parents[1] / "src" / "amphi" / "pages"


def _named() -> set[str]:
    templates = (path.read_text(encoding="utf-8") for path in PAGES.rglob("templates/**/*.*"))
    named = {name for text in templates for name in re.findall(r"\{% icon \"([^\"]+)\"", text)}
    notes = (PAGES / "webinars" / "panel_notes.py").read_text(encoding="utf-8")
    return named | set(re.findall(r"Note\(\"\w+\", \"([a-z-]+)\"", notes))


def test_there_are_names() -> None:
    assert {"broadcast", "list", "hourglass-split"} <= _named()


@pytest.mark.parametrize("name", sorted(_named()))
def test_every_icon_is_in_the_library(name: str) -> None:
    assert (vendor.library("bootstrap-icons/icons") / f"{name}.svg").is_file()


def test_an_icon_is_silent_and_takes_the_colour_of_the_text() -> None:
    drawn = icon("lock-fill", "fs-2")
    assert drawn.startswith(
        '<svg class="bi bi-lock-fill fs-2" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"><path'
    )
    assert drawn.count("<svg") == drawn.count("</svg>") == 1


def test_an_icon_that_is_not_there_leaves_the_page_standing() -> None:
    assert "<path" not in icon("no-such-icon")
