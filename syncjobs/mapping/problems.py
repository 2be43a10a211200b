"""What is wrong with a configuration, in sentences with paths. Checks plain JSON values; knows no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connectors.errors import ConfigError

MOST_PROBLEMS = 20
TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
NAME_SCHEMA: dict[str, Any] = {"type": "string", "maxLength": 200, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
"""A name of a stream or field: some text without NUL characters."""


class ConfigProblems(ConfigError, ValueError):
    """A configuration that can not be used; `problems` has one sentence each, beginning with the path."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("bad_config", "; ".join(self.problems), hint="Mend the configuration of the job type.")


class MappingProblems(ConfigProblems):
    """A mapping that can not be used."""


def schema_problems(schema: dict[str, Any], value: Any, path: str) -> list[str]:
    """What of `value` does not fit `schema`, each as `path.to[0].it: sentence`; empty if all does, at most 20."""
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: [str(p) for p in error.path])
    problems = dict.fromkeys(f"{join_path(path, error.absolute_path)}: {_sentence(error)}" for error in errors)
    return list(problems)[:MOST_PROBLEMS]


def join_path(path: str, parts: Iterable[str | int]) -> str:
    """`streams`, [0, "mapping", 2] → `streams[0].mapping[2]`."""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "config"


def list_words(words: Sequence[Any], last: str = "or") -> str:
    """["a", "b", "c"] → `a, b or c`."""
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def quote(value: Any) -> str:
    """A value as error texts show it: escaped, and shortened to 60 characters."""
    try:
        text = repr(value[:60]) if isinstance(value, str | bytes) else str(value)
    except ValueError:  # Python refuses to print whole numbers of over 4,300 digits
        return "of thousands of digits"
    too_long = len(text) > 60 or (isinstance(value, str | bytes) and len(value) > 60)
    return f"{text[:59]}…" if too_long else text


def _sentence(error: ValidationError) -> str:
    """jsonschema's finding in the words of a form; a schema's own `x-problem` goes first."""
    instance: Any = error.instance
    limit: Any = error.validator_value
    schema = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "additionalProperties":
            known = schema["properties"]
            unknown = [name for name in instance if name not in known]
            return f"unknown setting {quote(unknown[0])}; known are {list_words(list(known), 'and')}"
        case "required":
            missing = [name for name in limit if name not in instance]
            return str(schema.get("x-problem") or f"'{missing[0]}' is required")
        case "enum" | "const":
            known = limit if error.validator == "enum" else [limit]
            return f"{quote(instance)} does not exist; choose {list_words(known)}"
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            return f"must be {list_words([TYPE_WORDS[kind] for kind in kinds])}, not {quote(instance)}"
        case "maximum" | "exclusiveMaximum":
            return f"must be at most {limit:,}, not {quote(instance)}"
        case "minimum" | "exclusiveMinimum":
            return f"must be {'above' if 'exclusive' in error.validator else 'at least'} {limit:,}"
        case "minItems" | "minProperties":
            return "must not be empty"
        case "pattern" | "minLength":
            return str(schema.get("x-problem") or "must not be blank or hold a NUL character")
        case "uniqueItems":
            return "names something twice"
    return str(schema.get("x-problem") or error.message[:200])
