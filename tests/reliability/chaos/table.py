"""The table in ``docs/reliability.md``."""

from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos -->", "<!-- /chaos -->"
HEAD = [
    "| What is wrong | for | told as | after | right again after | lost |",
    "|---|---:|---|---:|---:|---:|",
]


def _s(value: float | None) -> str:
    return "never" if value is None else f"{value:g} s"


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    told = row["told"] or "–"
    cells = (
        row["name"],
        _s(row["lasts_s"]),
        told,
        _s(row["told_s"]),
        _s(row["right_s"]),
        f"{row['lost']} of {row['said']}",
    )
    return f"| {' | '.join(cells)} |"


def merged(table: str, rows: list[dict[str, Any]]) -> str:
    """The table with `rows` in place of those of the same name, and the new ones at its end."""
    kept = {old.split(" | ")[0]: old for old in table.strip().splitlines()[len(HEAD) :]}
    new = {text.split(" | ")[0]: text for text in map(line, rows)}
    return "\n".join([*HEAD, *(kept | new).values()])


def write(rows: list[dict[str, Any]]) -> None:
    """Put `rows` into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{merged(table, rows)}\n{END}{after}", encoding="utf-8")
