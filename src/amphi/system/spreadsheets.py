"""Tables for spreadsheets: a byte order mark, semicolons as French ones expect, and no cell that is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _plain(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula (OWASP, CSV injection)."""
    return "'" + text if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text


def as_csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as a file."""
    out = io.StringIO()
    out.write("\ufeff")
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow([_plain(cell) for cell in head])
    table.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()
