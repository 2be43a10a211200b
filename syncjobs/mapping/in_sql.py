"""A mapping said in SQL: expressions over the source's columns that give what the Python mapping gives, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import get_args

from connectors.expressions import ColumnValue, Expression, any_of, call
from connectors.field_numbers import NotFinite
from connectors.records import Field, StreamSchema
from syncjobs.mapping.columns import Keeps, keeps_none
from syncjobs.mapping.compile import Mapper, compile_mapping
from syncjobs.mapping.in_sql_origins import sql_value
from syncjobs.mapping.in_sql_values import NotSaid, SQLValue, is_blank
from syncjobs.mapping.spec import Column, FieldRule


@dataclass(frozen=True, slots=True)
class SQLMapping:
    """A mapping as expressions, of the types and in the order of Mapper.fields.

    `doubts` is true for records that the Python mapping may refuse, or on which only it can decide: a batch with such a
    record goes the Python way. `nulled` are conditions, by target field, that hold where bounds made a value null.
    NULL is as good as false in both. No expression raises an error.
    """

    columns: tuple[tuple[Field, Expression], ...]
    doubts: Expression | None
    nulled: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class NotInSQL:
    """Why a mapping has to run in Python: the first target field that cannot be said, and what of it."""

    field: str
    reason: str


def compile_in_sql(
    rules: tuple[FieldRule, ...] | None,
    schema: StreamSchema,
    columns: tuple[str, ...] | None,
    today: date,
    key: tuple[str, ...] = (),
    keeps: Keeps = keeps_none,
) -> SQLMapping | NotInSQL:
    """The same mapping as `compile_mapping` of these arguments, and raising the same; a NULL in `key` is a doubt."""
    mapper = compile_mapping(rules, schema, columns, today, keeps)
    if rules is None:
        rules = tuple(FieldRule(field.name, Column(field.name)) for field in mapper.fields)
    values: list[SQLValue] = []
    for rule, field in zip(rules, mapper.fields, strict=True):
        try:
            values.append(_say(rule, field, schema, today, keeps))
        except NotSaid as reason:
            return NotInSQL(field.name, str(reason))
    doubts: list[Expression] = []
    for doubt in chain(*(value.doubts for value in values), _empty_keys(mapper, values, key)):
        doubts += [] if doubt in doubts else [doubt]
    pairs = list(zip(mapper.fields, values, strict=True))
    return SQLMapping(
        columns=tuple((field, value.expression) for field, value in pairs),
        doubts=any_of(*doubts),
        nulled=tuple((field.name, condition) for field, value in pairs for condition in value.nulled),
    )


def _empty_keys(mapper: Mapper, values: list[SQLValue], key: tuple[str, ...]) -> Iterator[Expression]:
    for field, value in zip(mapper.fields, values, strict=True):
        if field.name in key:
            yield call("is_null", value.expression)


def _say(rule: FieldRule, field: Field, schema: StreamSchema, today: date, keeps: Keeps) -> SQLValue:
    value = sql_value(rule, field, schema, today)
    is_plain_float = field.type == "float" and isinstance(value.expression, ColumnValue) and not rule.transforms
    if is_plain_float and all(keeps(field, number) for number in get_args(NotFinite)):
        value = replace(value, doubts=())
    return value.doubted(is_blank(value)) if rule.required else value
