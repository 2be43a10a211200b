"""What an SQLite file says about its tables: columns, types, keys, and by what their rows can be told apart."""

from __future__ import annotations

from typing import Any

from connectors.records import TYPES, Field, FieldType
from connectors.sql_text import Column, SQLText, Table, quote, sql
from connectors.sqlite_session import Session

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
