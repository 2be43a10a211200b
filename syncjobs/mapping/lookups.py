"""The transform `lookup`: values exchanged by a table that is part of the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.records import TYPES, FieldType
from syncjobs.mapping.constants import infer_type
from syncjobs.mapping.problems import quote
from syncjobs.mapping.steps import OneStep, RefusedValue

LARGEST_TABLE = 10_000


class NotInTable(RefusedValue):
    """A value that the table of its lookup does not know."""

    code = "not_in_table"


def lookup_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """Values are looked up by their text; others get the default, or what `missing` says."""
    decode = TYPES["text"].decode
    fold = str.casefold if options.get("ignore_case") else str
    table = {fold(name): found for name, found in options["table"].items()}
    has_default, default = "default" in options, options.get("default")
    missing = options.get("missing", "reject")

    def step(value: Any) -> Any:
        text = fold(decode(value))
        if text in table:
            return table[text]
        if has_default or missing == "null":
            return default
        if missing == "keep":
            return value
        raise NotInTable("is not in the table of its lookup")

    return step


def lookup_problems(options: Mapping[str, Any]) -> list[str]:
    """What does not go together; names that are the same in any case."""
    problems = []
    if "default" in options and "missing" in options:
        problems.append("missing: does not go with default, which says what other values become; leave one of them out")
    first: dict[str, str] = {}
    for name in options["table"] if options.get("ignore_case") else ():
        other = first.setdefault(name.casefold(), name)
        if other != name:
            problems += [f"table: {quote(other)} and {quote(name)} are the same in any case"]
    return problems


def lookup_type(options: Mapping[str, Any], before: FieldType) -> FieldType:
    """The type that holds whatever a lookup gives for values of the type `before`."""
    results = [value for value in (*options["table"].values(), options.get("default")) if value is not None]
    found = infer_type(tuple(results)) if results else before
    return found if found == before or options.get("missing") != "keep" else "text"


def lookup_may_make_null(options: Mapping[str, Any]) -> bool:
    """Whether a value may have become null."""
    has_empty_default = "default" in options and options["default"] is None
    return has_empty_default or options.get("missing") == "null" or None in options["table"].values()
