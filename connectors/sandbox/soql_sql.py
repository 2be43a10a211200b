"""Turns the parts of a SoQL query into typed SQL. Names come only from the known columns, values only as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.sandbox.datasets import NUMBER, floating_time, stored_number
from connectors.sandbox.errors import no_such_column, type_mismatch
from connectors.sandbox.soql import (
    Between,
    ColumnName,
    Comparison,
    Expression,
    InList,
    IsNull,
    Like,
    Literal,
    Logical,
    Not,
    Ordering,
)

# Types that compare as one: the row identifier and URLs are texts.
FAMILIES = {"row_identifier": "text", "url": "text"}
UNCOMPARABLE = {"point", "location"}

Parameters = tuple[str | int | float | None, ...]


@dataclass(frozen=True)
class Sql:
    """A piece of SQL with its parameters and its SODA 2 type (`null` fits every type)."""

    text: str
    type: str
    parameters: Parameters = ()
    nullable: bool = True


Columns = Mapping[str, Sql]


def column_sql(name: str, columns: Columns) -> Sql:
    """Raises SodaError (400) when the dataset has no such column."""
    if name not in columns:
        raise no_such_column(name)
    return columns[name]


def compile_where(expression: Expression, columns: Columns) -> Sql:
    """A condition ready to stand behind WHERE. Raises SodaError (400)."""
    match expression:
        case Logical(operator, parts):
            return join_conditions(operator, [compile_where(part, columns) for part in parts])
        case Not(part):
            inner = compile_where(part, columns)
            return Sql(f"NOT ({inner.text})", "boolean", inner.parameters)
        case Comparison(operator, left, right):
            one, other = _alike([left, right], columns)
            return Sql(f"{one.text} {operator} {other.text}", "boolean", one.parameters + other.parameters)
        case InList(part, options):
            tested, *listed = _alike([part, *options], columns)
            texts = ", ".join(option.text for option in listed)
            values = tuple(value for option in listed for value in option.parameters)
            return Sql(f"{tested.text} IN ({texts})", "boolean", tested.parameters + values)
        case Between(part, low, high):
            tested, least, most = _alike([part, low, high], columns)
            values = tested.parameters + least.parameters + most.parameters
            return Sql(f"{tested.text} BETWEEN {least.text} AND {most.text}", "boolean", values)
        case Like(part, pattern):
            tested = _of_type(_value(part, columns), "text")
            return Sql(f"{tested.text} GLOB ?", "boolean", (*tested.parameters, glob_pattern(pattern)))
        case IsNull(part):
            tested = _value(part, columns)
            return Sql(f"{tested.text} IS NULL", "boolean", tested.parameters)
        case Literal() | ColumnName():
            return _of_type(_value(expression, columns), "boolean")


def join_conditions(operator: str, conditions: list[Sql]) -> Sql:
    """Several conditions as one, each in parentheses of its own."""
    text = f" {operator} ".join(f"({condition.text})" for condition in conditions)
    values = tuple(value for condition in conditions for value in condition.parameters)
    return Sql(text, "boolean", values)


def compile_order(orderings: tuple[Ordering, ...], columns: Columns) -> Sql:
    """The terms behind ORDER BY; empty values sort as the largest, as in Socrata's PostgreSQL."""
    terms: list[str] = []
    values: Parameters = ()
    for ordering in orderings:
        column = column_sql(ordering.column, columns)
        nulls = (" NULLS FIRST" if ordering.descending else " NULLS LAST") if column.nullable else ""
        terms.append(f"{column.text}{' DESC' if ordering.descending else ''}{nulls}")
        values += column.parameters
    return Sql(", ".join(terms), "order", values)


def glob_pattern(pattern: str) -> str:
    """LIKE's pattern as GLOB's, because SQLite's LIKE ignores case and SoQL's does not."""
    escaped = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in pattern)
    return escaped.replace("%", "*").replace("_", "?")


def _alike(parts: list[Expression], columns: Columns) -> list[Sql]:
    """The operands of one comparison, literals converted to the type of what they are compared with."""
    values = [_value(part, columns) for part in parts]
    typed = [value for value, part in zip(values, parts, strict=True) if not isinstance(part, Literal)]
    wanted = _family((typed or values)[0])
    if wanted in UNCOMPARABLE:
        raise type_mismatch(f"{wanted} values cannot be compared")
    return [
        _converted(part, wanted) if isinstance(part, Literal) and typed else _of_type(value, wanted)
        for value, part in zip(values, parts, strict=True)
    ]


def _family(value: Sql) -> str:
    return FAMILIES.get(value.type, value.type)


def _of_type(value: Sql, wanted: str) -> Sql:
    if _family(value) not in (wanted, "null"):
        raise type_mismatch(f"expected {wanted}, found {value.type}")
    return value


def _value(expression: Expression, columns: Columns) -> Sql:
    match expression:
        case ColumnName(name):
            return column_sql(name, columns)
        case Literal(None):
            return Sql("NULL", "null")
        case Literal(bool(value)):
            return Sql("?", "boolean", (int(value),))
        case Literal(str(value)):
            return Sql("?", "text", (value,))
        case Literal(int(value) | float(value)):
            return Sql("?", "number", (value,))
        case _:
            return _parenthesised(compile_where(expression, columns))


def _parenthesised(condition: Sql) -> Sql:
    return Sql(f"({condition.text})", condition.type, condition.parameters)


def _converted(literal: Literal, wanted: str) -> Sql:
    """A literal as a value of the wanted type; only texts convert, as in SoQL."""
    value = literal.value
    plain = _value(literal, {})
    if not isinstance(value, str) or wanted == "text":
        return _of_type(plain, wanted)
    if wanted == "number" and NUMBER.fullmatch(value):
        return Sql("?", wanted, (stored_number(value),))
    if wanted == "boolean" and value.lower() in ("true", "false"):
        return Sql("?", wanted, (int(value.lower() == "true"),))
    moment = {"floating_timestamp": floating_time, "fixed_timestamp": fixed_time}.get(wanted, lambda _text: None)(value)
    if moment is None:
        raise type_mismatch(f"{value!r} is not a {wanted}")
    return Sql("?", wanted, (moment,))


def fixed_time(text: str) -> str | None:
    """A point in time as the system fields hold it, 2026-11-22T14:05:00.000Z; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return show_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def show_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
