"""Tables of ``docs/reliability.md`` that measurements write."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def write(name: str, table: str) -> None:
    """Put a table in its place on the page: between the marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    assert found, f"{PAGE.name} has no {begin}"
    assert closed, f"{PAGE.name} has no {end}"
    PAGE.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
