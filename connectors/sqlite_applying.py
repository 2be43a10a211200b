"""Makes given changes in an SQLite file: what connectors.sql_applying leaves to the kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import DataError
from connectors.sql_applying import SQLApplying
from connectors.sql_text import sql
from connectors.sqlite_writer import SQLiteWriter


class SQLiteApplier(SQLApplying, SQLiteWriter):
    """Values are stored as the target's own columns keep them."""

    def computed_columns(self) -> list[str]:
        query = sql("SELECT name FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)")
        return [name for (name,) in self.fetch(query, (self.merge.target.name,))]

    def _stores(self) -> list[Callable[[Any], Any] | None]:
        keys = self.conditions.keys
        return [
            self.storing(column.field.type, in_key=place in keys)
            for place, column in enumerate(self.conditions.columns)
        ]

    def _raise_for_unfit_value(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for number, row in enumerate(rows, 1):
            for column, store, value in zip(self.conditions.columns, self._stores(), row, strict=True):
                try:
                    stored = store(value) if store and value is not None else value
                    self.session.connection.execute("SELECT ?", (stored,)).fetchall()
                except (ValueError, TypeError, AttributeError, OverflowError, sqlite3.Error) as error:
                    raise DataError(
                        "invalid_value",
                        f"{self.request.stream}: the change of {self.rows.name(row, number)} has a value in"
                        f" {column.name} that SQLite cannot keep as {column.field.type} ({error})",
                        hint="The target's column has another type than when the change was kept.",
                        field=column.name,
                    ) from error
