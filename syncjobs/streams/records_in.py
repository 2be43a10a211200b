"""Source pages on their way in: mapped and validated. A record that does not fit stops the job, or is set aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import DataError
from connectors.limits import too_large
from connectors.records import Batch, key_text
from connectors.sql_changes import json_form
from syncjobs.diffs import MASK
from syncjobs.mapping import MappedRows
from syncjobs.mapping.masks import masked_targets, masked_value
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.preparing import prepared, source_key


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the record at `index` of its page cannot be written; `message` is a sentence without the record's name."""

    index: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A page of the source and its rows as the target takes them.

    `kept[i]` is the place of `rows[i]` in the page, `refusals` has one for each record that is not among the rows.
    `nulled` and `stripped` count the values that the mapping made null, or took NUL characters out of, by field.
    """

    batch: Batch
    rows: Sequence[tuple[Any, ...]]
    kept: Sequence[int]
    refusals: list[Refusal]
    nulled: Mapping[str, int]
    stripped: Mapping[str, int]

    def without(self, refused: dict[int, DataError]) -> MappedPage:
        """The page without some of its rows, given by their places among `rows` and what the target said of each."""
        refusals = [Refusal(self.kept[at], error.field, error.code, error.message) for at, error in refused.items()]
        left = [at for at in range(len(self.rows)) if at not in refused]
        return replace(
            self,
            rows=[self.rows[at] for at in left],
            kept=[self.kept[at] for at in left],
            refusals=[*self.refusals, *refusals],
        )


def map_page(stream: OpenStream, batch: Batch) -> MappedPage:
    """The page mapped, if that was not done ahead, and told of: to be called when it is the page's turn.

    A record that does not fit or has no key is a refusal; under policy stop a DataError names it.
    """
    found = prepared(stream, batch)
    batch = replace(batch, rows=found.rows, oversized=found.oversized, prepared=None)
    page = _without_unread(stream, _without_empty_keys(stream, batch, found.mapped))
    if page.refusals and not stream.spec.on_reject.sets_aside:
        raise _stopped(stream, page)
    for name, number in found.mapped.nulled.items():
        stream.sync_job.log("INFO", nulled_text(name, number), field=name)
    for name, number in found.mapped.stripped.items():
        what = "value" if number == 1 else "values"
        stream.sync_job.log("INFO", f"Took NUL characters out of {number:,} {what} of {name}", field=name)
    return page


def nulled_text(name: str, number: int) -> str:
    """How a log tells of values that bounds, lookups and the like made null."""
    what = "value" if number == 1 else "values"
    return f"Set {number:,} {what} of {name} to null, outside its bounds or lookup or not finite"


def _without_empty_keys(stream: OpenStream, batch: Batch, mapped: MappedRows) -> MappedPage:
    refusals = [Refusal(one.index, one.field, one.code, f"{one.field} {one.reason}") for one in mapped.rejects]
    page = MappedPage(batch, mapped.rows, mapped.kept, refusals, mapped.nulled, mapped.stripped)
    names = [field.name for field in stream.mapper.fields]
    empty: dict[int, DataError] = {}
    for name in stream.spec.key:
        column = mapped.rows.columns[names.index(name)]
        if None in column:
            error = DataError("null_key", f"it has no {name}, which is part of the key", field=name)
            empty = dict.fromkeys((at for at, value in enumerate(column) if value is None), error) | empty
    return page.without(empty) if empty else page


def _without_unread(stream: OpenStream, page: MappedPage) -> MappedPage:
    """What the source could not read, or not wholly, is refused for that alone."""
    unread, most = page.batch.unread, stream.spec.max_value_bytes
    if not unread and not page.batch.oversized:
        return page
    refused = {index: Refusal(index, "", "broken_record", one.reason) for index, one in unread.items()}
    for index, (name, size) in page.batch.oversized.items():
        refused[index] = Refusal(index, name, "value_too_large", too_large(name, size, most))
    of_others = [one for one in page.refusals if one.index not in refused]
    left = [at for at, index in enumerate(page.kept) if index not in refused]
    return replace(
        page,
        rows=[page.rows[at] for at in left],
        kept=[page.kept[at] for at in left],
        refusals=[*of_others, *refused.values()],
    )


def _stopped(stream: OpenStream, page: MappedPage) -> DataError:
    first = min(page.refusals, key=lambda one: one.index)
    masked = masked_targets(stream.mapper, stream.sync_job.masked_fields)
    message = masked_value(first.field, first.code) if first.field in masked else first.message
    others = len(page.refusals) - 1
    more = f" ({others:,} more of this page do not fit either)" if others else ""
    return DataError(
        first.code,
        f"{stream.spec.source}: {record_text(stream, page.batch, first.index)}: {message}{more}",
        hint="Mend the record at the source or the mapping of this field, then retry: it goes on from its checkpoint.",
        field=first.field,
    )


def record_text(stream: OpenStream, batch: Batch, index: int) -> str:
    """A record as people name it: by what it has of its key and by its place."""
    masked = masked_targets(stream.mapper, stream.sync_job.masked_fields)
    key = source_key(stream, batch.names, batch.rows, index)
    key = {name: MASK if name in masked else value for name, value in key.items() if value is not None}
    if batch.where is not None:
        return f"record {key_text(key)} ({batch.where(index)})" if key else f"the record of {batch.where(index)}"
    return f"record {key_text(key)}" if key else f"record {index + 1} of the page after {batch.position}"


def target_keys(stream: OpenStream, batch: Batch, indexes: Collection[int]) -> dict[int, dict[str, Any]]:
    """{index: key in JSON forms} of those of these records whose key can be mapped, whatever else is wrong."""
    if not stream.spec.key:
        return {}
    mapper, wanted = stream.mapper.only(stream.spec.key), sorted(set(indexes) - batch.unread.keys())
    mapped = mapper.map_rows(batch.names, [batch.rows[index] for index in wanted])
    keys = {}
    for at, row in zip(mapped.kept, mapped.rows, strict=True):
        if None not in row:
            pairs = zip(mapper.fields, row, strict=True)
            keys[wanted[at]] = {field.name: json_form(field.type, value) for field, value in pairs}
    return keys
