"""What every kind with transactions must do alike to write each batch exactly once; part of the writing conformance."""
# ruff: noqa: S101

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.base import Comparison, Connector, FenceLost, RecordChange, StreamWriter, TargetCheckpoint, WriteRequest
from connectors.errors import SyncError
from connectors.records import Field, ReadRequest
from connectors.testing_reading import Connect, ReadingConformance
from connectors.testing_samples import CITIES, CITY_FIELDS, Row


class TransactionConformance(ReadingConformance):
    """Batches, checkpoints, fences and dry runs."""

    def fill(
        self, connector: Connector, stream: str, fields: Sequence[Field], key: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """By the kind's own writer."""
        request = WriteRequest(stream, tuple(fields), key, "upsert")
        self.sync(connector, request, rows, job="fill")

    def sync(
        self, connector: Connector, request: WriteRequest, rows: Sequence[Row], *, job: str = "job", batch_no: int = 1
    ) -> tuple[Comparison, list[RecordChange]]:
        """One whole batch; what it found and showed."""
        writer = connector.writer(request)
        writer.prepare()
        writer.begin(job, 1)
        writer.stage(rows)
        found, changes = writer.compare(), list(writer.changes())
        writer.write()
        writer.commit(TargetCheckpoint(batch_no, {"after": batch_no}, {"read": len(rows)}))
        writer.rollback()
        return found, changes

    def failing_sync(self, connector: Connector, request: WriteRequest, rows: Sequence[Row]) -> SyncError:
        """The error of a batch that cannot be written."""
        writer = connector.writer(request)
        try:
            writer.prepare()
            writer.begin("failing", 1)
            writer.stage(rows)
            writer.compare()
            writer.write()
        except SyncError as error:
            return error
        finally:
            writer.rollback()
        pytest.fail("the batch was written")

    @pytest.fixture
    def request_for_cities(self) -> WriteRequest:
        """Upsert into cities."""
        return WriteRequest("cities", CITY_FIELDS, ("code",), "upsert")

    @pytest.fixture
    def deletion(self, request_for_cities: WriteRequest) -> WriteRequest:
        """Delete cities by their code."""
        return replace(request_for_cities, mode="delete", create=False)

    def codes_of(self, connector: Connector) -> set[str]:
        """The codes of the cities that are there."""
        return {row[0] for row in self.read_all(connector, ReadRequest("cities", columns=("code",)))}

    def test_prepare_tells_whether_the_target_is_empty(
        self, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        connector = connect()
        assert connector.writer(request_for_cities).prepare() is True
        assert connector.writer(request_for_cities).prepare() is True
        self.sync(connector, request_for_cities, CITIES[:1])
        assert connector.writer(request_for_cities).prepare() is False
        connector.close()

    def test_checkpoint_is_seen_by_the_next_writer_and_per_job(
        self, cities: Connector, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        self.sync(cities, request_for_cities, CITIES[:10], job="one", batch_no=3)
        other = connect()
        writer = other.writer(request_for_cities)
        writer.prepare()
        assert writer.begin("one", 1) == TargetCheckpoint(3, {"after": 3}, {"read": 10})
        writer.rollback()
        assert writer.begin("two", 1) is None
        writer.rollback()
        other.close()

    def test_one_writer_does_many_batches(self, connect: Connect, request_for_cities: WriteRequest) -> None:
        connector = connect()
        writer = connector.writer(request_for_cities)
        writer.prepare()
        for number in range(5):
            found = writer.begin("many", 1)
            assert (found.batch_no if found else 0) == number
            writer.stage(CITIES[number * 10 : number * 10 + 5])
            writer.stage(CITIES[number * 10 + 5 : number * 10 + 10])
            assert writer.compare().inserted == 10
            assert len(list(writer.changes())) == 10
            writer.write()
            writer.commit(TargetCheckpoint(number + 1, [number], {}))
        assert sorted(self.read_all(connector, ReadRequest("cities"))) == CITIES
        connector.close()

    def test_batch_that_was_not_committed_is_gone_and_the_next_can_be_written(
        self, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        connector = connect()
        writer = connector.writer(request_for_cities)
        writer.prepare()
        self._write_uncommitted(writer, 1)
        writer.rollback()
        other = connect()
        assert other.count("cities") == 0
        self._write_uncommitted(writer, 1)
        writer.commit(TargetCheckpoint(1, None, {}))
        assert other.count("cities") == 50
        other.close()
        connector.close()

    def _write_uncommitted(self, writer: StreamWriter, fence: int) -> None:
        assert writer.begin("job", fence) is None
        writer.stage(CITIES)
        writer.compare()
        writer.write()

    def test_connection_that_breaks_before_the_commit_leaves_nothing(
        self, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        connector, other = connect(), connect()
        writer = connector.writer(request_for_cities)
        writer.prepare()
        self._write_uncommitted(writer, 1)
        connector.close()
        writer.rollback()
        assert other.count("cities") == 0
        assert self.sync(other, request_for_cities, CITIES, job="job")[0].inserted == 50
        other.close()

    def test_older_owner_cannot_begin_or_commit_after_a_newer_one(
        self, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        old, new = connect(), connect()
        old_writer, new_writer = old.writer(request_for_cities), new.writer(request_for_cities)
        old_writer.prepare()
        new_writer.prepare()
        new_writer.begin("job", 2)
        new_writer.stage(CITIES)
        new_writer.compare()
        new_writer.write()
        new_writer.commit(TargetCheckpoint(1, None, {}))
        with pytest.raises(FenceLost):
            old_writer.begin("job", 1)
        old_writer.rollback()
        again = new_writer.begin("job", 2)
        assert again is not None
        assert again.batch_no == 1
        new_writer.rollback()
        assert new_writer.begin("job", 3) is not None
        new_writer.rollback()
        old.close()
        new.close()

    def test_dry_run_shows_everything_and_changes_nothing(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        before = self.read_all(cities, ReadRequest("cities"))
        request = replace(request_for_cities, dry_run=True, keep_insert_values=True)
        rows = [("C001", "Renamed", *CITIES[1][2:]), CITIES[2], ("N1", "New", 1, None, None, None)]
        found, changes = self.sync(cities, request, rows)
        assert found == Comparison(1, 1, 1, 0, 0)
        assert [change.operation for change in changes] == ["update", "insert"]
        assert changes[1].fields["name"] == [None, "New"]
        assert self.read_all(cities, ReadRequest("cities")) == before

    def test_dry_run_without_a_target_creates_none(self, connect: Connect, request_for_cities: WriteRequest) -> None:
        connector = connect()
        request = replace(request_for_cities, dry_run=True)
        found, changes = self.sync(connector, request, [*CITIES, CITIES[0]])
        assert found == Comparison(50, 0, 0, 0, 1)
        assert len(changes) == 50
        assert connector.streams() == []
        connector.close()
