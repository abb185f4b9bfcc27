"""Rows that are read and written many times a second: each statement is made once, where Django's querysets make it anew each time.

What is asked twenty times a second in a full hall comes this way; all else by querysets, which can do more.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, models

if TYPE_CHECKING:
    from django.db.models.options import Options

Model = TypeVar("Model", bound=models.Model)
Fields = Sequence["models.Field[Any, Any]"]


def insert(row: models.Model) -> None:
    """Insert a new row. One whose number the database gives does not learn it.

    Args:
        row: of a model without parents, whose `save` does nothing of its own.
    """
    statement, fields = _inserting(type(row))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    row._state.adding = False  # noqa: SLF001 -- as `save` does


def find(model: type[Model], **equal: object) -> Model | None:
    """The one row whose columns are `equal` to these, which tell it from all others; None when there is none."""
    statement, conditions, fields = _finding(model, tuple(equal))
    found = _first(statement, conditions, equal)
    if found is None:
        return None
    values = [_converted(field, value) for field, value in zip(fields, found, strict=True)]
    return model.from_db("default", [field.attname for field in fields], values)


def exists(model: type[models.Model], **equal: object) -> bool:
    """Whether there is a row whose columns are `equal` to these."""
    statement, conditions = _asking(model, tuple(equal), "")
    return _first(statement, conditions, equal) is not None


def lock(model: type[models.Model], **equal: object) -> None:
    """Lock the row whose columns are `equal` to these, if there is one, until the transaction ends.

    Rows that name it may be written meanwhile (``FOR NO KEY UPDATE``).
    """
    # Where a database has no such lock, it has one for all of it.
    if connection.features.has_select_for_no_key_update:
        _first(*_asking(model, tuple(equal), "FOR NO KEY UPDATE"), equal)


def _first(statement: str, conditions: Fields, equal: dict[str, object]) -> tuple[Any, ...] | None:
    values = [
        field.get_db_prep_value(value, connection)
        for field, value in zip(conditions, equal.values(), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


@functools.cache
def _inserting(model: type[models.Model]) -> tuple[str, Fields]:
    described = _described(model)
    fields = [field for field in described.local_concrete_fields if not isinstance(field, models.AutoField)]
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {_quoted(described.db_table)} ({_named(fields)}) VALUES ({places})", fields  # noqa: S608 -- names of models alone


@functools.cache
def _finding(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Fields, Fields]:
    where, conditions = _where(model, names)
    fields = _described(model).local_concrete_fields
    return f"SELECT {_named(fields)} {where}", conditions, fields


@functools.cache
def _asking(model: type[models.Model], names: tuple[str, ...], end: str) -> tuple[str, Fields]:
    where, conditions = _where(model, names)
    return f"SELECT 1 {where} LIMIT 1 {end}", conditions


def _where(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Fields]:
    described = _described(model)
    by_name = {field.name: field for field in described.local_concrete_fields}
    fields = [by_name[name] for name in names]
    conditions = " AND ".join(f"{_quoted(str(field.column))} = %s" for field in fields)
    return f"FROM {_quoted(described.db_table)} WHERE {conditions}", fields


def _described(model: type[models.Model]) -> "Options[Any]":
    return model._meta  # noqa: SLF001 -- public, by Django's documentation


def _named(fields: Fields) -> str:
    return ", ".join(_quoted(str(field.column)) for field in fields)


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _converted(field: "models.Field[Any, Any]", value: object) -> object:
    for convert, column in _converters(field, connection.vendor):
        value = convert(value, column, connection)
    return value


@functools.cache
def _converters(field: "models.Field[Any, Any]", vendor: str) -> list[tuple[Any, Any]]:  # noqa: ARG001 -- part of the cache's key
    column = field.get_col(_described(field.model).db_table)
    both = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    return [(convert, column) for convert in both]
