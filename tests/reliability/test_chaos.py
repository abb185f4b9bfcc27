"""The chaos table: what of a cell is wrong, and how rows find their place. `make test-chaos` fills it."""

import pytest

from tests.reliability.chaos import table

ROW = {
    "name": "web stands still",
    "lasts_s": 60.0,
    "told": "x",
    "told_s": 3.25,
    "right_s": 2.0,
    "lost": 0,
    "said": 7,
}
LINE = "| web stands still | 60 s | x | 3.25 s | 2 s | 0 of 7 |"


def test_rows_take_the_place_of_those_of_before():
    first = table.merged("", [ROW, ROW | {"name": "worker stands still"}])
    assert first.splitlines()[2:] == [LINE, LINE.replace("web", "worker")]
    again = table.merged(f"\n{first}\n", [ROW | {"told": "", "told_s": None}, ROW | {"name": "new"}])
    assert again.splitlines()[2:] == [
        "| web stands still | 60 s | – | never | 2 s | 0 of 7 |",
        LINE.replace("web", "worker"),
        LINE.replace("web stands still", "new"),
    ]


@pytest.mark.parametrize("table_before", ["", "\n"])
def test_page_has_a_place_for_the_table(table_before):
    page = table.PAGE.read_text(encoding="utf-8")
    assert page.count(table.BEGIN) == page.count(table.END) == 1
    assert table.merged(table_before, []) == "\n".join(table.HEAD)
