"""Bringing each row here once: what was changed here since stays, and what was deleted here does not come back."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from django.db import models, transaction
from django.utils.crypto import salted_hmac

from amphi.pod_import.models import Imported


class LeftOutError(Exception):
    """A row can't come. The text says why."""


class Kind(Protocol):
    """How rows of one kind become objects here."""

    @property
    def name(self) -> str:
        """What it is called in `Imported`."""

    @property
    def model(self) -> type[models.Model]:
        """What its rows become."""

    def label(self, row: Any) -> str:
        """What people call it."""

    def known(self, row: Any) -> Any:
        """The object that it is here already; None when there is none.

        Raises:
            LeftOutError: something else stands in its place.
        """

    def make(self, row: Any) -> Any:
        """Make it.

        Raises:
            LeftOutError: it can't be.
        """

    def change(self, found: Any, row: Any) -> None:
        """Change it after what Pod has now.

        Raises:
            LeftOutError: it can't be.
        """

    def current(self, found: Any) -> dict[str, Any]:
        """What an import writes of it, as it is now."""


@dataclass
class Report:
    """What happened, or would.

    Attributes:
        counts: rows by kind and outcome: made, changed, same, before, kept, gone, left.
        remarks: kind, label and a sentence, of rows that somebody should look at.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    remarks: list[tuple[str, str, str]] = field(default_factory=list)

    def remark(self, kind: str, label: str, said: str) -> None:
        """Add a sentence about a row."""
        self.remarks.append((kind, label, said))


def digest(values: object) -> str:
    """What tells values from others, and does not tell what they are: there are passwords among them."""
    text = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return salted_hmac("amphi.pod_import", text, algorithm="sha256").hexdigest()


def follow_person(gone: int, kept: int) -> None:
    """Have the account `kept` be whom the account `gone` was in a Pod: an import that is run again finds them."""
    Imported.objects.filter(kind="user", object_id=gone).update(object_id=kept)


class Ledger:
    """What came before, of one Pod.

    Args:
        source: which Pod.
        report: where to count.
    """

    def __init__(self, source: str, report: Report) -> None:
        self._source, self.report = source, report
        rows = Imported.objects.select_for_update().filter(source=source)
        self._rows = {(row.kind, row.pod_id): row for row in rows}

    def take(self, kind: Kind, pod_id: int, row: Any) -> Any:
        """Bring one row; returns what it is here, or None when it was left out or deleted here."""
        try:
            with transaction.atomic():
                outcome, found = self._take(kind, pod_id, row)
        except LeftOutError as error:
            self.report.remark(kind.name, kind.label(row), str(error))
            outcome, found = "left", None
        self.report.counts[kind.name, outcome] += 1
        return found

    def _take(self, kind: Kind, pod_id: int, row: Any) -> tuple[str, Any]:
        before, told = self._rows.get((kind.name, pod_id)), digest(asdict(row))
        if before is None:
            return self._first(kind, pod_id, row, told)
        found = kind.model._default_manager.filter(pk=before.object_id).first()  # noqa: SLF001 -- Django's name for it
        if found is None:
            return "gone", None
        if before.told == told or not before.written:
            return "same", found
        if before.written != digest(kind.current(found)):
            return "kept", found
        kind.change(found, row)
        before.told, before.written = told, digest(kind.current(found))
        before.save(update_fields=["told", "written", "at"])
        return "changed", found

    def _first(self, kind: Kind, pod_id: int, row: Any, told: str) -> tuple[str, Any]:
        found = kind.known(row)
        is_new = found is None
        if is_new:
            found = kind.make(row)
        Imported.objects.create(
            source=self._source,
            kind=kind.name,
            pod_id=pod_id,
            object_id=found.pk,
            told=told,
            written=digest(kind.current(found)) if is_new else "",
        )
        return ("made" if is_new else "before"), found
