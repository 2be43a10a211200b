"""Changes of a compared batch, spelled as JSON by PostgreSQL itself in the same forms as sql_changes. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from connectors.postgres_dialect import PostgresDialect
from connectors.postgres_literals import literal_of
from connectors.sql_masks import is_flagged
from connectors.sql_statements import Merge, old_name, stage_name
from connectors.sql_text import Column, SQLText, joined, sql

MOST_ARGUMENTS = 90  # of a function call, of which PostgreSQL allows 100
ALIKE = ("text", "integer", "bigint", "boolean", "date", "datetime", "uuid")
"""Field types whose values have one JSON text, so that a key's hash is the same whoever spells it."""
PLAIN = ("integer", "boolean", "json")
"""Field types whose text is their JSON form."""


def rendered_rows(merge: Merge) -> SQLText | None:
    """is_insert, and the JSON of key and fields, of each change that is made, in order; None where it can not."""
    if any(merge.columns[place].field.type not in ALIKE for place in merge.keys):
        return None
    request = merge.request
    inserted = _object([_pair(merge, place, is_insert=True) for place in range(len(merge.columns))])
    wanted = [sql("d.is_insert")] if request.insert_enabled else []
    wanted += [sql("NOT d.is_insert")] if request.update_enabled else []
    return sql(
        "SELECT d.is_insert, {key}, CASE WHEN d.is_insert THEN {inserted} ELSE {updated} END"
        " FROM {diff} AS d JOIN {stage} AS s ON {same_staged} WHERE {wanted} ORDER BY d.seq",
        key=_key(merge),
        inserted=inserted if request.keep_insert_values else sql("'{{}}'"),
        updated=_object([_pair(merge, place, is_insert=False) for place in merge.values]),
        diff=merge.dialect.diff,
        stage=merge.dialect.stage,
        same_staged=merge.same_staged,
        wanted=joined([sql("1 = 0"), *wanted], " OR "),
    )


def _key(merge: Merge) -> SQLText:
    """By its names, in the order and form in which keys are hashed."""
    parts = [
        sql(
            "{name} || {value}",
            name=_name(merge.columns[place], ""),
            value=json_of(merge.columns[place], sql("s.{new}", new=stage_name(place))),
        )
        for place in sorted(merge.keys, key=lambda place: merge.columns[place].name)
    ]
    return sql("'{{' || {parts} || '}}'", parts=joined(parts, " || ',' || "))


def _name(column: Column, then: str) -> SQLText:
    """The name as JSON, what follows a name there, and `then`."""
    return literal_of(f"{json.dumps(column.name, ensure_ascii=False)}:{then}")


def _pair(merge: Merge, place: int, *, is_insert: bool) -> SQLText:
    """`"name":[old,new]` where the field differs or, of a new record, has a value; else NULL."""
    column, new = merge.columns[place], sql("s.{name}", name=stage_name(place))
    if is_insert:
        return sql(
            "CASE WHEN {new} IS NOT NULL THEN {name} || {value} || ']' END",
            new=new,
            name=_name(column, "[null,"),
            value=json_of(column, new),
        )
    return sql(
        "CASE WHEN {is_flagged} THEN {name} || {old} || ',' || {value} || ']' END",
        is_flagged=is_flagged(merge.values.index(place)),
        name=_name(column, "["),
        old=json_of(column, sql("d.{name}", name=old_name(place))),
        value=json_of(column, new),
    )


def _object(pairs: Sequence[SQLText]) -> SQLText:
    parts = [joined(pairs[start : start + MOST_ARGUMENTS]) for start in range(0, len(pairs), MOST_ARGUMENTS)]
    groups = joined(sql("nullif(concat_ws(',', {part}), '')", part=part) for part in parts) if parts else sql("NULL")
    return sql("'{{' || concat_ws(',', {groups}) || '}}'", groups=groups)


def json_of(column: Column, expression: SQLText) -> SQLText:
    """The JSON text of a value as sql_changes.json_form gives it; null for NULL."""
    value, kind = PostgresDialect().shown(column, expression), column.field.type
    if kind in PLAIN:
        return sql("coalesce({value}::text, 'null')", value=value)
    if kind == "bigint":
        return sql(
            "CASE WHEN {value} IS NULL THEN 'null' WHEN {value} BETWEEN -9007199254740992 AND 9007199254740992"
            " THEN {value}::text ELSE to_json({value}::text)::text END",
            value=value,
        )
    if kind == "float":
        return sql(
            "CASE WHEN {value} IS NULL THEN 'null' WHEN {value} = 'NaN' THEN '\"NaN\"'"
            " WHEN {value} = 'Infinity' THEN '\"Infinity\"' WHEN {value} = '-Infinity' THEN '\"-Infinity\"'"
            " ELSE {value}::text END",
            value=value,
        )
    if kind == "datetime":
        value = _time_of(value)
    elif kind == "binary":
        value = sql("translate(encode({value}, 'base64'), E'\\n', '')", value=value)
    elif column.native == "bpchar":  # a cast to text would cut its blanks off
        return sql("coalesce(to_json({value})::text, 'null')", value=value)
    return sql("coalesce(to_json({value}::text)::text, 'null')", value=value)


def _time_of(value: SQLText) -> SQLText:
    """As Python writes times in UTC, with microseconds only where there are some; what is none of Python's as it is.

    The session's own zone is UTC, in which a time without microseconds is spelled quickest.
    """
    return sql(
        "CASE WHEN {value} BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'"
        " THEN CASE WHEN date_trunc('second', {value}) = {value}"
        " THEN replace(replace({value}::text, ' ', 'T'), '+00', 'Z')"
        ' ELSE to_char({value}, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') END ELSE {value}::text END',
        value=value,
    )
