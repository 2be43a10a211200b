"""Records of connector streams as documents: read by name, written by a job exactly once, on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from connectors.base import Connector, FenceLost, Operation
from connectors.errors import ConfigError, DataError, TransientError
from connectors.records import Field
from connectors.surroundings import Surroundings
from syncjobs.controllers.base import Outcome
from syncjobs.controllers.results import COUNTS
from syncjobs.controllers.standard import sync_document
from syncjobs.diffs import MASK
from syncjobs.documents.base import Written
from syncjobs.documents.desk import DocumentDesk
from syncjobs.documents.records import RecordStore
from syncjobs.lifecycle import StatusConflict
from syncjobs.models import Change, JobBatch, SyncJob
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.running import RunningJob
from syncjobs.statuses import Status
from tests.documents.conftest import Take, fill

Edit = Callable[[Any], object]


@pytest.fixture
def items(erp: Connector) -> Iterator[RecordStore]:
    store = RecordStore("erp/items")
    yield store
    store.close()


def finish(sync_job: RunningJob) -> Callable[[Written], None]:
    """The end that the driver writes."""

    def write_end(written: Written) -> None:
        sync_job.end(Outcome(Status.FINISHED, "done", COUNTS[written.operation]))

    return write_end


def sync(
    store: RecordStore,
    sync_job: RunningJob,
    operation: Operation,
    name: str = "",
    edit: Edit = lambda _document: None,
    write_end: Callable[[Written], None] | None = None,
) -> Written:
    """What the driver does with one document."""
    with store.session(sync_job) as session:
        document = session.new() if operation == "insert" else session.lock(name)
        assert document is not None
        before = None if operation == "insert" else store.values(document)
        edit(document)
        written = session.write(operation, document, before)
        session.end(write_end or finish(sync_job))
    return written


def setting(**values: Any) -> Edit:
    def edit(document: Any) -> None:
        for name, value in values.items():
            setattr(document, name, value)

    return edit


def changes(sync_job: RunningJob) -> list[tuple[str, dict[str, Any], dict[str, list[Any]]]]:
    rows = Change.objects.filter(job=sync_job.job)
    return [(row.operation, row.key, row.fields) for row in rows]


def states(sync_job: RunningJob) -> list[str]:
    return list(JobBatch.objects.filter(job=sync_job.job).values_list("state", flat=True))


def item(erp: Connector, code: str) -> dict[str, Any] | None:
    record = erp.get("items", {"code": code})
    return None if record is None else dict(record)


# 1. Reading.


def test_record_is_found_by_its_name_with_typed_values(items: RecordStore) -> None:
    document = items.load("C1")
    assert document is not None
    assert items.values(document) == {
        "code": "C1",
        "name": "Ann",
        "price": Decimal("10.50"),
        "seen": dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC),
        "data": {"tags": ["a"]},
        "ssn": "078-05-1120",
    }
    assert items.name_of(document) == "C1"
    assert items.load("C9") is None


def test_record_with_a_key_of_several_fields_is_found_by_json(erp: Connector) -> None:
    store = RecordStore("erp/people")
    document = store.load('{"person": 2, "crash": "a"}')
    assert document is not None
    assert document.age == 20
    assert store.name_of(document) == '{"crash":"a","person":2}'
    store.close()


def test_values_are_what_they_were_when_the_hook_changes_the_document(items: RecordStore) -> None:
    document = items.load("C1")
    assert document is not None
    before = items.values(document)
    document.data["tags"].append("b")
    document.price = "11"
    assert before["data"] == {"tags": ["a"]}
    assert items.values(document)["price"] == Decimal(11)
    assert items.values(document)["data"] == {"tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("document_type", "code", "text"),
    [
        ("nowhere/items", "no_connector", "there is no connector 'nowhere'"),
        ("erp/nothing", "stream_not_found", "nothing"),
        ("erp/log", "no_key", "erp/log has no key"),
        ("erp/", "unknown_document_type", "names no stream"),
    ],
)
def test_documents_that_cannot_be_had_are_config_errors_that_say_why(
    erp: Connector, document_type: str, code: str, text: str
) -> None:
    fill(erp, "log", (Field("note", "text"),), (), [])
    desk = DocumentDesk(Surroundings())
    with pytest.raises(ConfigError, match=text) as raised:
        desk.find(document_type, "C1")
    assert raised.value.code == code
    desk.close()


def test_documents_of_a_kind_that_is_only_read_from_are_refused_before_any_hook_runs(
    transactional_db: None, take: Take
) -> None:
    config = {"base_url": "https://city.test", "datasets": {"crashes": "85ca-t3if"}}
    save_connector(connector_from_shape({"slug": "city", "kind": "soda", "config": config}))
    store = RecordStore("city/crashes")
    with pytest.raises(ConfigError, match="city/crashes cannot be written") as raised, store.session(take()):
        pytest.fail("a session was given")
    assert raised.value.code == "read_only_kind"
    store.close()


# 2. Writing.


def test_insert_writes_what_has_a_value_and_ends_the_job_with_its_change(
    items: RecordStore, erp: Connector, take: Take
) -> None:
    sync_job = take()
    edit = setting(code="C3", price="1.50", data={"a": None}, ssn="219-09-9999")
    written = sync(items, sync_job, "insert", edit=edit)
    shown: dict[str, list[Any]] = {
        "code": [None, "C3"],
        "price": [None, "1.50"],
        "data": [None, {"a": None}],
        "ssn": [None, MASK],
    }
    assert written == Written("insert", {"code": "C3"}, "C3", shown)
    assert changes(sync_job) == [("insert", {"code": "C3"}, shown)]
    found = item(erp, "C3")
    assert found is not None
    assert (found["price"], found["data"], found["ssn"], found["name"]) == (
        Decimal("1.50"),
        {"a": None},
        "219-09-9999",
        None,
    )
    job = SyncJob.objects.get(pk=sync_job.job.pk)
    assert (job.status, job.tally.inserted, states(sync_job)) == ("finished", 1, ["committed"])


def test_update_writes_only_the_fields_that_differ(items: RecordStore, erp: Connector, take: Take) -> None:
    sync_job = take()

    def edit(document: Any) -> None:
        document.price = Decimal("10.5")  # the same number
        document["name"] = "Anna"
        document.data["tags"].append("b")
        document.ssn = "219-09-9999"

    written = sync(items, sync_job, "update", "C1", edit)
    shown: dict[str, list[Any]] = {
        "name": ["Ann", "Anna"],
        "data": [{"tags": ["a"]}, {"tags": ["a", "b"]}],
        "ssn": [MASK, MASK],
    }
    assert written == Written("update", {"code": "C1"}, "C1", shown)
    assert changes(sync_job) == [("update", {"code": "C1"}, shown)]
    found = item(erp, "C1")
    assert found is not None
    assert str(found["price"]) == "10.50"
    assert (found["name"], found["ssn"]) == ("Anna", "219-09-9999")


def test_update_without_any_difference_is_a_change_of_nothing(items: RecordStore, erp: Connector, take: Take) -> None:
    sync_job = take()
    before = item(erp, "C1")
    assert sync(items, sync_job, "update", "C1") == Written("update", {"code": "C1"}, "C1", {})
    assert changes(sync_job) == [("update", {"code": "C1"}, {})]
    assert item(erp, "C1") == before


def test_delete_shows_every_field_that_had_a_value(items: RecordStore, erp: Connector, take: Take) -> None:
    sync_job = take()
    sync(items, sync_job, "delete", "C1")
    assert item(erp, "C1") is None
    assert item(erp, "C2") is not None
    shown = {
        "code": ["C1", None],
        "name": ["Ann", None],
        "price": ["10.50", None],
        "seen": ["2026-11-01T08:00:00Z", None],
        "data": [{"tags": ["a"]}, None],
        "ssn": [MASK, None],
    }
    assert changes(sync_job) == [("delete", {"code": "C1"}, shown)]


def test_record_with_a_key_of_several_fields_is_written_by_all_of_them(erp: Connector, take: Take) -> None:
    store = RecordStore("erp/people")
    written = sync(store, take(), "update", '{"crash":"a","person":2}', setting(age=21))
    assert (written.name, written.changes) == ('{"crash":"a","person":2}', {"age": [20, 21]})
    sync(store, take(), "delete", '{"crash":"b","person":1}')
    assert [record and record.age for record in map(store.load, ('{"crash":"a","person":1}', written.name))] == [10, 21]
    assert erp.count("people") == 2
    store.close()


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_record_that_is_not_there_is_told_by_lock(items: RecordStore, take: Take, operation: str) -> None:
    with items.session(take()) as session:
        assert session.lock("C9") is None


def test_insert_of_a_record_that_is_there_is_refused_and_nothing_is_left(
    items: RecordStore, erp: Connector, take: Take
) -> None:
    sync_job = take()
    before = item(erp, "C1")
    with pytest.raises(DataError, match="erp/items: a record with code=C1 is there already") as raised:
        sync(items, sync_job, "insert", edit=setting(code="C1", name="Other"))
    assert raised.value.code == "duplicate_key"
    assert item(erp, "C1") == before
    assert (changes(sync_job), states(sync_job)) == ([], [])


@pytest.mark.parametrize(
    ("edit", "code", "text"),
    [
        ({"price": "much"}, "invalid_value", "erp/items: the value of price is not a number"),
        ({"data": {"a": {1, 2}}}, "invalid_value", "erp/items: the value of data cannot be kept as JSON"),
        ({"code": "C7"}, "key_changed", "erp/items: code is part of the record's key and cannot be changed"),
        ({"name": "a\0b"}, "invalid_value", "erp/items: the value of name holds a NUL character"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_the_fields_name(
    items: RecordStore, take: Take, edit: dict[str, Any], code: str, text: str
) -> None:
    sync_job = take()
    with pytest.raises(DataError, match=text) as raised:
        sync(items, sync_job, "update", "C1", setting(**edit))
    assert raised.value.code == code
    assert changes(sync_job) == []


def test_record_that_the_target_refuses_is_undone_with_its_books(erp: Connector, take: Take) -> None:
    fields = (Field("id", "integer"), Field("name", "text", nullable=False))
    fill(erp, "strict", fields, ("id",), [(1, "a")])
    store, sync_job = RecordStore("erp/strict"), take()
    with pytest.raises(DataError, match="record id=1 has no name, which the target requires") as raised:
        sync(store, sync_job, "update", "1", setting(name=None))
    assert raised.value.code == "not_null"
    assert (changes(sync_job), states(sync_job)) == ([], [])
    sync(store, sync_job, "update", "1", setting(name="b"))  # the same attempt may go on
    assert [row[2] for row in changes(sync_job)] == [{"name": ["a", "b"]}]
    store.close()


def test_hook_that_raises_leaves_target_and_books_as_they_were(items: RecordStore, erp: Connector, take: Take) -> None:
    sync_job = take()
    before = item(erp, "C1")

    def fail_after_write() -> None:
        with items.session(sync_job) as session:
            document = session.lock("C1")
            values = items.values(document) if document else {}
            setting(name="Anna")(document)
            assert document is not None
            session.write("update", document, values)
            raise RuntimeError("after_sync")

    with pytest.raises(RuntimeError, match="after_sync"):
        fail_after_write()
    assert item(erp, "C1") == before
    assert (changes(sync_job), states(sync_job)) == ([], [])


def test_two_jobs_that_change_other_fields_of_one_record_lose_nothing(
    items: RecordStore, erp: Connector, take: Take
) -> None:
    first, second = take(), take()
    done: list[Written] = []
    other = RecordStore("erp/items")
    with items.session(first) as session:
        document = session.lock("C1")
        assert document is not None
        before = items.values(document)
        thread = threading.Thread(target=lambda: done.append(in_thread(other, second)))
        thread.start()
        thread.join(0.3)
        assert done == []  # it waits for the record
        document.name = "Anna"
        session.write("update", document, before)
        session.end(finish(first))
    thread.join(20)
    assert [written.changes for written in done] == [{"price": ["10.50", "11"]}]
    found = item(erp, "C1")
    assert found is not None
    assert (found["name"], found["price"]) == ("Anna", 11)


def in_thread(store: RecordStore, sync_job: RunningJob) -> Written:
    try:
        return sync(store, sync_job, "update", "C1", setting(price=Decimal(11)))
    finally:
        store.close()
        connection.close()


# 3. Dry runs and targets that can only be read.


@pytest.mark.parametrize(
    ("operation", "name", "edit", "shown"),
    [
        ("insert", "", {"code": "C3", "ssn": "1"}, {"code": [None, "C3"], "ssn": [None, MASK]}),
        ("update", "C1", {"name": "Anna"}, {"name": ["Ann", "Anna"]}),
        ("delete", "C2", {}, {"code": ["C2", None]}),
    ],
)
def test_dry_run_keeps_the_change_and_writes_nothing(
    items: RecordStore,
    erp: Connector,
    take: Take,
    operation: Operation,
    name: str,
    edit: dict[str, Any],
    shown: dict[str, list[Any]],
) -> None:
    before = [item(erp, code) for code in ("C1", "C2", "C3")]
    sync_job = take(dry_run=True)
    written = sync(items, sync_job, operation, name, setting(**edit))
    assert written.changes == shown
    assert [row[2] for row in changes(sync_job)] == [shown]
    assert [item(erp, code) for code in ("C1", "C2", "C3")] == before
    assert SyncJob.objects.get(pk=sync_job.job.pk).status == "finished"


def test_dry_run_refuses_what_the_real_one_would(items: RecordStore, take: Take) -> None:
    with pytest.raises(DataError, match="is there already"):
        sync(items, take(dry_run=True), "insert", edit=setting(code="C1"))
    sync_job = take(dry_run=True)
    with items.session(sync_job) as session:
        document = session.lock("C1")
        assert document is not None
        sync(items, take(), "delete", "C1")
        with pytest.raises(TransientError, match="gone since it was read"):
            session.write("update", document, items.values(document))


# 4. Exactly once.


class Killed(BaseException):
    """Stands for kill -9 at the place where it is raised."""


def killed_between_the_commits(store: RecordStore, sync_job: RunningJob, operation: Operation, name: str) -> None:
    """The target has committed, Syncdeck's database has not."""

    def die(_written: Written) -> None:
        raise Killed

    edit = setting(name="once", code=name) if operation == "insert" else setting(name="once")
    with pytest.raises(Killed):
        sync(store, sync_job, operation, name, edit, die)


@pytest.mark.parametrize(("operation", "name"), [("insert", "C3"), ("update", "C1"), ("delete", "C2")])
def test_kill_between_the_commits_counts_the_change_once(
    items: RecordStore, erp: Connector, take: Take, operation: Operation, name: str
) -> None:
    lost = take()
    killed_between_the_commits(items, lost, operation, name)
    assert states(lost) == ["open"]
    (kept,) = changes(lost)
    items.close()
    again = take(lost.job)
    assert again.job.fence == lost.job.fence + 1
    store = RecordStore("erp/items")
    with store.session(again) as session:
        assert session.settled == Written(operation, {"code": name}, name, kept[2])
        session.end(finish(again))
    store.close()
    job = SyncJob.objects.get(pk=lost.job.pk)
    assert (job.status, job.tally, changes(again), states(again)) == (
        "finished",
        COUNTS[operation],
        [kept],
        ["committed"],
    )
    found = item(erp, name)
    assert (found is None) if operation == "delete" else (found is not None and found["name"] == "once")


def test_kill_before_the_target_commits_is_done_again_from_the_start(
    items: RecordStore, erp: Connector, take: Take
) -> None:
    lost = take()
    abandoned = items.session(lost)
    session = abandoned.__enter__()
    document = session.lock("C1")
    assert document is not None
    before = items.values(document)
    document.name = "lost"
    session.write("update", document, before)
    items.connector.close()  # the process is gone, and its connections with it
    assert (len(changes(lost)), states(lost)) == (1, ["open"])
    again, store = take(lost.job), RecordStore("erp/items")
    written = sync(store, again, "update", "C1", setting(name="kept"))
    store.close()
    assert changes(again) == [("update", {"code": "C1"}, written.changes)]
    assert written.changes == {"name": ["Ann", "kept"]}
    assert states(again) == ["committed"]
    found = item(erp, "C1")
    assert found is not None
    assert found["name"] == "kept"


def test_attempt_that_was_taken_over_writes_no_more(items: RecordStore, erp: Connector, take: Take) -> None:
    old = take()
    new, store = take(old.job), RecordStore("erp/items")
    sync(store, new, "update", "C1", setting(name="new"))
    store.close()
    with pytest.raises(FenceLost):
        sync(items, old, "update", "C1", setting(name="old"))
    found = item(erp, "C1")
    assert found is not None
    assert found["name"] == "new"
    assert len(changes(new)) == 1


def test_attempt_that_lost_its_job_meanwhile_undoes_the_record(items: RecordStore, erp: Connector, take: Take) -> None:
    old = take()

    def lose_it(document: Any) -> None:
        document.name = "old"
        take(old.job)  # by a worker that has not come to the target yet

    with pytest.raises(StatusConflict):
        sync(items, old, "update", "C1", lose_it)
    found = item(erp, "C1")
    assert found is not None
    assert found["name"] == "Ann"
    assert changes(old) == []


def test_second_settling_is_as_good_as_the_first(items: RecordStore, take: Take) -> None:
    lost = take()
    killed_between_the_commits(items, lost, "update", "C1")
    again = take(lost.job)

    def die(_written: Written) -> None:
        raise Killed

    def settle() -> None:
        with items.session(again) as session:
            session.end(die)

    with pytest.raises(Killed):
        settle()
    assert states(again) == ["open"]
    last = take(lost.job)
    with items.session(last) as session:
        assert session.settled is not None
        session.end(finish(last))
    assert (len(changes(last)), states(last)) == (1, ["committed"])


# 5. With the driver of the hooks.


class Renaming:
    """A controller written for any kind of document."""

    def get_target_document(self, sync_job: RunningJob, source_doc: Any) -> dict[str, Any]:
        return {"operation": "update", "target_document_name": sync_job.get_context()["code"]}

    def update_target_doc(self, _sync_job: RunningJob, source_doc: Any, target_doc: Any) -> None:
        target_doc.name = "Renamed by " + target_doc.code


def test_driver_treats_records_like_any_document(erp: Connector, take: Take) -> None:
    sync_job = take(target_document_type="erp/items", context={"code": "C2"})
    outcome = sync_document(Renaming(), sync_job, None)
    sync_job.documents.close()
    assert outcome.is_written
    job = SyncJob.objects.get(pk=sync_job.job.pk)
    assert (job.status, job.target_document_name, job.diff_summary) == ("finished", "C2", {"updated": 1})
    assert changes(sync_job) == [("update", {"code": "C2"}, {"name": [None, "Renamed by C2"]})]
    again = take(target_document_type="erp/items", context={"code": "C2"})
    assert sync_document(Renaming(), again, None).status is Status.SKIPPED
    again.documents.close()
    assert (changes(again), states(again)) == ([], [])
