"""One batch through a writer, as the tests of SQL connectors need it."""

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.base import Comparison, Connector, RecordChange, TargetCheckpoint, WriteRequest
from connectors.errors import SyncError
from connectors.records import Field, ReadRequest

Row = tuple[Any, ...]


def upsert(stream: str, fields: Sequence[Field], key: tuple[str, ...], **options: Any) -> WriteRequest:
    """A request to upsert."""
    return WriteRequest(stream, tuple(fields), key, "upsert", **options)


def write_batch(
    connector: Connector, request: WriteRequest, rows: Sequence[Row]
) -> tuple[Comparison, list[RecordChange]]:
    """Stage, compare, write and commit; what was found and shown."""
    writer = connector.writer(request)
    writer.prepare()
    try:
        writer.begin("job", 1)
        writer.stage(rows)
        found, changes = writer.compare(), list(writer.changes())
        writer.write()
        writer.commit(TargetCheckpoint(1, None, {}))
    finally:
        writer.rollback()
    return found, changes


def refusal(connector: Connector, request: WriteRequest, rows: Sequence[Row]) -> SyncError:
    """The error of a batch that must fail."""
    with pytest.raises(SyncError) as raised:
        write_batch(connector, request, rows)
    return raised.value


def read_rows(connector: Connector, stream: str, **options: Any) -> list[Row]:
    """Every row, as the connector gives it."""
    return [row for batch in connector.read(ReadRequest(stream, **options)) for row in batch.rows]
