"""Records of a preview in the forms in which they are shown: masked values by a mark, long ones cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.records import Batch, Field
from syncjobs.diffs import mask_values, shorten_for_show
from syncjobs.mapping import Mapper
from syncjobs.mapping.masks import masked_columns, masked_targets, without_values
from syncjobs.stream_specs import StreamSpec
from syncjobs.texts import storable_characters

LONGEST_SHOWN = 300  # characters of one value
UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class PreviewedReject:
    """Why a record would not be written; `message` is a sentence that begins with the field."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PreviewedRecord:
    """A record of the source and what becomes of it, in JSON forms; masked values are not shown, long ones cut."""

    before: dict[str, Any]
    after: dict[str, Any] | None
    reject: PreviewedReject | None = None


@dataclass(frozen=True, slots=True)
class StreamPreview:
    """The first records of a stream; `nulled` counts by target field the values that would become null and be counted.

    `fields` are the target's planned columns, `made_of` the source's columns that each is made of.
    """

    source: str
    target: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    made_of: dict[str, tuple[str, ...]]
    records: tuple[PreviewedRecord, ...]
    nulled: dict[str, int]


def shown_preview(spec: StreamSpec, mapper: Mapper, batch: Batch, masked: frozenset[str]) -> StreamPreview:
    """Map a batch and show it."""
    shown = _Shown(spec, mapper, masked)
    mapped = mapper.map_rows(batch.names, batch.rows)
    after = {place: shown.names_and(row) for place, row in zip(mapped.kept, mapped.rows, strict=True)}
    rejects = {one.index: PreviewedReject(one.field, one.code, f"{one.field} {one.reason}") for one in mapped.rejects}
    rejects |= {place: PreviewedReject("", "broken_record", one.reason) for place, one in batch.unread.items()}
    records = [
        shown.record(shown.source_of(batch, place), after.get(place), rejects.get(place))
        for place in range(len(batch.rows))
    ]
    return StreamPreview(
        source=spec.source,
        target=spec.target,
        key=spec.key,
        fields=tuple(replace(one, nullable=False) if one.name in spec.key else one for one in mapper.fields),
        made_of={field.name: mapper.columns_of(field.name) for field in mapper.fields},
        records=tuple(records),
        nulled=mapped.nulled,
    )


class _Shown:
    """How the records of one stream are shown."""

    def __init__(self, spec: StreamSpec, mapper: Mapper, masked: frozenset[str]) -> None:
        self._key, self._names = spec.key, [field.name for field in mapper.fields]
        self._columns, self._targets = masked_columns(mapper, masked), masked_targets(mapper, masked)
        if self._columns:  # the text of a record that cannot be read may hold any of them
            self._columns.add(UNREAD)

    def names_and(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A mapped row by name."""
        return dict(zip(self._names, row, strict=True))

    @staticmethod
    def source_of(batch: Batch, place: int) -> dict[str, Any]:
        """A record as the source gave it; of one that cannot be read its text."""
        unread = batch.unread.get(place)
        return {UNREAD: unread.text} if unread else dict(zip(batch.names, batch.rows[place], strict=True))

    def record(
        self, before: Mapping[str, Any], after: Mapping[str, Any] | None, reject: PreviewedReject | None
    ) -> PreviewedRecord:
        """One record; one without a key is rejected as in a run."""
        empty = next((name for name in self._key if after is not None and after[name] is None), None)
        if empty is not None and reject is None:
            reject = PreviewedReject(empty, "null_key", f"it has no {empty}, which is part of the key")
        return PreviewedRecord(
            shorten_for_show(mask_values(before, self._columns), LONGEST_SHOWN),
            None if after is None or reject else shorten_for_show(mask_values(after, self._targets), LONGEST_SHOWN),
            reject and self._without_masked(reject, before),
        )

    def _without_masked(self, reject: PreviewedReject, before: Mapping[str, Any]) -> PreviewedReject:
        """The reject without masked values; where those cannot be told apart it is told by its code only."""
        if reject.field in self._targets or (UNREAD in before and self._columns):
            what = f"{reject.field} has" if reject.field else "it may hold"
            return replace(reject, message=f"{what} a masked value that does not fit ({reject.code})")
        hidden = {str(before[name]) for name in self._columns & before.keys() if before[name] is not None}
        return replace(reject, message=storable_characters(without_values(reject.message, hidden)))
