"""The type of constants that are written in a mapping."""

from __future__ import annotations

from typing import Any

from connectors.records import FieldType


def infer_type(values: tuple[Any, ...]) -> FieldType:
    """The type that holds all these JSON constants: theirs if it is the same, float over integers, else text."""
    types = {_type_of(value) for value in values if value is not None}
    if len(types) == 1:
        return types.pop()
    if types and types <= {"integer", "bigint"}:
        return "bigint"
    return "float" if types and types <= {"integer", "bigint", "float"} else "text"


def _type_of(value: Any) -> FieldType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -(2**31) <= value < 2**31 else "bigint" if -(2**63) <= value < 2**63 else "decimal"
    if isinstance(value, float):
        return "float"
    return "json" if isinstance(value, dict | list) else "text"
