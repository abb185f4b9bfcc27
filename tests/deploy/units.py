"""Unit files and environment files, read as systemd reads them. Sources: systemd.syntax(7), systemd.exec(5), EnvironmentFile=."""

from pathlib import Path

Unit = dict[str, list[str]]


def read_unit(*files: Path) -> Unit:
    """The directives of a unit and of its drop-ins, sections left out: of one that stands several times, all that were said."""
    directives: Unit = {}
    for file in files:
        text = file.read_text().replace("\\\n", " ")
        for line in (raw.strip() for raw in text.splitlines()):
            if line and line[0] not in "#;[":
                name, _, value = line.partition("=")
                directives.setdefault(name.strip(), []).append(value.strip())
    return directives


def last(unit: Unit, name: str, default: str = "") -> str:
    """What was said last of a directive."""
    return unit.get(name, [default])[-1]


def read_environment(text: str) -> dict[str, str]:
    """The variables of an ``EnvironmentFile``.

    A comment begins its line: behind a value it is part of the value. Quotes around a value are dropped, nothing is expanded.
    """
    variables = {}
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line[0] in "#;" or "=" not in line:
            continue
        name, _, value = line.partition("=")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables
