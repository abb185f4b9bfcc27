"""Lists, a page at a time, by the last row that was given (keyset): rows that come or go meanwhile shift nothing."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from amphi.api.problems import Problem

MOST = 100
T = TypeVar("T")
Row = TypeVar("Row", bound=Model)


class PageOf(Schema, Generic[T]):
    items: list[T]
    next: Annotated[
        str | None, Field(description="Send it as `cursor` for the next page; null on the last one.")
    ]


class Paged(Schema):
    limit: Annotated[int, Field(ge=1, le=MOST)] = 25
    cursor: Annotated[str, Field(max_length=300)] = ""


def page(rows: QuerySet[Row], asked: Paged, *, by: Sequence[str], show: Callable[[Row], T]) -> dict[str, Any]:
    """One page of `rows`.

    Args:
        rows: the whole list.
        asked: how many, and after which.
        by: the columns to sort by, all in one direction; the last one is unique.
        show: a row for the answer.

    Raises:
        Problem: the cursor is none.
    """
    falling = by[0].startswith("-")
    names = [name.removeprefix("-") for name in by]
    if asked.cursor:
        rows = rows.filter(_after(names, _values(rows.model, names, asked.cursor), falling=falling))
    found = list(rows.order_by(*by)[: asked.limit + 1])
    is_more = len(found) > asked.limit
    shown = found[: asked.limit]
    return {"items": [show(row) for row in shown], "next": _cursor(shown[-1], names) if is_more else None}


def _after(names: list[str], values: list[Any], *, falling: bool) -> Q:
    sign = "lt" if falling else "gt"
    after, same = Q(), Q()
    for name, value in zip(names, values, strict=True):
        after |= same & Q(**{f"{name}__{sign}": value})
        same &= Q(**{name: value})
    return after


def _cursor(row: Model, names: list[str]) -> str:
    values = [getattr(row, name) for name in names]
    said = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _values(model: type[Model], names: list[str], cursor: str) -> list[Any]:
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = dict(zip(names, said, strict=True)) if isinstance(said, list) else {}
        return [_value(model, name, found[name]) for name in names]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Problem(422, "cursor", _("The cursor is not one that was given here.")) from None


def _value(model: type[Model], name: str, said: str) -> Any:
    kind = model._meta.pk if name == "pk" else model._meta.get_field(name)  # noqa: SLF001 -- Django's documented API
    if kind.get_internal_type() == "DateTimeField":
        at = datetime.fromisoformat(said)
        if at.tzinfo is None:
            raise ValueError
        return at
    if kind.get_internal_type() == "UUIDField":
        return UUID(said)
    number = int(said)
    if not 0 <= number < 2**63:
        raise ValueError
    return number
