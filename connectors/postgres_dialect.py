"""How PostgreSQL spells and stores things: catalog, types, values. Runs only the catalog's own queries."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from dataclasses import replace
from typing import Any, LiteralString

from connectors.postgres_lengths import uncut
from connectors.postgres_session import BareSession, Session
from connectors.records import TYPES, Field, FieldType
from connectors.sql_changes import json_form
from connectors.sql_statements import MergeDialect
from connectors.sql_text import Column, SQLText, Table, quote, sql

FIELD_TYPES: dict[str, FieldType] = {
    "int2": "integer",
    "int4": "integer",
    "int8": "bigint",
    "oid": "bigint",
    "numeric": "decimal",
    "float4": "float",
    "float8": "float",
    "bool": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "json": "json",
    "jsonb": "json",
    "bytea": "binary",
    "uuid": "uuid",
}
CREATED_AS: dict[FieldType, str] = {
    "text": "text",
    "integer": "int4",
    "bigint": "int8",
    "decimal": "numeric",
    "float": "float8",
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamptz",
    "json": "jsonb",
    "binary": "bytea",
    "uuid": "uuid",
}
"""The catalog's names of what records.TYPES declares."""
TEXTS = ("text", "varchar", "bpchar", "name", "citext")
ARRAY = "array"  # stands for every array type in Column.native
HAS_EQUALITY = {*FIELD_TYPES, *TEXTS, "time", "timetz", "interval", "inet", "cidr", "macaddr", "money"} - {"json"}
INTEGERS = ("int2", "int4", "int8")
HAS_MINIMUM = {*INTEGERS, "oid", "numeric", "float8", "text", "varchar", "date", "timestamp", "timestamptz"}
BINARY_COPY: dict[FieldType, tuple[str, ...]] = {
    "text": ("text", "varchar"),
    "integer": ("int4", "int8"),
    "bigint": ("int8",),
    "decimal": ("numeric",),
    "float": ("float8",),
    "boolean": ("bool",),
    "date": ("date",),
    "datetime": ("timestamptz",),
    "json": ("jsonb",),
    "binary": ("bytea",),
    "uuid": ("uuid",),
}
"""The columns that take a field type's Python objects in the binary format, which converts nothing."""
TABLE_KINDS = ("r", "p", "v", "m", "f")  # table, partitioned table, view, materialized view, foreign table
KINDS_WITH_ROW_IDS = ("r", "p", "m")


# 1. The catalog.

COLUMNS = sql(
    """
    SELECT a.attname, CASE WHEN t.typcategory = 'A' THEN 'array' ELSE coalesce(b.typname, t.typname) END,
        format_type(coalesce(b.oid, t.oid), -1),
        format_type(coalesce(b.oid, t.oid), CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END),
        a.attnotnull OR t.typnotnull, CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END,
        CASE WHEN l.oid <> 100 THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) END
    FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_type AS b ON t.typtype = 'd' AND b.oid = t.typbasetype
        LEFT JOIN pg_collation AS l ON l.oid = a.attcollation LEFT JOIN pg_namespace AS n ON n.oid = l.collnamespace
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    """
)
UNIQUE_INDEXES = sql(
    """
    SELECT i.indisprimary, array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index AS i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place), pg_attribute AS a
    WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND k.place <= i.indnkeyatts AND a.attrelid = i.indrelid AND a.attnum = k.number
    GROUP BY i.indexrelid, i.indisprimary
    """
)
RELATION = sql(
    """
    SELECT c.oid,
        CASE WHEN c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = c.oid) THEN 'parent'
            ELSE c.relkind::text END, EXISTS (
        WITH RECURSIVE parts(id) AS (
            SELECT c.oid UNION SELECT i.inhrelid FROM parts JOIN pg_inherits AS i ON i.inhparent = parts.id
        )
        SELECT FROM parts JOIN pg_class AS p ON p.oid = parts.id
        WHERE p.relkind IN ('v', 'f') OR (p.reltoastrelid <> 0 AND pg_relation_size(p.reltoastrelid) > 0)
    )
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind::text = ANY($3)
    """
)
"""Long values lie apart, so that a table without such a store has none that is long once it is decompressed."""
RELATIONS = sql(
    "SELECT c.relname, c.relkind IN ('v', 'm'), c.reltuples::bigint FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind::text = ANY($2)"
    " AND NOT c.relispartition AND NOT starts_with(c.relname, '_syncdeck_') ORDER BY c.relname"
)


def split_name(schema: str, stream: str) -> list[tuple[str, str]]:
    """What a stream's name may mean: a table of the connector's schema, or `schema.table`."""
    before, dot, after = stream.partition(".")
    return [(schema, stream), (before, after)] if dot and before and after else [(schema, stream)]


def find_table(session: Session | BareSession, schema: str, stream: str) -> Table | None:
    """The table or view as the catalog has it."""
    for owner, name in split_name(schema, stream):
        found = session.fetch(RELATION, (owner, name, list(TABLE_KINDS))) if "\0" not in stream else []
        if found:
            oid, kind, may_be_wide = found[0]
            table = _table(session, stream, sql("{schema}.{name}", schema=quote(owner), name=quote(name)), oid, kind)
            return replace(table, may_be_wide=may_be_wide)
    return None


def _table(session: Session | BareSession, stream: str, name: SQLText, oid: int, kind: str) -> Table:
    columns = tuple(column_of(*row) for row in session.fetch(COLUMNS, (oid,)))
    # The indexes of a table that others inherit from say nothing of the rows of these, which are read with it.
    indexes = session.fetch(UNIQUE_INDEXES, (oid,)) if kind != "parent" else []
    key = next((tuple(names) for is_primary, names in indexes if is_primary), ())
    unique = tuple(frozenset(names) for _, names in indexes)
    row_id = sql("t.ctid") if kind in KINDS_WITH_ROW_IDS else None
    table = Table(stream, name, columns, key, unique, row_id=row_id)
    return Table(stream, name, columns, key, unique, table.choose(key), row_id)


def column_of(
    name: str, native: str, cast: str, declared: str, not_null: bool, modifier: int, collation: str | None
) -> Column:
    """A column from what the catalog says of it."""
    field_type: FieldType = "json" if native == ARRAY else FIELD_TYPES.get(native, "text")
    has_length = native in ("varchar", "bpchar", "bit", "varbit")
    # A staged text may be longer than the target takes: an explicit type would cut it off or refuse it without a name.
    staged = SQLText(cast if has_length else declared)
    if collation:
        staged = sql("{type} COLLATE {collation}", type=staged, collation=SQLText(collation))
    length = modifier - 4 if native in ("varchar", "bpchar") and modifier > 4 else None
    field = Field(name, field_type, nullable=not not_null, length=length)
    return Column(field, staged, SQLText(cast), native, length)


def planned_column(field: Field, *, in_key: bool) -> Column:
    """The column that a created table has for a field."""
    cast = SQLText(TYPES[field.type].postgres)
    declared = sql('{type} COLLATE "C"', type=cast) if in_key and field.type == "text" else cast
    return Column(field, declared, cast, CREATED_AS[field.type])


# 2. Spelling.


class PostgresDialect(MergeDialect):
    """PostgreSQL's ways of saying it; parameters are numbered, as the server itself wants them."""

    nulls_come_last = True
    unique_means_ordered = True
    stage = sql("pg_temp.syncdeck_stage")
    diff = sql("pg_temp.syncdeck_diff")
    now = sql("now()")
    overriding = sql(" OVERRIDING SYSTEM VALUE")
    row_lock = sql(" FOR UPDATE OF t")
    staged_id = sql("s.ctid")

    def placeholder(self, number: int, column: Column) -> SQLText:
        return sql("{mark}::{cast}", mark=self.mark(number), cast=column.cast)

    def mark(self, number: int) -> SQLText:
        return SQLText(f"${number}")

    def typed_null(self, column: Column) -> SQLText:
        return sql("NULL::{declared}", declared=column.declared)

    def widened(self, column: Column, expression: SQLText) -> SQLText:
        return sql("{value}::{declared}", value=expression, declared=column.declared)

    def stored(self, column: Column, expression: SQLText) -> SQLText:
        return uncut(column, expression)

    def shown(self, column: Column, expression: SQLText) -> SQLText:
        if column.native == "timestamp":
            return sql("({value} AT TIME ZONE 'UTC')", value=expression)
        if column.native == ARRAY:
            return sql("to_jsonb({value})", value=expression)
        if column.native == "inet":
            return sql("abbrev({value})", value=expression)  # a cast to text would add /32
        if column.field.type == "text" and column.native not in TEXTS:
            return sql("{value}::text", value=expression)
        return expression

    def bound(self, column: Column, value: Any) -> Any:
        if column.field.type == "json":
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dt.datetime) and column.native == "timestamp":
            return value.astimezone(dt.UTC).replace(tzinfo=None)
        return value

    def collation(self, column: Column) -> SQLText:
        return sql("")

    def pattern(self, operator: str, column: Column, placeholder: SQLText) -> SQLText:
        # The placeholder is cast to the column's type, the pattern is a text.
        mark = SQLText(placeholder.partition("::")[0])
        template: LiteralString = "{column}::text LIKE {value}::text"
        if operator == "regex":
            template = "{column}::text ~ {value}::text"
        return sql(template, column=column.sql, value=mark)

    def positioned(self, column: Column, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if column.field.type == "json":
            return value if isinstance(value, str) else json.dumps(value)  # the driver leaves a text as JSON
        return json_form(column.field.type, value)

    def unpositioned(self, column: Column, value: Any) -> Any:
        return base64.b64decode(value) if column.field.type == "binary" else value

    def differs(self, column: Column, left: SQLText, right: SQLText) -> SQLText:
        template: LiteralString = "{left} IS DISTINCT FROM {right}"
        if column.native == "json":
            template = "{left}::jsonb IS DISTINCT FROM {right}::jsonb"
        elif column.native not in HAS_EQUALITY:
            template = "{left}::text IS DISTINCT FROM {right}::text"
        return sql(template, left=left, right=right)
