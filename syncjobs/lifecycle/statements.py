"""The few statements of a job's way that are sent as plain SQL, since Django's own cost several times what they do.

Texts are put together from the models' columns, once; values are always bound. Knows no rule of who may change what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from django.db import connection, models

from syncjobs.models import SyncJob

Statement: TypeAlias = tuple[str, list[Any]]
"""SQL with places, and what is bound to them."""


def run_together(*statements: Statement) -> None:
    """Run statements whose answers nobody needs; PostgreSQL takes all of them in one message."""
    with connection.cursor() as cursor:
        for text, values in [_in_one(statements)] if _takes_several() else statements:
            cursor.execute(text, values)


def _takes_several() -> bool:
    return connection.vendor == "postgresql"


def _in_one(statements: Sequence[Statement]) -> Statement:
    return "; ".join(text for text, _ in statements), [value for _, values in statements for value in values]


def insertion(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> Statement:
    """One INSERT of rows, given by column names of the model; columns that a row lacks get their default."""
    head, fields = _head(model)
    row_text = f"({', '.join(['%s'] * len(fields))})"
    values = [
        field.get_db_prep_save(row[field.attname] if field.attname in row else field.get_default(), connection)
        for row in rows
        for field in fields
    ]
    return f"{head} VALUES {', '.join([row_text] * len(rows))}", values


def update(
    model: type[models.Model],
    changes: Mapping[str, Any],
    where: str,
    values: Sequence[Any],
    one_more: Sequence[str] = (),
) -> Statement:
    """One UPDATE that stores `changes`, and `one_more` in each of these columns, where the SQL `where` is true."""
    texts = [f'"{_column(model, name).column}" = %s' for name in changes]
    texts += [f'"{name}" = "{name}" + 1' for name in one_more]
    stored_values = [stored(model, name, value) for name, value in changes.items()]
    text = f'UPDATE "{model._meta.db_table}" SET {", ".join(texts)} WHERE {where}'  # noqa: S608 - the model's own names
    return text, [*stored_values, *values]


def stored(model: type[models.Model], name: str, value: Any) -> Any:
    """A value as the database driver takes it for this column."""
    return _column(model, name).get_db_prep_save(value, connection)


def change_one(change: Statement, *others: Statement) -> bool:
    """Run an UPDATE, and the others with it; whether it found its row. If not, the caller rolls back."""
    with connection.cursor() as cursor:
        cursor.execute(*(_in_one([change, *others]) if _takes_several() else change))
        found = bool(cursor.rowcount)  # of the first of several
    if found and not _takes_several():
        run_together(*others)
    return found


def read_job(statement: Statement) -> SyncJob | None:
    """Run a statement that answers with the `job_columns` of one job, or with nothing."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        row = cursor.fetchone()
    return None if row is None else _job_from(row)


@cache
def job_columns() -> str:
    """All columns of a job, in the order in which `read_job` wants them."""
    return ", ".join(f'"{field.column}"' for field in SyncJob._meta.concrete_fields)


@cache
def _column(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


@cache
def _head(model: type[models.Model]) -> tuple[str, list[Any]]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in fields)
    return f'INSERT INTO "{model._meta.db_table}" ({names})', fields


@cache
def _converters(_vendor: str) -> dict[int, Any]:
    """{place of the column: what turns the value that this kind of database stores into the model's}."""
    columns = [field.get_col(SyncJob._meta.db_table) for field in SyncJob._meta.concrete_fields]
    found: dict[int, Any] = SyncJob.objects.all().query.get_compiler(connection.alias).get_converters(columns)
    return found


def _job_from(row: Sequence[Any]) -> SyncJob:
    values = list(row)
    for place, (converters, column) in _converters(connection.vendor).items():
        for convert in converters:
            values[place] = convert(values[place], column, connection)
    return SyncJob.from_db(connection.alias, [field.attname for field in SyncJob._meta.concrete_fields], values)
