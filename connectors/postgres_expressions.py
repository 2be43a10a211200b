"""Spells expressions as PostgreSQL does, with their constants as literals, since COPY takes no parameters.

Right only where the database's encoding is UTF8: elsewhere characters are other things.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import LiteralString

from psycopg.sql import Literal

from connectors.expressions import Call, ColumnValue, Constant, Expression, FirstThat, Function, Given, Let
from connectors.letters import BLANKS, Exchange, to_ascii, to_lower, to_upper
from connectors.postgres_dialect import PostgresDialect
from connectors.records import TYPES, encode_value
from connectors.sql_text import Column, SQLText, joined, sql

SEPARATORS: dict[Function, LiteralString] = {"and": " AND ", "or": " OR ", "concat": " || "}
TEMPLATES: dict[Function, LiteralString] = {
    "not": "(NOT {a})",
    "is_null": "({a} IS NULL)",
    "eq": "({a} = {b})",
    "ne": "({a} <> {b})",
    "lt": "({a} < {b})",
    "le": "({a} <= {b})",
    "gt": "({a} > {b})",
    "ge": "({a} >= {b})",
    "text_eq": '({a} COLLATE "C" = {b})',
    "text_ne": '({a} COLLATE "C" <> {b})',
    "text_lt": '({a} COLLATE "C" < {b})',
    "text_le": '({a} COLLATE "C" <= {b})',
    "text_gt": '({a} COLLATE "C" > {b})',
    "text_ge": '({a} COLLATE "C" >= {b})',
    "in": "({a} IN ({others}))",
    "text_in": '({a} COLLATE "C" IN ({others}))',
    "text_like": '({a} COLLATE "C" LIKE {b})',
    "matches": '({a} COLLATE "C" ~ {b})',
    "to_text": "{a}::text",
    "to_integer": "{a}::integer",
    "to_bigint": "{a}::bigint",
    "to_decimal": "{a}::numeric",
    "to_float": "{a}::double precision",
    "date_to_text": "to_char({a}, 'YYYY-MM-DD')",
    "date_to_datetime": "({a}::timestamp AT TIME ZONE 'UTC')",
    "datetime_to_date": "({a} AT TIME ZONE 'UTC')::date",
    "whole_part": "trunc({a})",
    "scale": "scale({a})",
    "or_empty": "coalesce({a}, '')",
    "strip": "btrim({a}, {blanks})",
    # Regular expressions are slow: the mark \x01 does for runs of spaces where neither it nor any other blank is.
    "single_spaces": "CASE WHEN {a} ~ {odd} THEN regexp_replace(translate({a}, {blanks}, {spaces}), ' +', ' ', 'g')"
    " WHEN strpos({a}, '  ') = 0 THEN {a}"
    " ELSE replace(replace(replace({a}, ' ', ' ' || chr(1)), chr(1) || ' ', ''), chr(1), '') END",
    # What is ASCII alone goes the quick way.
    "fold_to_ascii": 'CASE WHEN octet_length({a}) = length({a}) THEN lower({a} COLLATE "C")'
    " ELSE translate({a}, {letters}, {changed}) END",
    "upper": 'CASE WHEN octet_length({a}) = length({a}) THEN upper({a} COLLATE "C")'
    " ELSE translate({a}, {letters}, {changed}) END",
    "lower": 'CASE WHEN octet_length({a}) = length({a}) THEN lower({a} COLLATE "C")'
    " ELSE translate({a}, {letters}, {changed}) END",
    "length": "length({a})",
    "left": "left({a}, {b})",
    "mask": "CASE WHEN length({a}) <= {b} + {c} THEN repeat({d}, length({a}))"
    " ELSE left({a}, {b}) || repeat({d}, length({a}) - {b} - {c}) || right({a}, {c}) END",
    "sha256_of_text": "encode(sha256(convert_to({a}, 'UTF8')), 'hex')",
    "sha512_of_text": "encode(sha512(convert_to({a}, 'UTF8')), 'hex')",
}
"""What the functions of expressions are here. `blanks` are Python's, `spaces` as many spaces, `odd` a pattern of the
rarer ones; `others` are all but a, `letters` and `changed` an exchange of letters.
"""
EXCHANGES: dict[Function, Callable[[], Exchange]] = {"upper": to_upper, "lower": to_lower, "fold_to_ascii": to_ascii}
ODD_BLANKS = f"[\x01{BLANKS.replace(' ', '')}]"
PLAIN_TEXT = ("text", "varchar")


def spell(expression: Expression, columns: Mapping[str, Column]) -> SQLText:
    """The expression over the columns of a table with alias t, each value of its field type's own PostgreSQL type.

    Computing it raises no error, except for a column of type json (not jsonb) that jsonb refuses.
    """
    match expression:
        case ColumnValue(name):
            return value_of(columns[name])
        case Constant():
            return literal(expression)
        case FirstThat(cases, otherwise):
            whens = [
                sql("WHEN {when} THEN {then}", when=spell(when, columns), then=spell(then, columns))
                for when, then in cases
            ]
            return sql("CASE {whens} ELSE {other} END", whens=joined(whens, " "), other=spell(otherwise, columns))
        case Given(number):
            return sql("v{number}.x", number=SQLText(str(number)))
        case Let(number, value, body):
            return _let(spell(value, columns), spell(body, columns), number)
        case Call(function, arguments):
            return _spell_call(function, arguments, columns)


def _let(value: SQLText, body: SQLText, number: int) -> SQLText:
    """OFFSET 0 keeps PostgreSQL from putting the value in the places where it is used."""
    name = SQLText(str(number))
    return sql("(SELECT {body} FROM (SELECT {value} AS x OFFSET 0) AS v{name})", body=body, value=value, name=name)


def _spell_call(function: Function, arguments: tuple[Expression, ...], columns: Mapping[str, Column]) -> SQLText:
    spelled = [spell(argument, columns) for argument in arguments]
    if function in SEPARATORS:
        return sql("({all})", all=joined(spelled, SEPARATORS[function]))
    if TEMPLATES[function].count("{a}") > 1 and not isinstance(arguments[0], ColumnValue | Constant | Given):
        return _let(spelled[0], _filled(function, [sql("v0.x"), *spelled[1:]]), 0)
    return _filled(function, spelled)


def _filled(function: Function, arguments: list[SQLText]) -> SQLText:
    letters, changed, _ = EXCHANGES[function]() if function in EXCHANGES else Exchange("", "", "")
    return sql(
        TEMPLATES[function],
        **dict(zip("abcd", arguments, strict=False)),
        others=joined(arguments[1:]),
        blanks=_quoted(BLANKS),
        spaces=_quoted(" " * len(BLANKS)),
        odd=_quoted(ODD_BLANKS),
        letters=_quoted(letters),
        changed=_quoted(changed),
    )


def value_of(column: Column) -> SQLText:
    """What reading a column gives, as the PostgreSQL type of its field type."""
    value = sql("t.{column}", column=column.sql)
    if column.native == "bpchar":  # a cast to text would cut its blanks off
        return sql("CASE WHEN {value} IS NOT NULL THEN concat({value}) END", value=value)
    if column.native == "float4":  # reading goes by its decimal text
        return sql("{value}::text::double precision", value=value)
    shown = PostgresDialect().shown(column, value)
    return shown if column.native in PLAIN_TEXT else sql("{value}::{type}", value=shown, type=_type_of(column))


def _type_of(column: Column) -> SQLText:
    return SQLText(TYPES[column.field.type].postgres)


def literal(constant: Constant) -> SQLText:
    """A value as a literal of its type, quoted by the driver."""
    kind = SQLText(TYPES[constant.type].postgres)
    if constant.value is None:
        return sql("NULL::{type}", type=kind)
    return sql("{text}::{type}", text=_quoted(_text_of(constant)), type=kind)


def _text_of(constant: Constant) -> str:
    if constant.type == "json":
        return json.dumps(constant.value, ensure_ascii=False)
    if constant.type == "binary":
        return f"\\x{constant.value.hex()}"
    if constant.type == "decimal":
        return str(constant.value)  # short also where it is 1E+400
    return str(encode_value(constant.type, constant.value))


def _quoted(text: str) -> SQLText:
    return SQLText(Literal(text).as_string(None).strip())
