"""Many rows that have most columns in common, by one INSERT that names these once. Plain SQL; no signal is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from django.db import connection, models

Column: TypeAlias = "models.Field[Any, Any]"


def insert_alike(model: type[models.Model], shared: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which hold columns by name; what one lacks is taken from `shared`, else it is the default.

    Several times as quick as bulk_create where a model has many columns. Raises TypeError for an unknown name.
    """
    if not rows:
        return
    columns = [field for field in model._meta.concrete_fields if not field.primary_key]
    common = {field.attname: shared.get(field.attname, field.get_default()) for field in columns}
    names = {name for row in rows for name in row}
    if unknown := sorted(names - set(common)):
        raise TypeError(f"{model.__name__} has no columns {', '.join(unknown)}")
    own = [field for field in columns if field.attname in names]
    places = {field: f"column{place}" for place, field in enumerate(own, start=1)}  # so VALUES names them
    chosen = ", ".join(_typed(places.get(field, "%s"), field) for field in columns)
    one_row = f"({', '.join(['%s'] * len(own))})"
    into = f"{_quote(model._meta.db_table)} ({', '.join(_quote(str(field.column)) for field in columns)})"
    own_values = f"(VALUES {', '.join([one_row] * len(rows))}) AS own_values"
    sql = f"INSERT INTO {into} SELECT {chosen} FROM {own_values}"  # noqa: S608 - names are the model's, values are not here
    values = [_stored(field, common[field.attname]) for field in columns if field not in places]
    values += [_stored(field, row.get(field.attname, common[field.attname])) for row in rows for field in own]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _stored(field: Column, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _typed(expression: str, field: Column) -> str:
    """PostgreSQL takes what is not typed for text; SQLite goes by the column."""
    if connection.vendor != "postgresql":
        return expression
    return f"CAST({expression} AS {field.db_type(connection)})"


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
