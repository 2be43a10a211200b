"""Checks a connector's settings and credentials against its kind. Asks no other system; never repeats a credential."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError

from connectors.base import Connector
from connectors.errors import ConfigError

LONGEST_COMPLAINT = 300  # characters
LONGEST_CREDENTIAL = 64 * 1024  # characters
TYPE_WORDS = {"string": "text", "object": "an object", "array": "a list", "integer": "a whole number"}


class Complaint(str):
    """A sentence, with the code of the ConfigError that it tells of."""

    def __new__(cls, text: str, code: str) -> Complaint:
        complaint = super().__new__(cls, text)
        complaint.code = code
        return complaint

    code: str


def config_problems(kind: type[Connector], config: Any) -> list[str]:
    """Sentences, each naming its property; empty where the settings fit the kind."""
    problems = list(_schema_problems(kind.spec()["config"], config, "config", show_values=True))
    if not problems and "\\u0000" in json.dumps(config):
        problems = ["config: a NUL character cannot be stored"]
    if not problems:
        try:
            kind.check_config(config)
        except ConfigError as error:
            problems = [Complaint(f"config: {error.message}. {error.hint}".strip(), error.code)]
    return problems


def credentials_problems(kind: type[Connector], credentials: dict[str, Any]) -> list[str]:
    """As `config_problems`, and without any value in the text."""
    problems = list(_schema_problems(kind.spec()["credentials"], credentials, "credentials", show_values=False))
    for name, value in credentials.items():
        if isinstance(value, str) and ("\0" in value or len(value) > LONGEST_CREDENTIAL):
            problems.append(f"credentials.{name}: holds a NUL character or over {LONGEST_CREDENTIAL:,} characters")
    return problems


def schema_problems(schema: dict[str, Any], value: Any, root: str) -> list[str]:
    """Sentences about any value that a JSON Schema describes; unknown names are refused where it lists the known."""
    return list(_schema_problems(schema, value, root, show_values=True))


def optional_credentials(kind: type[Connector]) -> frozenset[str]:
    """Credentials whose `env:` reference may lead nowhere: their schema says `"x-missing-reference": "ignore"`."""
    properties = kind.spec()["credentials"].get("properties", {})
    return frozenset(name for name, rules in properties.items() if rules.get("x-missing-reference") == "ignore")


def _schema_problems(schema: dict[str, Any], value: Any, root: str, *, show_values: bool) -> Iterator[str]:
    # A kind that forgot to close its schema still gets unknown names refused.
    closed = schema if "additionalProperties" in schema else schema | {"additionalProperties": False}
    for error in sorted(Draft202012Validator(closed).iter_errors(value), key=lambda error: list(map(str, error.path))):
        yield from _describe(error, root, show_values=show_values)


def _describe(error: SchemaError, root: str, *, show_values: bool) -> Iterator[str]:
    path = ".".join([root, *map(str, error.absolute_path)])
    expected: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        missing = [name for name in expected if name not in instance]
        yield from (f"{path}.{name}: is required" for name in missing)
    elif error.validator == "additionalProperties" and not expected:
        known = schema.get("properties", {})
        unknown = [name for name in instance if name not in known]
        offered = ", ".join(known) or "none"
        yield from (f"{path}.{name[:100]}: is not known; there are {offered}" for name in unknown)
    elif error.validator == "type":
        yield f"{path}: must be {_type_words(expected)}"
    elif show_values:
        yield f"{path}: {error.message[:LONGEST_COMPLAINT]}"
    else:
        yield f"{path}: does not have the expected form"


def _type_words(types: str | list[str]) -> str:
    names = [types] if isinstance(types, str) else types
    return " or ".join(TYPE_WORDS.get(name, name) for name in names)
