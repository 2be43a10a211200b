"""What is told of refusals by the target while fields are masked: its own words may hold their values."""

from __future__ import annotations

from connectors.errors import DataError, SyncError
from syncjobs.mapping.masks import masked_targets, masked_value
from syncjobs.streams.opening import OpenStream


def reason_of(stream: OpenStream, error: SyncError) -> str:
    """The error's message; only its code where any field is masked, since it need not say which field it is about."""
    return f"{stream.spec.target}: {error.code}" if stream.sync_job.masked_fields else error.message


def without_value(stream: OpenStream, error: DataError) -> DataError:
    """The error as it is told: as it is unless it is about a masked field."""
    masked = masked_targets(stream.mapper, stream.sync_job.masked_fields)
    if error.field not in masked:
        return error
    record = error.record if masked.isdisjoint(stream.spec.key) else ""
    who = f"record {record}: " if record else ""
    message = f"{stream.spec.target}: {who}{masked_value(error.field, error.code)}"
    return DataError(error.code, message, hint=error.hint, field=error.field, record=record)
