"""Transforms said in SQL, where they are sure to do what syncjobs.mapping.steps does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.expressions import Call, Constant, Expression, FirstThat, Function, call, once
from connectors.letters import Exchange, to_ascii, to_lower, to_upper
from connectors.records import TYPES, FieldType
from syncjobs.mapping.constants import infer_type
from syncjobs.mapping.in_sql_values import NotSaid, SQLValue, converted
from syncjobs.mapping.steps import bound
from syncjobs.mapping.transforms import TransformRule, result_type

LONGEST_TABLE = 200  # entries; a longer CASE is slower than Python
NUMBERS = ("integer", "bigint", "decimal", "float")
Say = Callable[[SQLValue, TransformRule, date], SQLValue]


def sql_step(value: SQLValue, rule: TransformRule, today: date) -> SQLValue:
    """The value after a transform. Raises NotSaid."""
    say = STEPS.get(rule.op)
    if say is None:
        raise NotSaid(f"{rule.op} is done by Python")
    return say(value, rule, today)


# 1. Texts; what is no text passes as it is.


def _of_text(change: Callable[[Expression, TransformRule], Expression]) -> Say:
    def say(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
        return value if value.type != "text" else replace(value, expression=change(value.expression, rule))

    return say


def _in_case(exchange: Callable[[], Exchange], function: Function) -> Say:
    """Letter by letter; a text with a letter that becomes several is left to Python."""

    def say(value: SQLValue, _rule: TransformRule, _today: date) -> SQLValue:
        if value.type != "text":
            return value
        is_odd = call("matches", value.expression, Constant("text", f"[{exchange().others}]"))
        return replace(value.doubted(is_odd), expression=call(function, value.expression))

    return say


def _one_of(text: Expression, texts: Iterable[str], *, ignore_case: bool) -> Expression:
    """Whether a text is one of these. In any case only if they are ASCII: few letters become that."""
    wanted = list(texts)
    if ignore_case:
        text, wanted = call("fold_to_ascii", text), [one.casefold() for one in wanted]
        together = "\n".join(wanted)
        if not together.isascii() or any(letter.casefold() in together for letter in to_ascii().others):
            raise NotSaid("these letters are compared in any case by Python")
    return call("text_in", text, *(Constant("text", one) for one in dict.fromkeys(wanted)))


def _collapsed(value: Expression, _rule: TransformRule) -> Expression:
    """Cutting blanks off before is lost labour."""
    while isinstance(value, Call) and value.function == "strip":
        (value,) = value.arguments
    return call("strip", call("single_spaces", value))


def _truncated(value: Expression, rule: TransformRule) -> Expression:
    return call("left", value, Constant("integer", int(rule.options["length"])))


def _hashed(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
    text = converted(value, "text")
    salted = call("concat", Constant("text", rule.options.get("salt", "")), text.expression)
    is_long = rule.options.get("algorithm") == "sha512"
    return replace(text, expression=call("sha512_of_text" if is_long else "sha256_of_text", salted))


def _masked(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
    text, options = converted(value, "text"), rule.options
    kept = [Constant("integer", int(options.get(name, 0))) for name in ("keep_first", "keep_last")]
    return replace(text, expression=call("mask", text.expression, *kept, Constant("text", options.get("with", "*"))))


# 2. Types.


def _typed(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
    if rule.options.get("zone", "UTC") != "UTC" and value.type == "date":
        raise NotSaid("days are placed in a time zone by Python")
    return converted(value, result_type(rule, value.type))


# 3. What becomes null, is refused or exchanged.


def _null_if(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
    if value.type == "binary":
        return value
    wanted, ignore_case = rule.options["values"], rule.options.get("ignore_case", False)
    if value.type in NUMBERS:
        return _null_where(value, lambda number: _same_number(replace(value, expression=number), wanted))
    texts = [TYPES["text"].decode(one) for one in wanted]

    def is_one(old: Expression) -> Expression:
        text = converted(replace(value, expression=old), "text").expression
        return _one_of(text, texts, ignore_case=ignore_case)

    return _null_where(value, is_one)


def _null_where(value: SQLValue, is_meant: Callable[[Expression], Expression | None]) -> SQLValue:
    """Null where the condition on the value holds; as it is if there is no condition."""

    def emptied(old: Expression) -> Expression:
        condition = is_meant(old)
        return old if condition is None else FirstThat(((condition, Constant(value.type, None)),), old)

    return replace(value, expression=once(value.expression, emptied))


def _same_number(value: SQLValue, wanted: list[Any]) -> Expression | None:
    """Whether it is one of the wanted numbers, as they are written or as Python holds them; None if none is wanted."""
    numbers = [one for one in wanted if isinstance(one, int | float) and not isinstance(one, bool)]
    if value.type == "float":
        floats = [Constant("float", float(one)) for one in numbers if _is_float(one)]
        return call("in", value.expression, *floats) if floats else None
    exact = dict.fromkeys(form for one in numbers for form in (Decimal(str(one)), Decimal(one)))
    forms = [Constant("decimal", one) for one in exact]
    return call("in", converted(value, "decimal").expression, *forms) if forms else None


def _is_float(number: float) -> bool:
    return abs(number) <= 2**53 or isinstance(number, float)


def _bounded(value: SQLValue, rule: TransformRule, today: date) -> SQLValue:
    if value.type not in NUMBERS:
        raise NotSaid(f"the bounds of a {value.type} are checked by Python")

    def is_outside(old: Expression) -> Expression:
        return Call("or", tuple(_beyond(replace(value, expression=old), rule, today)))

    condition = once(value.expression, is_outside)
    if not rule.discards:
        return value.doubted(condition)
    return replace(_null_where(value, is_outside), nulled=(*value.nulled, condition))


def _beyond(value: SQLValue, rule: TransformRule, today: date) -> list[Expression]:
    kind: FieldType = "float" if value.type == "float" else "decimal"
    number = value.expression if kind == "float" else converted(value, kind).expression
    limits = [(name, bound(rule.options[name], today)) for name in ("min", "max") if name in rule.options]
    return [
        Call("lt" if name == "min" else "gt", (number, Constant(kind, _limit(limit, value.type))))
        for name, limit in limits
    ]


def _limit(limit: float, kind: FieldType) -> Decimal | float:
    """A limit as Python compares it: with floats and whole numbers as it is, with decimals as it is written."""
    if kind != "float":
        return Decimal(str(limit)) if kind == "decimal" else Decimal(limit)
    if not _is_float(limit):
        raise NotSaid("its bounds are no floats")
    return float(limit)


def _finite(value: SQLValue, _rule: TransformRule, _today: date) -> SQLValue:
    """A column's number that is not finite is in doubt already, so that Python judges it."""
    if value.type == "text":
        raise NotSaid("texts that name no finite number are found by Python")
    return value


def _looked_up(value: SQLValue, rule: TransformRule, _today: date) -> SQLValue:
    options, kind = rule.options, result_type(rule, value.type)
    table, ignore_case = options["table"], options.get("ignore_case", False)
    if len(table) > LONGEST_TABLE:
        raise NotSaid("this table is looked up by Python")
    if any(found is not None and infer_type((found,)) != kind for found in (*table.values(), options.get("default"))):
        raise NotSaid("its table has values of several types")

    def is_other(old: Expression) -> Expression:
        """Null for null, as every comparison."""
        text = converted(replace(value, expression=old), "text").expression
        return call("not", _one_of(text, table, ignore_case=ignore_case))

    def found(old: Expression) -> Expression:
        text = converted(replace(value, expression=old), "text").expression
        cases: list[tuple[Expression, Expression]] = [
            (_one_of(text, [name], ignore_case=ignore_case), Constant(kind, result)) for name, result in table.items()
        ]
        if "default" in options:
            cases.append((is_other(old), Constant(kind, options["default"])))
        elif options.get("missing") == "keep":
            cases.append((is_other(old), converted(replace(value, expression=old), kind).expression))
        return FirstThat(tuple(cases), Constant(kind, None))

    looked_up = replace(value, expression=once(value.expression, found), type=kind)
    unknown = once(value.expression, is_other)
    if options.get("missing") == "null":
        return replace(looked_up, nulled=(*value.nulled, unknown))
    knows_all = "default" in options or options.get("missing") == "keep"
    return looked_up if knows_all else looked_up.doubted(unknown)


STEPS: dict[str, Say] = {
    "strip": _of_text(lambda value, _rule: call("strip", value)),
    "collapse_spaces": _of_text(_collapsed),
    "strip_nul": _of_text(lambda value, _rule: value),  # no text of PostgreSQL holds any
    "truncate": _of_text(_truncated),
    "upper": _in_case(to_upper, "upper"),
    "lower": _in_case(to_lower, "lower"),
    "null_if": _null_if,
    **dict.fromkeys(("number", "integer", "decimal", "boolean", "date", "datetime"), _typed),
    "bounds": _bounded,
    "finite": _finite,
    "hash": _hashed,
    "mask": _masked,
    "lookup": _looked_up,
}
"""How each transform is said; those that are missing are not."""
