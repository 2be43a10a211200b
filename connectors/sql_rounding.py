"""Which columns of a target may round or cut what is written into them, by the types that they have. Runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connectors.base import WriteRequest
from connectors.records import FieldType
from connectors.sql_text import Table

NUMBERS: tuple[FieldType, ...] = ("text", "decimal", "float")
TIMES: tuple[FieldType, ...] = ("text", "datetime")
NARROW: tuple[tuple[re.Pattern[str], tuple[FieldType, ...]], ...] = (
    (re.compile(r"numeric\(|money"), NUMBERS),
    (re.compile("real"), (*NUMBERS, "integer", "bigint")),
    (re.compile("double precision|REAL"), ("text", "decimal", "bigint")),
    (re.compile("INTEGER|NUMERIC"), ("text", "decimal")),
    (re.compile(r"date$|time\b|timestamp\("), TIMES),
)
"""Columns as they are declared in PostgreSQL, or of what affinity in SQLite, and the fields that they may change."""


def rounding_columns(request: WriteRequest, target: Table) -> Iterator[str]:
    """`price (decimal into numeric(10,2))` for each of these columns that the request writes."""
    columns = {column.name: column for column in target.columns}
    for field in request.fields:
        declared = columns[field.name].declared
        if any(pattern.match(declared) and field.type in types for pattern, types in NARROW):
            yield f"{field.name} ({field.type} into {declared})"
