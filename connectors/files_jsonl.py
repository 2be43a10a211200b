"""JSON Lines: objects from lines and back, with numbers as exact as they are written. Opens nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from connectors.files_csv import plain_text
from connectors.files_errors import broken
from connectors.files_lines import Lines
from connectors.records import Field, encode_value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


# Numbers with a fraction come as they are written; those with an exponent may mean more digits than any target takes,
# which the types' own table refuses.
DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def read_objects(lines: Lines) -> Iterator[dict[str, Any]]:
    """One object a line; empty lines are passed over. Raises DataError `broken_file`."""
    while True:
        lines.begin_record()
        text = next(lines, None)
        if text is None:
            return
        if not text.strip():
            continue
        try:
            found = DECODER.decode(text.strip())
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "") or str(error)
            raise broken(lines.name, lines.line, f"the line is no JSON ({reason[:200]})") from None
        if not isinstance(found, dict):
            raise broken(lines.name, lines.line, "the line is JSON, but no object")
        yield found


def inner_value(value: Any) -> Any:
    """What lies inside of an object or list, with the numbers that JSON columns have everywhere."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [inner_value(item) for item in value]
    if isinstance(value, dict):
        return {name: inner_value(item) for name, item in value.items()}
    return value


def record_writer(fields: Sequence[Field]) -> Callable[[Sequence[Any]], str]:
    """What makes a line of a record's values; decimals and integers over 2**53 become texts, which lose nothing."""

    def encoded(field: Field, value: Any) -> Any:
        if value is None:
            return None
        if field.type == "json":
            return _as_json(value)
        try:
            return encode_value(field.type, value)
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            return plain_text(field.type, value)

    def write(row: Sequence[Any]) -> str:
        named = {field.name: encoded(field, value) for field, value in zip(fields, row, strict=True)}
        return json.dumps(named, ensure_ascii=False, separators=(",", ":")) + "\n"

    return write


def _as_json(value: Any) -> Any:
    """JSON columns hand out texts as JSON texts."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
