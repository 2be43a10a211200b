"""What kinds that make given changes must do alike, as a pytest class to subclass; also for third parties."""
# ruff: noqa: S101

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.applying import RecordConflict, open_applier
from connectors.base import Comparison, Connector, RecordChange, TargetCheckpoint, WriteRequest
from connectors.errors import DataError
from connectors.records import Field, ReadRequest
from connectors.testing_reading import Connect

FIELDS = (
    Field("id", "integer", nullable=False),
    Field("name", "text"),
    Field("price", "decimal"),
    Field("seen", "datetime"),
    Field("tags", "json"),
)
REQUEST = WriteRequest("things", FIELDS, ("id",), "upsert")


def _forms(number: int) -> dict[str, Any]:
    """A record in JSON forms, by name."""
    values = (number, f"Thing {number}", f"{number}.50", "2026-11-01T08:00:00Z", {"n": number})
    return dict(zip((one.name for one in FIELDS), values, strict=True))


def _insert(number: int) -> RecordChange:
    return RecordChange("insert", {"id": number}, {name: [None, new] for name, new in _forms(number).items()})


def _delete(number: int, **other: Any) -> RecordChange:
    return RecordChange("delete", {"id": number}, {name: [old, None] for name, old in (_forms(number) | other).items()})


def _rename(number: int, old: str | None = None, new: str = "New") -> RecordChange:
    return RecordChange("update", {"id": number}, {"name": [old or f"Thing {number}", new]})


@dataclass
class Applied:
    """What one batch of changes came to."""

    found: Comparison
    changes: list[RecordChange]
    conflicts: list[RecordConflict] = field(default_factory=list)


def apply(connector: Connector, *changes: RecordChange, batch_no: int = 1, job: str = "job") -> Applied:
    """Stage, compare, write and commit; what was found and shown."""
    writer = open_applier(connector, REQUEST)
    writer.prepare()
    try:
        writer.begin(job, 1)
        writer.stage_changes(changes)
        applied = Applied(writer.compare(), list(writer.changes()), list(writer.conflicts()))
        writer.write()
        writer.commit(TargetCheckpoint(batch_no, None, {}))
    finally:
        writer.rollback()
    writer.finish()
    return applied


class ApplyingConformance:
    """Inserts, updates and deletes with conditions. The stream `things` holds the records 0 to 5."""

    @pytest.fixture
    def connect(self) -> Connect:
        """Makes a new connector to one system that is empty at first."""
        raise NotImplementedError

    @pytest.fixture
    def things(self, connect: Connect) -> Iterator[Connector]:
        with closing(connect()) as connector:
            apply(connector, *(_insert(number) for number in range(6)), job="fill")
            yield connector

    def names(self, connector: Connector) -> dict[int, str]:
        """The names that the target has, by id."""
        rows = [row for batch in connector.read(ReadRequest("things", key=("id",))) for row in batch.rows]
        return {int(row[0]): row[1] for row in rows}

    def test_changes_that_are_as_expected_are_made(self, things: Connector) -> None:
        changes = [_insert(9), _rename(1), _delete(2)]
        applied = apply(things, *changes)
        assert applied == Applied(Comparison(1, 1, 0, 0, 0, 1), changes)
        expected = {number: f"Thing {number}" for number in (0, 3, 4, 5, 9)} | {1: "New"}
        assert self.names(things) == expected
        again = apply(things, _delete(9))  # which finds each field as the insert has written it
        assert (again.found.deleted, again.conflicts) == (1, [])

    def test_records_that_moved_are_listed_with_what_is_there_and_left_alone(self, things: Connector) -> None:
        apply(things, _rename(1, new="Foreign"), _rename(2, new="Foreign"), _delete(3))
        changes = [_rename(1), _delete(2), _rename(3), _insert(4), _rename(5)]
        changes[3] = RecordChange("insert", {"id": 4}, _insert(4).fields | {"name": [None, "Mine"]})
        applied = apply(things, *changes, batch_no=2)
        assert (applied.found.updated, applied.found.skipped) == (1, 4)
        assert applied.changes == [changes[4]]
        assert applied.conflicts == [
            RecordConflict(changes[0], "changed", {"name": ["Thing 1", "Foreign"]}),
            RecordConflict(changes[1], "changed", {"name": ["Thing 2", "Foreign"]}),
            RecordConflict(changes[2], "gone", {}),
            RecordConflict(changes[3], "exists", {"name": ["Mine", "Thing 4"]}),
        ]
        kept = {0: "Thing 0", 1: "Foreign", 2: "Foreign", 4: "Thing 4", 5: "New"}
        assert self.names(things) == kept

    def test_what_is_already_so_counts_as_unchanged(self, things: Connector) -> None:
        applied = apply(things, _insert(1), _rename(2, old="Other", new="Thing 2"), _delete(77))
        assert applied == Applied(Comparison(0, 0, 3, 0, 0), [])

    def test_empty_values_are_values(self, things: Connector) -> None:
        emptied = RecordChange("update", {"id": 1}, {"name": ["Thing 1", None], "tags": [{"n": 1}, None]})
        assert apply(things, emptied).found.updated == 1
        assert apply(things, _rename(1), batch_no=2).conflicts[0].fields == {"name": ["Thing 1", None]}
        back = RecordChange("update", {"id": 1}, {"name": [None, "Thing 1"], "tags": [None, {"n": 1}]})
        assert apply(things, back, batch_no=3).found.updated == 1
        assert apply(things, _delete(1), batch_no=4).found.deleted == 1

    def test_missing_stream_is_made_by_the_first_insert(self, connect: Connect) -> None:
        with closing(connect()) as connector:
            assert apply(connector, _insert(1), _insert(2)).found.inserted == 2
            assert self.names(connector) == {1: "Thing 1", 2: "Thing 2"}

    def test_field_that_the_target_lacks_is_named(self, things: Connector) -> None:
        with pytest.raises(DataError, match="no column 'colour'"):
            apply(things, RecordChange("update", {"id": 1}, {"colour": ["red", "blue"]}))
        assert self.names(things)[1] == "Thing 1"
