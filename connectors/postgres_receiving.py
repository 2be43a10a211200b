"""Receives parcels of another PostgreSQL database by COPY, into the stage or the target: what straight.py asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar

from connectors.base import Comparison, RenderedChange
from connectors.columns import ColumnRows, column_of
from connectors.errors import DataError
from connectors.field_types import FieldType
from connectors.postgres_asides import PostgresAsides
from connectors.postgres_changes import rendered_rows
from connectors.postgres_copy import copy_rows, prefers_lines
from connectors.postgres_dialect import CREATED_AS
from connectors.postgres_lengths import cutting_columns
from connectors.postgres_lines import LinedRows, lines_of
from connectors.postgres_sending import COPY_OPTIONS
from connectors.records import Field
from connectors.sql import EVERYTHING
from connectors.sql_statements import stage_name
from connectors.sql_text import Column, SQLText, joined, sql
from connectors.straight import Format, Parcel, StraightWriter

FAMILY = "postgres"
ALIKE_EVERYWHERE = {"int2", "int4", "int8", "numeric", "bool", "date", "timestamptz", "uuid"}
"""Types that have one idea of when two values are the same; a text has its collation's."""
WHOLE_NUMBERS: tuple[FieldType, ...] = ("integer", "bigint")


class PostgresReceiving(PostgresAsides, StraightWriter):
    """The values of a parcel are of the types that a created table would have (CREATED_AS)."""

    family: ClassVar[str] = FAMILY
    is_distinct = False
    _keys: set[Any] | None = None  # of the records staged so far, where no two are alike

    def form(self, fields: tuple[Field, ...]) -> Format | None:
        pairs = list(zip(fields, self.merge.columns, strict=True))
        if not all(_takes(field, column) for field, column in pairs):
            return None
        return "binary" if all(_is_same(field, column) for field, column in pairs) else "text"

    def spelled(self, rows: ColumnRows) -> ColumnRows:
        lines = lines_of(rows, len(rows.columns)) if self._merge and prefers_lines(self._merge) else None
        return rows if lines is None else LinedRows(rows, lines)

    def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.ranges = {}
        if not self.staged:
            self._keys = set() if self._tells_keys_apart_here() else None
        self.is_distinct = self._has_new_keys(rows)
        super().stage(rows)

    def _tells_keys_apart_here(self) -> bool:
        """Whether two keys are the same to the target if and only if they are to Python."""
        pairs = [(self.request.fields[place], self.merge.columns[place]) for place in self.merge.keys]
        return bool(pairs) and all(_is_alike_here(field, column) for field, column in pairs)

    def _has_new_keys(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Whether no record of the batch has the key of another, with these; to ask the target would take longer."""
        if self._keys is None:
            return False
        columns, before = [column_of(rows, place) for place in self.merge.keys], len(self._keys)
        self._keys.update(columns[0] if len(columns) == 1 else zip(*columns, strict=True))
        if len(self._keys) == before + len(rows):
            return True
        self._keys = None
        return False

    def remove_duplicates(self) -> int:
        self._keys = None
        return 0 if self.is_distinct else super().remove_duplicates()

    def rendered_changes(self) -> Iterator[RenderedChange] | None:
        if self.request.mode != "upsert" or not (self.found.updated or self.request.keep_insert_values):
            return None
        query = rendered_rows(self.merge)
        return None if query is None else self._render(query)

    def _render(self, query: SQLText) -> Iterator[RenderedChange]:
        for is_insert, key, fields in self.iterate(query):
            yield RenderedChange("insert" if is_insert else "update", key, fields)

    def stage_parcel(self, parcel: Parcel, *, is_distinct: bool) -> None:
        self.see_to_stage()
        self.is_distinct, self._keys = is_distinct and not self.staged and self._has_plain_key(), None
        self.ranges = {} if self.staged else parcel.ranges
        names = joined(stage_name(place) for place in range(len(self.merge.columns)))
        self.staged += self._receive(self.dialect.stage, names, parcel)

    def load_parcel(self, parcel: Parcel) -> None:
        if any(cutting_columns(self.request.fields, self.merge.columns)):
            self.stage_parcel(parcel, is_distinct=False)
            written = self.execute(self.merge.insert(everything=True), EVERYTHING)
            self._refuse_others(written, parcel.records)
        else:
            names = joined(column.sql for column in self.merge.columns)
            written = self._receive(self.merge.target.sql, names, parcel)
        self.execute(sql("SET CONSTRAINTS ALL IMMEDIATE"))
        self.comparison = Comparison(written, 0, 0, 0, 0)

    def load_rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for place, column in cutting_columns(self.request.fields, self.merge.columns):
            if any(isinstance(value, str) and len(value) > (column.length or 0) for value in column_of(rows, place)):
                raise DataError("value_too_long", f"{self.request.stream}: a text is too long for {column.name}")
        self._refuse_others(copy_rows(self.session, self.merge, self.rows, rows, into=self.merge.target), len(rows))
        self.execute(sql("SET CONSTRAINTS ALL IMMEDIATE"))
        self.staged += len(rows)
        self.comparison = Comparison(self.staged, 0, 0, 0, 0)

    def can_load(self) -> bool:
        """A key that no two rows share and none lacks; and a table without rules and policies of its rows."""
        target, key = self.merge.target, self.request.key
        if self.request.dry_run or target.row_id is None or not self._has_no_rules():
            return False
        return not key or (target.has_unique(key) and not any(one.field.nullable for one in target.choose(key)))

    def _has_no_rules(self) -> bool:
        query = sql(
            "SELECT relkind IN ('r', 'p') AND NOT relhasrules AND NOT row_security_active(oid) FROM pg_class"
            " WHERE oid = to_regclass($1)"
        )
        return bool(self.fetch(query, (self.merge.target.sql,))[0][0])

    def _has_plain_key(self) -> bool:
        """Whether the target keeps values apart that the source does: it rounds none, and reads none out of texts."""
        pairs = ((self.request.fields[place], self.merge.columns[place]) for place in self.merge.keys)
        return all(
            field.type != "text" and column.native in ALIKE_EVERYWHERE and column.declared == column.cast
            for field, column in pairs
        )

    def _receive(self, table: SQLText, names: SQLText, parcel: Parcel) -> int:
        """How many records came."""
        form = COPY_OPTIONS[parcel.form]
        query = sql("COPY {table} ({names}) FROM STDIN ({form})", table=table, names=names, form=form)
        received = self.session.guarded(lambda: self._copy(query, parcel))
        self._refuse_others(received, parcel.records)
        return received

    def _refuse_others(self, received: int, sent: int) -> None:
        """A trigger may leave records out without an error."""
        if received != sent:
            raise DataError("rows_not_written", f"{self.request.stream}: {sent} records were sent, {received} came")

    def _copy(self, query: SQLText, parcel: Parcel) -> int:
        with self.session.connection.cursor() as cursor:
            with cursor.copy(query.encode()) as copy, closing(parcel.blocks()) as blocks:
                for block in blocks:
                    copy.write(block)
            return cursor.rowcount


def _is_same(field: Field, column: Column) -> bool:
    return column.native == CREATED_AS[field.type] or (field.type == "text" and column.native == "varchar")


def _is_alike_here(field: Field, column: Column) -> bool:
    if field.type in WHOLE_NUMBERS:
        return column.field.type in WHOLE_NUMBERS
    by_bytes = "COLLATE" not in column.declared or column.declared.endswith('COLLATE pg_catalog."C"')
    return field.type == "text" and column.native in ("text", "varchar") and by_bytes


def _takes(field: Field, column: Column) -> bool:
    """Whether the column makes the same of the value's text as of what Python would write."""
    if field.type == "text":
        return True
    if field.type in WHOLE_NUMBERS:
        return column.field.type in (*WHOLE_NUMBERS, "decimal")
    return column.field.type == field.type and column.native not in ("json", "array")
