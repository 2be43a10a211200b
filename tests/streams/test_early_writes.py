"""The target begins to write while the batch's changes are still being stored, and commits only after that."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator

import pytest

from connectors.base import KeptChange, RecordChange
from syncjobs.models import Change, JobBatch
from syncjobs.operations.jobs import retry_job
from syncjobs.streams import books
from syncjobs.streams.change_rows import save_changes
from syncjobs.streams.early_writes import EarlyWrite
from tests.postgres_server import PostgresServer
from tests.streams.conftest import counts, run, run_here
from tests.streams.test_lost_connections import WRITTEN, Systems, fill_systems, job_type

CHANGES = [RecordChange("update", {"id": number}, {}) for number in range(3)]
WAIT = 20  # seconds, of which none pass unless something is wrong


@pytest.fixture
def systems(rows_on_postgresql: None, postgres_server: PostgresServer, postgres_url: str) -> Iterator[Systems]:
    made = fill_systems(postgres_url, postgres_server.create_database())
    yield made
    postgres_server.drop_database(made.urls["target"])


def test_writing_begins_behind_the_last_change_and_is_over_at_the_finish() -> None:
    begun, may_end = threading.Event(), threading.Event()
    written: list[object] = []

    def write() -> None:
        begun.set()
        assert may_end.wait(WAIT)
        written.append(threading.current_thread())

    with EarlyWrite(write) as early:
        changes = early.after(CHANGES)
        assert [next(changes) for _ in CHANGES] == CHANGES
        assert not begun.is_set()
        assert next(changes, None) is None
        assert begun.wait(WAIT)
        assert not written
        may_end.set()
        early.finish()
        assert written != [threading.current_thread()]
        assert len(written) == 1


def test_writing_waits_for_the_finish_where_not_all_changes_are_kept() -> None:
    written: list[object] = []
    with EarlyWrite(lambda: written.append(threading.current_thread())) as early:
        assert next(early.after(CHANGES)) == CHANGES[0]
        assert not written
        early.finish()
    assert written == [threading.current_thread()]


def test_refusal_of_the_target_is_told_at_the_finish_and_not_before() -> None:
    def refuse() -> None:
        raise ValueError("refused")

    with EarlyWrite(refuse) as early:
        assert list(early.after(CHANGES)) == CHANGES
        with pytest.raises(ValueError, match="refused"):
            early.finish()


def test_writing_is_over_before_anybody_hears_of_another_fault() -> None:
    written: list[object] = []
    pause = threading.Event()

    def write() -> None:
        pause.wait(0.05)  # so that whoever does not wait for it is first
        written.append(True)

    def store() -> None:
        with EarlyWrite(write) as early:
            assert list(early.after(CHANGES)) == CHANGES
            raise ValueError("storing")

    with pytest.raises(ValueError, match="storing"):
        store()
    assert written == [True]


@pytest.mark.parametrize("way", ["straight", "one by one"])
def test_target_has_nothing_where_the_changes_could_not_be_stored_though_it_had_written(
    systems: Systems, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows of a batch are at the target, uncommitted, when our own database fails; another try writes them once."""
    early: list[threading.Thread] = []
    before = systems.sql("target", "TABLE things ORDER BY id")

    def fail_behind(batch: JobBatch, changes: Iterable[KeptChange], masked: Collection[str] = ()) -> int:
        saved = save_changes(batch, changes, masked)
        if saved:
            early.extend(one for one in threading.enumerate() if one.name.startswith("early-write"))
            raise RuntimeError("our own database fails")
        return saved

    with monkeypatch.context() as patched:
        patched.setattr(books, "save_changes", fail_behind)
        job = run(job_type("upsert", way))
    assert job.status == "failed"
    assert early
    assert systems.sql("target", "TABLE things ORDER BY id") == before
    done = run_here(retry_job(job.pk, actor="test"))
    assert (done.status, counts(done)) == ("finished", WRITTEN["upsert"])
    mine = "SELECT id, note FROM things WHERE id <= 20 ORDER BY id"
    assert systems.sql("target", mine) == systems.sql("source", mine)
    assert Change.objects.values("key_hash").distinct().count() == Change.objects.count() == 15
