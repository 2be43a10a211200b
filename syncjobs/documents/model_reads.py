"""Reads one row of a Django model by its primary key: the ORM puts the statement together once for each process.

What cannot be kept (a manager that adds to its rows, inherited tables) the ORM reads itself, each time anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections, models

Rows = models.QuerySet[models.Model]


@dataclass(frozen=True, slots=True)
class _KeptRead:
    """A SELECT of whole rows, whose one place is the primary key, and {place of a column: its converters}."""

    text: str
    names: list[str]
    converters: dict[int, Any]


_kept: dict[tuple[type[models.Model], str, str, bool], _KeptRead | None] = {}


def read_row(model: type[models.Model], alias: str, key: Any, *, is_locked: bool = False) -> models.Model | None:
    """The row as a model instance; None if there is none. With `is_locked` it stays as it is until the commit."""
    connection = connections[alias]
    about = (model, alias, connection.vendor, is_locked)
    if about not in _kept:
        _kept[about] = _keep(_row(model, alias, key, is_locked))
    read = _kept[about]
    if read is None:
        return _row(model, alias, key, is_locked).first()
    with connection.cursor() as cursor:
        cursor.execute(read.text, [model._meta.pk.get_db_prep_value(key, connection)])
        found = cursor.fetchone()
    return None if found is None else _instance(model, alias, read, list(found))


def _row(model: type[models.Model], alias: str, key: Any, is_locked: bool) -> Rows:
    # The base manager: a default manager may hide rows that are there.
    rows = model._base_manager.using(alias).order_by().filter(pk=key)
    return rows.select_for_update(of=("self",)) if is_locked else rows


def _keep(row: Rows) -> _KeptRead | None:
    model, compiler = row.model, row.query.get_compiler(row.db)
    text, values = compiler.as_sql()
    columns = [expression for expression, _, _ in compiler.select]
    names = [field.attname for field in model._meta.concrete_fields]
    is_plain = type(model._base_manager) is models.Manager and not model._meta.parents
    if not is_plain or len(values) != 1 or len(columns) != len(names):
        return None
    return _KeptRead(text, names, compiler.get_converters(columns))


def _instance(model: type[models.Model], alias: str, read: _KeptRead, values: list[Any]) -> models.Model:
    for place, (converters, column) in read.converters.items():
        for convert in converters:
            values[place] = convert(values[place], column, connections[alias])
    return model.from_db(alias, read.names, values)
