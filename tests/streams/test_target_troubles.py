"""Troubles that a target has by itself: transactions that it undoes, and a disk that is full."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from connectors import sqlite_session
from connectors.base import WriteRequest
from connectors.errors import TransientError
from connectors.models import Connector
from connectors.records import Field
from syncjobs.models import JobBatch, JobLog
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, run
from tests.streams.people import People, SQLAtTarget, people_at

UNDONE_ONCE = """
CREATE SEQUENCE tries;
CREATE FUNCTION undo_once() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  IF NEW.id = 17 AND nextval('tries') = 1 THEN
    RAISE EXCEPTION 'undone' USING ERRCODE = '{state}';
  END IF;
  RETURN NEW;
END$$;
CREATE TRIGGER undo_once BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION undo_once()
"""  # a sequence remembers what a rollback undoes


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("40P01", "target: people: deadlock with another session"),
        ("40001", "target: people: others changed the same rows meanwhile"),
    ],
    ids=["deadlock", "serialization failure"],
)
def test_transaction_that_the_target_undoes_is_done_again_within_the_attempt(
    people: People, target: str, sql_at_target: SQLAtTarget, state: str, words: str
) -> None:
    people.add(1)
    job_type = people.job_type(batch_size=5)
    run(job_type)
    sql_at_target(UNDONE_ONCE.format(state=state))
    people.add(*range(2, 21))
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 19, "unchanged": 1}), job.failure
    assert (job.attempt, job.retry_count) == (1, 0)
    assert JobLog.objects.filter(job=job, level="WARNING", message__startswith=f"{words}; retry 1/8 in").count() == 1
    assert sorted(people_at(Connector.objects.get(slug=target))) == list(range(1, 21))
    assert JobBatch.objects.filter(job=job).count() == 4
    assert list(find_breaches()) == []


class Disk:
    """Its first connections for writing can add no page to a file, as on a full disk; then there is room."""

    def __init__(self, full_for: int) -> None:
        self.full_for = full_for  # connections

    def connect(self, address: str, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(address, **options)
        if "mode=ro" not in address and self.full_for:
            self.full_for -= 1
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(1, pages)}")
        return connection


MakeDisk = Callable[[int], Disk]


@pytest.fixture
def make_disk(monkeypatch: pytest.MonkeyPatch) -> MakeDisk:
    """Makes the disk of the target, which is full for so many connections."""

    def make(full_for: int) -> Disk:
        disk = Disk(full_for)
        driver = SimpleNamespace(**vars(sqlite3))
        driver.connect = disk.connect
        monkeypatch.setattr(sqlite_session, "sqlite3", driver)
        return disk

    return make


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_full_disk_under_an_sqlite_target_is_waited_out_within_the_attempt(
    people: People, target: str, make_disk: MakeDisk
) -> None:
    people.add(1)
    job_type = people.job_type(batch_size=100)
    run(job_type)
    people.add(*range(2, 301), note="n" * 100)
    make_disk(1)
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 300, "inserted": 299, "unchanged": 1}), job.failure
    (told,) = JobLog.objects.filter(job=job, level="WARNING").values_list("message", flat=True)
    assert told.startswith("target: people: no space left for items.sqlite3; retry 1/8 in ")
    assert len(people_at(Connector.objects.get(slug=target))) == 300
    assert list(find_breaches()) == []


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_full_disk_is_a_passing_failure_that_says_what_to_do(target: str, make_disk: MakeDisk) -> None:
    make_disk(1)
    opened = Connector.objects.get(slug=target).open()
    with closing(opened), pytest.raises(TransientError, match=r"no space left for items\.sqlite3") as caught:
        opened.writer(WriteRequest("people", (Field("id", "bigint"),), ("id",), "upsert")).prepare()
    assert (caught.value.code, caught.value.hint) == ("disk_full", "Make room on that disk, then retry.")
