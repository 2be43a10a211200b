"""Makes given changes at SQL targets, set-based: stage, lock, judge, write what fits, list what does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from connectors.applying import ChangeApplier, ConflictReason, RecordConflict
from connectors.base import Comparison, Operation, RecordChange, TargetCheckpoint
from connectors.errors import DataError, InternalError
from connectors.field_types import decode_for_target
from connectors.records import FieldType, key_text
from connectors.sql import SQLWriter
from connectors.sql_conditions import CHANGED, DONE, EXISTS, GONE, WRITE, ConditionalMerge
from connectors.sql_text import column_mismatch

REASONS: dict[str, ConflictReason] = {EXISTS: "exists", GONE: "gone", CHANGED: "changed"}
Judged = tuple[int, RecordChange, str, bool]
"""seq, change, letter, and whether exactly one record (or none) has the key."""


class SQLApplying(SQLWriter, ChangeApplier):
    """The steps of ChangeApplier that the SQL kinds share; a kind puts it before its own writer."""

    _computed: frozenset[int]
    _changes: list[RecordChange]
    _judged: list[Judged]

    def begin(self, job_token: str, fence: int) -> TargetCheckpoint | None:
        found = super().begin(job_token, fence)
        if not isinstance(self._merge, ConditionalMerge):
            self._merge = ConditionalMerge(self.request, self.merge.target, self.dialect)
            self._computed = frozenset(self._place(name) for name in self.computed_columns())
        self._changes, self._judged = [], []
        return found

    def computed_columns(self) -> list[str]:
        """The names of those that the target fills by itself and lets nobody write."""
        return []

    def after_judging(self) -> None:
        """What the kind does once the diff is filled."""

    @property
    def conditions(self) -> ConditionalMerge:
        """The statements, known once begin was called."""
        if not isinstance(self._merge, ConditionalMerge):
            raise InternalError("writer_order", f"{self.request.stream}: nothing can be staged before begin")
        return self._merge

    def stage(self, rows: Sequence[tuple[Any, ...]]) -> NoReturn:
        raise InternalError("writer_order", f"{self.request.stream}: this writer takes changes, not records")

    def stage_changes(self, changes: Sequence[RecordChange]) -> None:
        if self.comparison is not None:
            raise InternalError("writer_order", f"{self.request.stream}: staged after the batch was compared")
        self.see_to_stage()
        if changes:
            self.load(self.conditions, [self._row(change) for change in changes])
        self._changes += changes
        self.staged += len(changes)

    def _row(self, change: RecordChange) -> tuple[Any, ...]:
        merge, width = self.conditions, self.conditions.width
        row: list[Any] = [None] * (2 * width)
        flags = ["0"] * width
        for name, value in change.key.items():
            row[self._place(name)] = self._decoded(change, name, value)
        for name, (old, new) in change.fields.items():
            place = self._place(name)
            if place in merge.keys:
                continue
            flags[place] = "1"
            row[place] = self._decoded(change, name, new)
            row[width + place] = self._decoded(change, name, old)
        return (*row, change.operation, "".join(flags))

    def _place(self, name: str) -> int:
        places = self.conditions.places
        if name not in places:
            raise column_mismatch(self.request.stream, [name], places)
        return places[name]

    def _decoded(self, change: RecordChange, name: str, value: Any) -> Any:
        field_type = self.conditions.columns[self._place(name)].field.type
        try:
            return _decoded(field_type, value)
        except ValueError as error:
            raise DataError(
                "invalid_value",
                f"{self.request.stream}: the change of {key_text(change.key)} has a value in {name} that {error}",
                hint="The target's column has another type than when the change was kept.",
                field=name,
            ) from error

    def compare(self) -> Comparison:
        self.see_to_stage()
        merge = self.conditions
        if merge.target.row_id is not None and self.dialect.row_lock:
            self.fetch(merge.lock())  # before judging, so that what is judged is what will be written
        self.execute(merge.judge(self.narrowed_target(merge), self._touched(*self._changes)))
        self.after_judging()
        self.execute(merge.refuse_ambiguous())
        rows = self.fetch(merge.verdicts())
        self._judged = [
            (seq, change, letter, number == 1)
            for (seq, letter, number), change in zip(rows, self._changes, strict=True)
        ]
        made = [change.operation for _, change, letter, _ in self._judged if letter == WRITE]
        unchanged = sum(letter == DONE for _, _, letter, _ in self._judged)
        self.comparison = Comparison(
            inserted=made.count("insert"),
            updated=made.count("update"),
            deleted=made.count("delete"),
            unchanged=unchanged,
            skipped=self.staged - len(made) - unchanged,
            duplicates=0,
        )
        return self.comparison

    def _touched(self, *changes: RecordChange) -> list[int]:
        """The places of the fields that these changes speak of, without those of the key."""
        names = dict.fromkeys(name for change in changes for name in change.fields)
        return sorted({self._place(name) for name in names}.difference(self.conditions.keys))

    def changes(self) -> Iterator[RecordChange]:
        return (change for _, change, letter, _ in self._judged if letter == WRITE)

    def conflicts(self) -> Iterator[RecordConflict]:
        conflicting = [judged for judged in self._judged if judged[2] in REASONS]
        if not conflicting:
            return
        differing = self._differing([change for _, change, letter, _ in conflicting if letter != GONE])
        for seq, change, letter, is_single in conflicting:
            fields = {name: [_expected(change, name), value] for name, value in differing.get(seq, {}).items()}
            yield RecordConflict(change, REASONS[letter], fields if is_single else {})

    def _differing(self, changes: Sequence[RecordChange]) -> dict[int, dict[str, Any]]:
        """The target's values of the fields that are not as these changes expect, by seq."""
        places = self._touched(*changes)
        if not places:
            return {}
        found = {}
        for seq, *rest in self.fetch(self.conditions.found_values(places)):
            flags, values = rest[: len(places)], self.rows.values(places, rest[len(places) :])
            found[seq] = {name: value for (name, value), flag in zip(values.items(), flags, strict=True) if flag}
        return found

    def _apply(self, bounds: tuple[int, int]) -> int:
        merge, written = self.conditions, 0
        if self.found.inserted:
            written += self.execute(merge.insert_wanted(self._written_by("insert")), bounds)
        if self.found.updated:
            written += self.execute(merge.update_wanted(self._written_by("update")), bounds)
        if self.found.deleted:
            written += self.execute(merge.delete_wanted(), bounds)
        self.check_deferred_constraints()
        return written

    def _written_by(self, operation: Operation) -> list[int]:
        """The places that the changes of this kind write."""
        touched = self._touched(*(change for change in self.changes() if change.operation == operation))
        return [place for place in touched if place not in self._computed]


def _decoded(field_type: FieldType, value: Any) -> Any:
    """The Python object of a JSON form that was kept with a change, which for JSON is the value itself."""
    if value is None or field_type == "json":
        return value
    return decode_for_target(field_type, value)


def _expected(change: RecordChange, name: str) -> Any:
    old, new = change.fields[name]
    return new if change.operation == "insert" else old
