"""Draws the packages of Amphi, layer by layer, from what their modules import: the picture in architecture.md.

python docs/packages.py           writes it there
"""

import tomllib
from pathlib import Path

import grimp

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "architecture.md"
BEGIN, END = "<!-- packages: made by docs/packages.py -->", "<!-- /packages -->"
SERVICES = ("amphi.gateway", "amphi.origin", "amphi.classroom")


def layers() -> list[list[str]]:
    """The layers that import-linter holds, the highest first."""
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [layer.split(" : ") for layer in contracts[0]["layers"]]


def picture() -> str:
    """A table with a row a package: what it imports of the others."""
    graph = grimp.build_graph("amphi")
    rows = [*((package,) for package in SERVICES), *layers()]
    order = [package for row in rows for package in row]
    lines = ["| Layer | Package | Imports |", "|---|---|---|"]
    for number, row in enumerate(rows):
        layer = "services" if number < len(SERVICES) else str(len(rows) - number)
        for package in row:
            modules = {package, *graph.find_descendants(package)}
            imported = {
                other
                for other in order
                if other != package
                and any(
                    graph.find_modules_directly_imported_by(module) & {other, *graph.find_descendants(other)}
                    for module in modules
                )
            }
            names = ", ".join(one.removeprefix("amphi.") for one in order if one in imported)
            lines.append(f"| {layer} | `{package.removeprefix('amphi.')}` | {names or 'nothing of these'} |")
    return "\n".join(lines)


def page_with(drawn: str, page: str) -> str:
    """`page` with `drawn` between its two marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{drawn}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page_with(picture(), PAGE.read_text()))
