"""What is made of a page before its turn to be written comes, be it in the thread that reads: it tells and asks nobody.

A page that is prepared and never written has left no trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.columns import ColumnRows, by_columns
from connectors.limits import size_of_value, value_too_large
from connectors.records import Batch, OversizedValue
from syncjobs.mapping import MappedRows
from syncjobs.streams.opening import OpenStream

LONG_TYPES = ("text", "json", "binary")
BYTES_OF_A_CHARACTER = 4  # at most
Oversized = Mapping[int, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """The source's rows but for values that are too large (`oversized`, as in Batch), and what the target is given."""

    rows: ColumnRows
    oversized: Oversized
    mapped: MappedRows


def prepare_rows(stream: OpenStream, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> PreparedRows:
    """Measure, map and spell. Raises DataError `value_too_large` unless such a record is set aside."""
    by_column, oversized = _without_oversized(stream, names, by_columns(rows, len(names)))
    mapped = stream.mapper.map_rows(names, by_column)
    return PreparedRows(by_column, oversized, replace(mapped, rows=stream.writer.spelled(mapped.rows)))


def prepared(stream: OpenStream, batch: Batch) -> PreparedRows:
    """What was made of the batch, or is made now."""
    found: PreparedRows | None = batch.prepared
    return prepare_rows(stream, batch.names, batch.rows) if found is None else found


def source_key(
    stream: OpenStream, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], index: int
) -> dict[str, Any]:
    """The key's fields that are made of a source column, with that column's own value in one of the source's rows."""
    key = {}
    for name in stream.spec.key:
        source = stream.mapper.source_of(name)
        if source is not None and source in names:
            key[name] = rows[index][names.index(source)]
    return key


def _without_oversized(stream: OpenStream, names: tuple[str, ...], rows: ColumnRows) -> tuple[ColumnRows, Oversized]:
    """The rows without values that are too large, and which those were under policy quarantine; else a DataError."""
    spec, most = stream.spec, stream.spec.max_value_bytes
    long = {field.name for field in stream.schema.fields if field.type in LONG_TYPES}
    columns, found = list(rows.columns), dict[int, tuple[str, int]]()
    for place, (name, column) in enumerate(zip(names, rows.columns, strict=True)):
        if name not in long or _characters(column) * BYTES_OF_A_CHARACTER <= most:
            continue
        sizes = list(map(size_of_value, column))
        large = {index: (name, size) for index, size in enumerate(sizes) if size > most}
        if large and not spec.on_reject.sets_aside:
            key = source_key(stream, names, rows, min(large))
            raise value_too_large(spec.source, list(key), key, *large[min(large)], most)
        columns[place] = [None if index in large else value for index, value in enumerate(column)]
        found |= large
    return (ColumnRows(columns, len(rows)) if found else rows), found


def _characters(column: Sequence[Any]) -> int:
    """At least as many as the longest value has."""
    try:
        return len("".join(filter(None, column)))
    except TypeError:  # there are other values than texts
        return max((len(value) for value in column if isinstance(value, str | bytes | OversizedValue)), default=0)
