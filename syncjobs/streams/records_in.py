"""Source pages on their way in: mapped and validated. A record that does not fit stops the job with its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.errors import DataError
from connectors.records import Batch, key_text
from syncjobs.mapping import RowReject
from syncjobs.streams.opening import OpenStream


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A page of the source and its rows as the target takes them."""

    batch: Batch
    rows: list[tuple[Any, ...]]


def map_page(stream: OpenStream, batch: Batch) -> MappedPage:
    """Map a page; DataError names the first record that does not fit, the field and the reason."""
    mapped = stream.mapper.map_rows(batch.names, batch.rows)
    if mapped.rejects:
        raise _refused(stream, batch, mapped.rejects)
    _check_keys(stream, mapped.rows)
    for name, number in mapped.nulled.items():
        stream.sync_job.log("INFO", f"{number:,} values of {name} outside their bounds were set to null", field=name)
    return MappedPage(batch, mapped.rows)


def _refused(stream: OpenStream, batch: Batch, rejects: list[RowReject]) -> DataError:
    first = rejects[0]
    more = f" ({len(rejects) - 1} more records of this page do not fit either)" if len(rejects) > 1 else ""
    record = _record_text(stream, batch, first.index)
    return DataError(
        first.code,
        f"{stream.spec.source}: {record}: {first.field} {first.reason}{more}",
        hint="Mend the record at the source or the mapping of this field, then retry: it goes on from its checkpoint.",
    )


def _record_text(stream: OpenStream, batch: Batch, index: int) -> str:
    key = {}
    for name in stream.spec.key:
        source = stream.mapper.source_of(name)
        if source in batch.names:
            key[name] = batch.rows[index][batch.names.index(source)]
    return f"record {key_text(key)}" if key else f"record {index + 1} of the page after {batch.position}"


def _check_keys(stream: OpenStream, rows: list[tuple[Any, ...]]) -> None:
    names = [field.name for field in stream.mapper.fields]
    for name in stream.spec.key:
        place = names.index(name)
        for row in rows:
            if row[place] is None:
                known = {other: row[names.index(other)] for other in stream.spec.key if other != name}
                raise DataError(
                    "null_key",
                    f"{stream.spec.source}: a record{f' ({key_text(known)})' if known else ''} has no {name}, "
                    "which is part of the key",
                    hint="Choose another key, or mend the record at the source.",
                )
