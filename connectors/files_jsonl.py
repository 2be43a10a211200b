"""JSON Lines: objects from lines and back, with numbers as exact as they are written. Opens nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from connectors.field_numbers import exact_float
from connectors.files_lines import Lines
from connectors.files_values import stored_json
from connectors.records import Field, Unread


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


# Numbers with a fraction come as they are written; those with an exponent may mean more digits than any target takes,
# which the types' own table refuses.
DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def read_objects(lines: Lines) -> Iterator[dict[str, Any] | Unread]:
    """One object a line; empty lines are passed over."""
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
            yield lines.unread(lines.misread or f"the line is no JSON ({reason[:200]})")
            continue
        if lines.misread or not isinstance(found, dict):
            yield lines.unread(lines.misread or "the line is JSON, but no object")
            continue
        yield found


def inner_value(value: Any) -> Any:
    """What lies inside of an object or list, with the numbers that JSON columns have. Raises InexactNumber."""
    if isinstance(value, Decimal):
        return exact_float(str(value))
    if isinstance(value, list):
        return [inner_value(item) for item in value]
    if isinstance(value, dict):
        return {name: inner_value(item) for name, item in value.items()}
    return value


def record_writer(fields: Sequence[Field]) -> Callable[[Sequence[Any]], str]:
    """What makes a line of a record's values, as a working copy stores them."""
    puts = [(field.name, stored_json(field.type)) for field in fields]
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def write(row: Sequence[Any]) -> str:
        pairs = zip(puts, row, strict=True)
        return encode({name: None if value is None else put(value) for (name, put), value in pairs}) + "\n"

    return write
