"""How SQLite spells and stores things. Runs nothing.

Types without a storage class of their own are kept as text: decimals exactly, times in UTC as SQLite's own functions
write them ("2026-11-23 02:30:00", a fraction only if there is one), which sorts as the times do.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, LiteralString

from connectors.records import FieldType, decode_value
from connectors.sql_statements import MergeDialect
from connectors.sql_text import Column, SQLText, sql
from connectors.sqlite_session import KEPT_AS_TEXT

# 1. Values.


def stored_time(value: dt.datetime) -> str:
    """UTC, as SQLite's datetime() writes it."""
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ")


def _stored_float(value: float) -> float:
    if math.isnan(value):
        raise ValueError("SQLite has no NaN and would store an empty value")
    return value


def _stored_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _stored_decimal(value: Decimal) -> str:
    return format(value, "f")


def _stored_key_decimal(value: Decimal) -> str:
    """Keys meet as text, so equal ones are spelled alike."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stored_date(value: dt.date) -> str:
    return value.isoformat()


STORED: dict[FieldType, Callable[[Any], Any]] = {
    "decimal": _stored_decimal,
    "float": _stored_float,
    "boolean": int,
    "date": _stored_date,
    "datetime": stored_time,
    "json": _stored_json,
    "uuid": str,
}


def storing(field_type: FieldType, *, in_key: bool = False) -> Callable[[Any], Any] | None:
    """What makes the stored form of a Python object; None where it is stored as it is. May raise ValueError."""
    return _stored_key_decimal if in_key and field_type == "decimal" else STORED.get(field_type)


def python_value(field_type: FieldType, value: Any) -> Any:
    """The Python object of a stored value; the value itself where it is none of that type."""
    if value is None or field_type not in KEPT_AS_TEXT:
        return value
    try:
        return decode_value(field_type, value)
    except ValueError:
        return value


def _read_value(field_type: FieldType, value: Any) -> Any:
    """As `python_value`; but a JSON text stays as stored: a decoded one would be taken for JSON once more."""
    found = python_value(field_type, value)
    return value if field_type == "json" and isinstance(found, str) else found


def typed_rows(columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows as Python objects of the columns' types."""
    types = [(place, one.field.type) for place, one in enumerate(columns) if one.field.type in KEPT_AS_TEXT]
    if not types:
        return rows
    typed = []
    for row in rows:
        values = list(row)
        for place, field_type in types:
            values[place] = _read_value(field_type, values[place])
        typed.append(tuple(values))
    return typed


A_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
A_TIME = f"{A_DATE} [0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
OWN_SPELLINGS: dict[FieldType, tuple[str, ...]] = {
    "date": (A_DATE,),
    "datetime": (A_TIME, f"{A_TIME}.{'[0-9]' * 6}"),
}
"""GLOB patterns of what `bound` writes. Any fewer digits behind the point would not meet an equal value as text."""


# 2. Spelling.


class SQLiteDialect(MergeDialect):
    """SQLite's ways of saying it."""

    nulls_come_last = False
    unique_means_ordered = False  # a column's own collation may take two unlike texts for equal
    stage = sql("temp.syncdeck_stage")
    diff = sql("temp.syncdeck_diff")
    now = sql("datetime('now')")

    def placeholder(self, number: int, column: Column) -> SQLText:
        return sql("?")

    def mark(self, number: int) -> SQLText:
        return sql("?")

    def shown(self, column: Column, expression: SQLText) -> SQLText:
        return expression

    def bound(self, column: Column, value: Any) -> Any:
        store = storing(column.field.type)
        return store(value) if store else value

    def collation(self, column: Column) -> SQLText:
        if column.field.type not in ("decimal", "date", "datetime", "uuid"):
            return sql("")
        return sql(" COLLATE {name}", name=SQLText(f"syncdeck_{column.field.type}"))

    def pattern(self, operator: str, column: Column, placeholder: SQLText) -> SQLText:
        template: LiteralString = "CAST({column} AS TEXT) LIKE {value} ESCAPE '\\'"
        if operator == "regex":
            template = "CAST({column} AS TEXT) REGEXP {value}"
        return sql(template, column=column.sql, value=placeholder)

    def positioned(self, column: Column, value: Any) -> Any:
        """As stored: an equal value that is spelled otherwise would stand elsewhere in the order."""
        if isinstance(value, bytes):
            return {"base64": base64.b64encode(value).decode("ascii")}
        if isinstance(value, float) and math.isinf(value):
            return {"float": str(value)}
        return value

    def unpositioned(self, column: Column, value: Any) -> Any:
        if isinstance(value, dict):
            return base64.b64decode(value["base64"]) if "base64" in value else float(value["float"])
        return value

    def differs(self, column: Column, left: SQLText, right: SQLText) -> SQLText:
        if column.field.type not in KEPT_AS_TEXT:
            return sql("{left} IS NOT {right}", left=left, right=right)
        check = SQLText(f"syncdeck_differ_{column.field.type}")
        return sql("({left} IS NOT {right} AND {check}({left}, {right}))", left=left, right=right, check=check)
