"""What sort of field each part of a JSON Schema becomes. Pure; knows no values."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from syncjobs.portal.schema_forms.notations import LIST, LITERAL, NAMES, NUMERIC, PAIRS, TEXT, Notation

LONGEST_LINE = 5_000


class Kind(StrEnum):
    """How a part of a value is shown."""

    GROUP = "group"
    """An object with a field for each property."""
    ROWS = "rows"
    """A list of objects that can be added, removed and moved."""
    CHOICE = "choice"
    CHECK = "check"
    LINE = "line"
    BLOCK = "block"
    """A text field of several lines."""


def kind_of(schema: dict[str, Any]) -> Kind:
    """The kind of a part."""
    types = types_of(schema)
    if "enum" in schema:
        return Kind.CHOICE
    if "boolean" in types and len(types) == 1:
        return Kind.CHECK
    if "array" in types and _is_object(schema.get("items", {})):
        return Kind.ROWS
    if _is_object(schema):
        return Kind.GROUP
    is_any = not types and "anyOf" not in schema
    if is_any or notation_of(schema) in (LIST, PAIRS) or schema.get("maxLength", 0) > LONGEST_LINE:
        return Kind.BLOCK
    return Kind.LINE


def notation_of(schema: dict[str, Any]) -> Notation:
    """How the values of a single field are written."""
    types = types_of(schema) - {"null"}
    if types == {"string"}:
        return TEXT
    if types and types <= {"integer", "number"}:
        return NUMERIC
    if types == {"array"}:
        return NAMES if types_of(schema.get("items", {})) == {"string"} else LIST
    return PAIRS if types == {"object"} else LITERAL


def types_of(schema: dict[str, Any]) -> frozenset[str]:
    """The JSON types that it names; empty where it names none."""
    named = schema.get("type", ())
    return frozenset([named] if isinstance(named, str) else named)


def properties_of(schema: dict[str, Any], value: Any = None) -> dict[str, dict[str, Any]]:
    """The properties of an object's schema, those of its variant (by the constant of an `if`) included."""
    found = dict(schema.get("properties") or {})
    if variant := variant_of(schema, value):
        found |= {name: rules for name, rules in variant["properties"].items() if name not in found}
    return {name: rules if isinstance(rules, dict) else {} for name, rules in found.items()}


def required_of(schema: dict[str, Any], value: Any = None) -> frozenset[str]:
    """The names of the properties that must be there."""
    variant = variant_of(schema, value) or {}
    return frozenset([*schema.get("required", ()), *variant.get("required", ())])


def variant_of(schema: dict[str, Any], value: Any) -> dict[str, Any] | None:
    """The `then` whose `if` holds for the value by a constant; None where the schema has no variants, or none fits."""
    name = switch_of(schema)
    chosen = value.get(name) if name and isinstance(value, dict) else None
    for case in schema.get("allOf", ()) if chosen is not None else ():
        if case.get("if", {}).get("properties", {}).get(name, {}).get("const") == chosen:
            return dict(case["then"])
    return None


def switch_of(schema: dict[str, Any]) -> str:
    """The property whose value chooses the variant; empty where there are no variants."""
    for case in schema.get("allOf", ()):
        for name, rules in case.get("if", {}).get("properties", {}).items():
            if "const" in rules:
                return str(name)
    return ""


def one_of(schema: dict[str, Any]) -> list[str]:
    """Properties of which an object has exactly one; empty where it is not of that sort."""
    return list(schema.get("x-one-of", ()))


def _is_object(schema: dict[str, Any]) -> bool:
    return "object" in types_of(schema) and bool(schema.get("properties"))
