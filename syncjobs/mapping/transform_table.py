"""The one table of transforms: each with its words, its options as JSON Schema, its checks and its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.records import FieldType
from syncjobs.mapping.disguises import ALGORITHMS, hash_step, mask_step
from syncjobs.mapping.json_paths import json_path_step, path_problems
from syncjobs.mapping.lookups import LARGEST_TABLE, lookup_problems, lookup_step
from syncjobs.mapping.option_checks import (
    bounds_problems,
    format_problems,
    no_problems,
    null_if_problems,
    salt_problems,
)
from syncjobs.mapping.problems import list_words
from syncjobs.mapping.steps import (
    YEARS,
    Builder,
    bounds_step,
    collapse,
    date_step,
    datetime_step,
    decode_step,
    finite_step,
    null_if_step,
    text_step,
    truncate_step,
    without_nul,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What an op is: `build(options, today)` gives its function, `result` the type it makes (None = as before)."""

    title: str
    description: str
    build: Builder
    options: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    problems: Callable[[Mapping[str, Any]], list[str]] = no_problems
    result: FieldType | None = None


FORMAT = {
    "type": "string",
    "minLength": 1,
    "title": "Format",
    "description": "As in Python, e.g. %d.%m.%Y; without it ISO 8601.",
}
LIMIT = {
    "anyOf": [{"type": "number"}, {"enum": list(YEARS)}],
    "description": f"A number, {list_words(list(YEARS))}; the limit itself is inside.",
    "x-problem": f"must be a number, {list_words(list(YEARS))}",
}
IGNORE_CASE = {"type": "boolean", "title": "In any case", "default": False, "description": "Also match in other case."}
FEW = {"type": "integer", "minimum": 0, "maximum": 100, "default": 0, "description": "A number of characters."}
SCALAR_OR_NULL = {"type": ["string", "number", "boolean", "null"]}

OPERATIONS: dict[str, Operation] = {
    "strip": Operation("Strip", "Cut blanks at both ends.", text_step(str.strip)),
    "collapse_spaces": Operation(
        "Collapse spaces", "Make every run of blanks one space, none at the ends.", text_step(collapse)
    ),
    "strip_nul": Operation("Strip NUL", "Take out NUL characters, which text columns refuse.", text_step(without_nul)),
    "null_if": Operation(
        "Null if",
        "Take certain values as missing.",
        null_if_step,
        {
            "values": {
                "type": "array",
                "minItems": 1,
                "items": {"type": ["string", "number", "boolean"]},
                "title": "Values",
                "description": "Texts are compared with the whole value, numbers by what they are worth.",
            },
            "ignore_case": IGNORE_CASE,
        },
        required=("values",),
        problems=null_if_problems,
    ),
    "upper": Operation("Upper case", "In capitals, by no language's own rules.", text_step(str.upper)),
    "lower": Operation("Lower case", "In small letters, by no language's own rules.", text_step(str.lower)),
    "number": Operation("Number", "A number with a fraction (float).", decode_step("float"), result="float"),
    "integer": Operation("Integer", "A whole number (bigint).", decode_step("bigint"), result="bigint"),
    "decimal": Operation("Decimal", "An exact decimal number.", decode_step("decimal"), result="decimal"),
    "boolean": Operation("Boolean", "true, yes, y, t, 1 or their opposites.", decode_step("boolean"), result="boolean"),
    "date": Operation("Date", "A day.", date_step, {"format": FORMAT}, problems=format_problems, result="date"),
    "datetime": Operation(
        "Date and time",
        "A moment; without a zone of its own it is taken in `zone` (UTC by default).",
        datetime_step,
        {
            "format": FORMAT,
            "zone": {
                "type": "string",
                "title": "Time zone",
                "default": "UTC",
                "description": "Of values without one of their own, e.g. Europe/Berlin.",
            },
        },
        problems=format_problems,
        result="datetime",
    ),
    "truncate": Operation(
        "Truncate",
        "Cut text at a number of characters.",
        truncate_step,
        {
            "length": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1_000_000,
                "title": "Length",
                "description": "Characters are counted as databases do: an accent may be one of its own.",
            }
        },
        required=("length",),
    ),
    "bounds": Operation(
        "Bounds",
        "Refuse numbers outside the limits, or make them null, which is counted.",
        bounds_step,
        {
            "min": {**LIMIT, "title": "Least"},
            "max": {**LIMIT, "title": "Most"},
            "outside": {
                "enum": ["null", "reject"],
                "default": "reject",
                "title": "Outside",
                "description": "What becomes of other numbers: null, or the record is rejected.",
            },
        },
        problems=bounds_problems,
    ),
    "finite": Operation(
        "Finite numbers",
        "Refuse NaN and the infinities, or make them null, which is counted.",
        finite_step,
        {
            "otherwise": {
                "enum": ["null", "reject"],
                "default": "reject",
                "title": "Otherwise",
                "description": "What becomes of a number that is not finite: null, or the record is rejected.",
            }
        },
    ),
    "hash": Operation(
        "Hash",
        "Put a hash in place of the value, so that equal values can be told without being read.",
        hash_step,
        {
            "algorithm": {
                "enum": list(ALGORITHMS),
                "title": "Algorithm",
                "default": ALGORITHMS[0],
                "description": "The result is told in hexadecimal digits.",
            },
            "salt": {
                "type": "string",
                "title": "Salt",
                "description": "Text put before the value. It is no secret: whoever may see the job type sees it.",
            },
        },
        problems=salt_problems,
        result="text",
    ),
    "mask": Operation(
        "Mask",
        "Replace every character but the first and last few; a text no longer than those is replaced whole.",
        mask_step,
        {
            "keep_first": {**FEW, "title": "First characters to keep"},
            "keep_last": {**FEW, "title": "Last characters to keep"},
            "with": {
                "type": "string",
                "maxLength": 1,
                "pattern": "^[^\\u0000\\ud800-\\udfff]$",
                "title": "Mark",
                "description": "The character that stands for each one that is hidden.",
                "default": "*",
                "x-problem": "must be one character",
            },
        },
        result="text",
    ),
    "lookup": Operation(
        "Lookup",
        "Exchange values by a table.",
        lookup_step,
        {
            "table": {
                "type": "object",
                "title": "Table",
                "description": 'What becomes of each value, found by its text, e.g. {"US": "United States"}.',
                "minProperties": 1,
                "maxProperties": LARGEST_TABLE,
                "additionalProperties": SCALAR_OR_NULL,
            },
            "default": {**SCALAR_OR_NULL, "title": "Default", "description": "What every other value becomes."},
            "missing": {
                "enum": ["reject", "null", "keep"],
                "default": "reject",
                "title": "Other values",
                "description": "Without a default, other values are rejected, made null (which is counted) or kept.",
            },
            "ignore_case": IGNORE_CASE,
        },
        required=("table",),
        problems=lookup_problems,
    ),
    "json_path": Operation(
        "JSON path",
        "Take one value out of a JSON object or list; nothing where there is none.",
        json_path_step,
        {
            "path": {
                "type": "string",
                "maxLength": 1_000,
                "title": "Path",
                "description": "E.g. $.owner.name, $.names[0], $.names[-1] or $['a name'].",
            }
        },
        required=("path",),
        problems=path_problems,
        result="text",
    ),
}
