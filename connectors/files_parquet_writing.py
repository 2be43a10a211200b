"""Writes records of a working copy as Parquet, in row groups of a few megabytes. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.errors import DataError
from connectors.field_types import decode_for_target
from connectors.files_parquet_values import TYPE_KEY
from connectors.records import Field, FieldType
from connectors.sql_batches import size_of

LARGEST_GROUP = 100_000  # records
GROUP_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 4 * 1024 * 1024
DECIMALS = ((38, pa.decimal128), (76, pa.decimal256))  # the most digits of each
ARROW_TYPES: dict[FieldType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "json": pa.json_(pa.string()),
    "binary": pa.binary(),
    "uuid": pa.uuid(),
}
STORED_AS_THEY_ARE: tuple[FieldType, ...] = ("text", "integer", "bigint", "binary", "json")


def write_parquet(
    file: IO[bytes],
    fields: Sequence[Field],
    digits: Mapping[str, tuple[int, int]],
    parts: Iterable[Sequence[tuple[Any, ...]]],
) -> None:
    """Raises DataError `invalid_value` for a value that is none of its field's type."""
    schema = pa.schema([_arrow_field(field, digits) for field in fields])
    with pq.ParquetWriter(file, schema, write_page_checksum=True) as writer:
        pending: list[pa.RecordBatch] = []
        for rows in _in_pieces(parts):
            pending.append(_arrow_batch(fields, schema, rows))
            if sum(len(one) for one in pending) >= LARGEST_GROUP or sum(one.nbytes for one in pending) >= GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(pending, schema))
                pending = []
        if pending:
            writer.write_table(pa.Table.from_batches(pending, schema))


def _in_pieces(parts: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The same rows, so few at a time where they are large that there is little in both forms at once."""
    for part in parts:
        size = max(1, PIECE_BYTES * len(part) // max(1, size_of(part)))
        for begin in range(0, len(part), size):
            yield part[begin : begin + size]
        del part


def _arrow_field(field: Field, digits: Mapping[str, tuple[int, int]]) -> pa.Field:
    """Decimals get as many digits as their values need; more than Parquet has make a column of marked texts."""
    if field.type != "decimal":
        return pa.field(field.name, ARROW_TYPES[field.type], field.nullable)
    before, behind = digits.get(field.name, (0, 0))
    for most, make in DECIMALS:
        if before + behind <= most:
            return pa.field(field.name, make(most, behind), field.nullable)
    return pa.field(field.name, pa.string(), field.nullable, {TYPE_KEY: b"decimal"})


def _arrow_batch(fields: Sequence[Field], schema: pa.Schema, part: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = []
    for field, column, values in zip(fields, schema, zip(*part, strict=True), strict=True):
        try:
            columns.append(_array(field, column.type, values))
        except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            raise DataError(
                "invalid_value",
                f"Parquet cannot keep a value of {field.name} as {field.type}: {str(error)[:200]}",
                hint="Mend the value, or map the field to text in a new file.",
                field=field.name,
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _array(field: Field, kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    is_text = field.type in STORED_AS_THEY_ARE or kind == pa.string()
    convert: Callable[[Any], Any] = _same if is_text else lambda value: decode_for_target(field.type, value)
    objects = [None if value is None else convert(value) for value in values]
    if field.type == "uuid":
        objects = [None if value is None else value.bytes for value in objects]
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(objects, kind.storage_type))
    return pa.array(objects, kind)


def _same(value: Any) -> Any:
    return value
