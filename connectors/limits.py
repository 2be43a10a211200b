"""How large a single value may be, and what is said of one that is larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import DataError
from connectors.records import OversizedValue, key_text

LARGEST_VALUE_BYTES = 16 * 1024**2
"""Unless a stream says otherwise."""


def size_of_value(value: Any) -> int:
    """The bytes of a text (as UTF-8), of bytes or of what was too large to be read; 0 for anything else."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, bytes | OversizedValue) else 0


def too_large(field: str, size: int, most: int) -> str:
    """What is wrong with a value of so many bytes."""
    return f"column {field} is {size / 1024**2:,.1f} MB, limit {most / 1024**2:,.0f} MB"


def value_too_large(
    stream: str, key: Sequence[str], record: Mapping[str, Any], field: str, size: int, most: int
) -> DataError:
    """Names the record by as much of its key as it has."""
    known = {name: record[name] for name in key if record.get(name) is not None}
    who = f"row {key_text(known)}" if known else "a row"
    return DataError(
        "value_too_large",
        f"{stream}: {who} {too_large(field, size, most)}",
        hint="Leave the column out, shorten it at the source, or raise max_value_bytes of the stream.",
        field=field,
    )
