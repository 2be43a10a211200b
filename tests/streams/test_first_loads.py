"""First loads: pages go straight into the empty target, and are compared only once the target refuses one."""

from __future__ import annotations

from typing import Any

from connectors.models import Connector
from syncjobs.models import Change, JobLog, SyncJob
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, run
from tests.streams.people import MAPPING, People, SQLAtTarget, people_at

COLUMNS = "id bigint PRIMARY KEY, email text, age integer CHECK (age < 100), boss bigint, note text"
BY_EMAIL: dict[str, Any] = {"key": ["email"], "mapping": [MAPPING[1], MAPPING[0], *MAPPING[2:]]}


def was_compared(job: SyncJob) -> bool:
    return JobLog.objects.filter(job=job, message__startswith="Records are compared before").exists()


def test_first_load_compares_nothing_and_keeps_no_changes(people: People) -> None:
    people.add(*range(30))
    job = run(people.job_type(batch_size=10))
    assert (job.status, counts(job)) == ("finished", {"read": 30, "inserted": 30}), job.failure
    assert (was_compared(job), Change.objects.filter(job=job).count()) == (False, 0)
    assert list(people_at(Connector.objects.get(slug=people.target))) == list(range(30))
    assert list(find_breaches()) == []


def test_key_that_comes_twice_in_a_first_load_is_a_duplicate_and_the_last_one_counts(people: People) -> None:
    people.add(*range(30))
    people.add(17, 19, email="same@example.org")
    job = run(people.job_type(batch_size=10, **BY_EMAIL))
    assert (job.status, counts(job)) == ("finished", {"read": 30, "inserted": 29, "duplicates": 1}), job.failure
    target = Connector.objects.get(slug=people.target)
    assert was_compared(job) == (target.kind == "postgres"), "the only kind that is loaded straight"
    found = people_at(target)
    assert (len(found), 17 in found, found[19]["email"]) == (29, False, "same@example.org")
    assert list(find_breaches()) == []


def test_key_that_comes_again_in_a_later_batch_of_a_first_load_is_an_update(people: People) -> None:
    people.add(*range(30))
    people.add(7, 19, email="same@example.org")
    job = run(people.job_type(batch_size=10, **BY_EMAIL))
    assert (job.status, counts(job)) == ("finished", {"read": 30, "inserted": 29, "updated": 1}), job.failure
    found = people_at(Connector.objects.get(slug=people.target))
    assert (len(found), 7 in found, found[19]["email"]) == (29, False, "same@example.org")


def test_record_that_the_target_refuses_in_a_first_load_is_set_aside(
    people: People, sql_at_target: SQLAtTarget
) -> None:
    sql_at_target(f"CREATE TABLE people ({COLUMNS})")
    people.add(*range(30))
    people.add(13, age="130")
    job = run(people.job_type(batch_size=10))
    assert (job.status, counts(job)) == ("finished", {"read": 30, "inserted": 29, "rejected": 1}), job.failure
    assert [reject.key for reject in job.rejects.all()] == [{"id": 13}]
    assert list(find_breaches()) == []
