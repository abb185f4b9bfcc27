"""What operators copy: units that start what there is, and pages that say the same in both languages."""

import configparser
import re
from pathlib import Path

import pytest

from amphi.cli import COMMANDS
from tests.deploy.units import last, read_unit

TOP = Path(__file__).parents[1]
UNITS = sorted((TOP / "deploy" / "systemd").glob("*.service"))
PAGES = sorted(page for page in (TOP / "docs" / "connect").glob("*.md") if ".fr." not in page.name)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_unit_starts_a_service_that_there_is(unit):
    # A directive may stand several times; the last word on each is enough here.
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(unit)
    service = parser["Service"]
    program, command = service["ExecStart"].split()
    assert Path(program).name == "amphi"
    assert command in COMMANDS
    assert unit.stem == f"amphi-{command}"
    assert service["EnvironmentFile"].startswith("/etc/amphi/")
    assert service["User"] != "root"
    assert {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp"} <= set(service)


def test_there_is_a_unit_for_each_service():
    services = ("web", "worker", "gateway", "origin", "captions", "check")
    assert {unit.stem for unit in UNITS} == {f"amphi-{name}" for name in services}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_service_that_ends_is_always_started_again(unit):
    text = unit.read_text()
    if "Type=oneshot" in text:
        assert (unit.with_suffix(".timer")).exists()
    else:
        assert "StartLimitIntervalSec=0\n" in text.partition("[Service]")[0]
        assert "Restart=always\n" in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_unit_is_bounded_in_memory_and_tasks(unit):
    directives = read_unit(unit)
    assert 0 < int(last(directives, "MemoryMax").removesuffix("%")) <= 75
    assert 0 < int(last(directives, "TasksMax")) <= 4096
    # What belongs to the user of the web server and the worker must not go with a check that ends.
    assert ("RemoveIPC" in directives) <= (last(directives, "User") != "amphi")


def shape(page: Path) -> tuple[int, int, list[str]]:
    """Headings, rows of tables, and what is to be typed: the same in each language."""
    lines = page.read_text().splitlines()
    typed = [
        match[1]
        for line in lines
        if (match := re.match(r" {4,}((?:apt-get|systemctl|install|cp|nginx|amphi|curl) .*)", line))
    ]
    return (
        sum(line.startswith("#") for line in lines),
        sum(line.startswith("|") for line in lines),
        [one.partition("room=")[0] for one in typed],
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_says_the_same_in_french(page):
    assert shape(page) == shape(page.with_name(f"{page.stem}.fr.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_french_page_has_french_typography(page):
    prose = re.sub(r"`[^`]*`", "", page.with_name(f"{page.stem}.fr.md").read_text())
    text = "\n".join(
        line for line in prose.splitlines() if not line.startswith("    ") and not line.startswith("|-")
    )
    assert re.findall(r"\S [:;!?](?:\s|$)", text) == []
    assert "« " not in text


@pytest.mark.parametrize(
    "page", [TOP / "docs" / "deploy.md", *(TOP / "docs" / "connect").glob("*.md")], ids=lambda page: page.stem
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
