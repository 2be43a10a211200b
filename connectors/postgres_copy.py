"""Puts rows into a PostgreSQL staging table by COPY, and finds the record that does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg

from connectors.errors import DataError, SyncError
from connectors.postgres_dialect import BINARY_COPY
from connectors.postgres_lines import lines_of
from connectors.postgres_session import Session
from connectors.sql_changes import StagedRows
from connectors.sql_errors import MAPPING_HINT
from connectors.sql_statements import Merge, stage_name
from connectors.sql_text import SQLText, Table, joined, sql

UNFIT = (psycopg.DataError, ValueError, OverflowError, TypeError, AttributeError)
Rows = Sequence[tuple[Any, ...]]


def copy_rows(session: Session, merge: Merge, shown: StagedRows, rows: Rows, into: Table | None = None) -> int:
    """Put rows into the stage, or `into` the target itself; how many it took.

    In the binary format where every column takes its field's objects as they are, else as text. Raises DataError
    `invalid_value` or `out_of_range` naming record and field.
    """
    names = [column.sql if into else stage_name(place) for place, column in enumerate(merge.columns)]
    table = into.sql if into else merge.dialect.stage
    query = sql("COPY {table} ({names}) FROM STDIN", table=table, names=joined(names))
    copy = _Copy(session, merge, shown, rows)
    if not _takes_objects(merge):
        return copy.run(query, _with_json_as_text(merge, rows), has_types=False)
    if prefers_lines(merge):
        lines = lines_of(rows, len(merge.columns))
        return copy.run(query, rows, has_types=True) if lines is None else copy.run_lines(query, lines)
    return copy.run(sql("{copy} (FORMAT BINARY)", copy=query), rows, has_types=True)


def prefers_lines(merge: Merge) -> bool:
    """Whether rows are best sent as the lines of postgres_lines: the driver's binary format is slow for decimals."""
    return _takes_objects(merge) and any(column.native == "numeric" for column in merge.columns)


def _takes_objects(merge: Merge) -> bool:
    """Whether every column takes its field's objects as they are."""
    pairs = zip(merge.request.fields, merge.columns, strict=True)
    return all(column.native in BINARY_COPY[field.type] for field, column in pairs)


def _with_json_as_text(merge: Merge, rows: Rows) -> Rows:
    """The driver could not tell JSON from arrays; the rest it spells."""
    places = {place for place, field in enumerate(merge.request.fields) if field.type == "json"}
    if not places:
        return rows
    return [
        tuple(
            json.dumps(value, ensure_ascii=False) if place in places and value is not None else value
            for place, value in enumerate(row)
        )
        for row in rows
    ]


class _Copy:
    """One COPY; remembers which row was being sent, so that an error can name its record."""

    def __init__(self, session: Session, merge: Merge, shown: StagedRows, rows: Rows) -> None:
        self.session, self.merge, self.shown, self.rows = session, merge, shown, rows
        self.number = 0  # of the row being sent, from 1; 0 when all are sent and an error is the server's

    def run_lines(self, query: SQLText, lines: Sequence[bytes]) -> int:
        """All rows, spelled already."""
        try:
            return self.session.guarded(lambda: self._send_lines(query, lines))
        except SyncError as error:
            raise self._explained(error) from error

    def _send_lines(self, query: SQLText, lines: Sequence[bytes]) -> int:
        with self.session.connection.cursor() as cursor:
            with cursor.copy(query.encode()) as copy:
                for block in lines:
                    copy.write(block)
            return cursor.rowcount

    def run(self, query: SQLText, rows: Rows, *, has_types: bool) -> int:
        """`has_types` says that each value is an object of its column's own type."""
        try:
            return self.session.guarded(lambda: self._send(query, rows, has_types=has_types))
        except SyncError as error:
            raise self._explained(error) from error
        except UNFIT as error:
            raise self._unfit(self.number, str(error)) from error

    def _send(self, query: SQLText, rows: Rows, *, has_types: bool) -> int:
        with self.session.connection.cursor() as cursor:
            with cursor.copy(query.encode()) as copy:
                if has_types:
                    copy.set_types([column.native for column in self.merge.columns])
                for self.number, row in enumerate(rows, 1):
                    copy.write_row(row)
                self.number = 0
            return cursor.rowcount

    def _explained(self, error: SyncError) -> SyncError:
        """The server says "COPY syncdeck_stage, line 3, column c1", which means a record and a field."""
        cause = error.__cause__
        if not isinstance(error, DataError) or not isinstance(cause, psycopg.Error):
            return error
        context = cause.diag.context or ""
        line, place = re.search(r"syncdeck_stage\D+(\d+)", context), re.search(r"\bc(\d+)\b", context)
        number = int(line[1]) if line else self.number
        field = self.merge.request.fields[int(place[1])].name if place else ""
        if not 0 < number <= len(self.rows):
            return error
        return self._unfit(number, error.message.rpartition(": ")[2], error.code, field)

    def _unfit(self, number: int, reason: str, code: str = "invalid_value", field: str = "") -> DataError:
        record = self.shown.name(self.rows[number - 1], number)
        where = f" in {field}" if field else ""
        message = f"{self.merge.request.stream}: record {record} has a value{where} that does not fit: {reason}"
        return DataError(code, message, hint=MAPPING_HINT, field=field, record=record)
