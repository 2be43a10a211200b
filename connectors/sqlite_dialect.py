"""How SQLite spells and stores things: catalog, types, values as text. Runs only the catalog's own queries.

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

from connectors.records import TYPES, Field, FieldType, decode_value
from connectors.sql_selects import ReadDialect
from connectors.sql_statements import MergeDialect
from connectors.sql_text import Column, SQLText, Table, quote, sql
from connectors.sqlite_session import KEPT_AS_TEXT, Session

ROW_NUMBERS = ("rowid", "_rowid_", "oid")  # names of a row's number, unless a column has taken them
BY_OWN_NAME: dict[str, FieldType] = {rules.sqlite: name for name, rules in TYPES.items()}
BY_PART_OF_NAME: tuple[tuple[str, FieldType], ...] = (
    ("BOOL", "boolean"),
    ("DATETIME", "datetime"),
    ("TIMESTAMP", "datetime"),
    ("DATE", "date"),
    ("INT", "bigint"),  # INTEGER holds 64 bits in SQLite
    ("UUID", "uuid"),
    ("JSON", "json"),
    ("CHAR", "text"),
    ("CLOB", "text"),
    ("TEXT", "text"),
    ("BLOB", "binary"),
    ("REAL", "float"),
    ("FLOA", "float"),
    ("DOUB", "float"),
    ("DEC", "decimal"),
    ("NUM", "decimal"),
)
AFFINITIES: tuple[tuple[tuple[str, ...], SQLText], ...] = (
    (("INT",), sql("INTEGER")),
    (("CHAR", "CLOB", "TEXT"), sql("TEXT")),
    (("BLOB",), sql("BLOB")),
    (("REAL", "FLOA", "DOUB"), sql("REAL")),
)
"""https://www.sqlite.org/datatype3.html §3.1, in this order; anything else is NUMERIC, no name at all BLOB."""


def field_type_of(declared: str) -> FieldType:
    """The field type of a declared column type; text for what is unknown."""
    name = declared.partition("(")[0].strip().upper()
    if name in BY_OWN_NAME:
        return BY_OWN_NAME[name]
    return next((field_type for part, field_type in BY_PART_OF_NAME if part in name), "text")


def affinity_of(declared: str) -> SQLText:
    """What a staging column is declared as, so that values change in it as they will in the target."""
    if not declared:
        return sql("BLOB")
    name = declared.upper()
    return next((affinity for parts, affinity in AFFINITIES if any(part in name for part in parts)), sql("NUMERIC"))


# 1. The catalog.


def find_table(session: Session, name: str) -> Table | None:
    """The table or view as the catalog has it; names differ by more than upper and lower case in SQLite."""
    query = sql("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE")
    found = session.fetch(query, (name,))
    if not found:
        return None
    name, kind = found[0]
    rows = session.fetch(
        sql('SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid'), (name,)
    )
    key = tuple(row[0] for row in sorted((row for row in rows if row[3]), key=lambda row: int(row[3])))
    is_rowid = len(key) == 1 and any(row[3] and row[1].upper() == "INTEGER" for row in rows)
    columns = tuple(_column(row, is_rowid=is_rowid and bool(row[3])) for row in rows)
    table = Table(name, quote(name), columns, key, _unique_keys(session, name, key))
    return table if kind == "view" else _with_row_order(session, table, is_rowid=is_rowid)


def _column(row: tuple[Any, ...], *, is_rowid: bool) -> Column:
    name, declared, not_null, _ = row
    return Column(Field(name, field_type_of(declared), nullable=not (not_null or is_rowid)), affinity_of(declared))


def _unique_keys(session: Session, name: str, key: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    rows = session.fetch(
        sql(
            "SELECT one.name, part.name FROM pragma_index_list(?) AS one, pragma_index_info(one.name) AS part"
            ' WHERE one."unique" AND NOT one.partial'
        ),
        (name,),
    )
    indexes: dict[str, set[str | None]] = {}
    for index, column in rows:
        indexes.setdefault(index, set()).add(column)
    named = [frozenset(column for column in index if column) for index in indexes.values() if None not in index]
    return (*([frozenset(key)] if key else []), *named)


def _with_row_order(session: Session, table: Table, *, is_rowid: bool) -> Table:
    """Tables have a row number by which their rows can be told apart, or (WITHOUT ROWID) a primary key in its place."""
    if is_rowid:
        own = table.choose(table.key)
        return _reordered(table, own, own[0].sql)
    taken = {column.name.lower() for column in table.columns}
    free = next((name for name in ROW_NUMBERS if name not in taken), None)
    if free is None or _is_without_rowid(session, table):
        return _reordered(table, table.choose(table.key), None)
    number = Column(Field(free, "bigint", nullable=False), sql("INTEGER"))
    return _reordered(table, (number,), number.sql)


def _is_without_rowid(session: Session, table: Table) -> bool:
    """Such a table's only index with origin pk is the table itself: its entry in the schema has no root page."""
    query = sql(
        "SELECT count(*) FROM pragma_index_list(?) AS one WHERE one.origin = 'pk' AND NOT EXISTS"
        " (SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = one.name)"
    )
    return bool(session.fetch(query, (table.name,))[0][0])


def _reordered(table: Table, order: tuple[Column, ...], number: SQLText | None) -> Table:
    row_id = sql("t.{number}", number=number) if number else None
    return Table(table.name, table.sql, table.columns, table.key, table.unique_keys, order, row_id)


# 2. Values.


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


# 3. Spelling.


class SQLiteDialect(ReadDialect, MergeDialect):
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

    def compared(self, column: Column) -> SQLText:
        if column.field.type not in ("decimal", "date", "datetime", "uuid"):
            return column.sql
        collation = SQLText(f"syncdeck_{column.field.type}")
        return sql("{column} COLLATE {collation}", column=column.sql, collation=collation)

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
