"""Batches of one record: each writes the job's own row, since that is its checkpoint; cancel is heard all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from connectors.models import Connector
from syncjobs.models import JobBatch, SyncJob
from syncjobs.operations.jobs import cancel_job
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import counts, run
from tests.streams.people import People, people_at

PEOPLE = 3000
OF_A_BATCH = 2  # opened and complete at once, since none has changes to store; committed
OF_A_RUN = 10  # claim, estimate, the end and the like


class Updates:
    """Counts the updates of jobs' rows, and cancels the only job after so many."""

    def __init__(self, cancel_after: int) -> None:
        self.cancel_after = cancel_after
        self.number = 0

    def watch(self, execute: Callable[..., Any], query: str, *arguments: Any) -> Any:
        result = execute(query, *arguments)
        if query.startswith(f'UPDATE "{SyncJob._meta.db_table}"'):
            self.number += 1
            if self.number == self.cancel_after:
                cancel_job(SyncJob.objects.get().pk, actor="ann")
        return result


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_job_in_batches_of_one_writes_its_row_with_each_and_is_canceled_in_time(people: People, target: str) -> None:
    people.add(*range(1, PEOPLE + 1))
    job_type = people.job_type(batch_size=1)
    updates = Updates(cancel_after=150)
    with connection.execute_wrapper(updates.watch):
        job = run(job_type)
    batches = JobBatch.objects.filter(job=job, state="committed").count()  # one may be left open, and rolled back
    assert job.status == "canceled", job.failure
    assert job.ended_at is not None
    assert job.cancel_requested_at is not None
    assert job.ended_at - job.cancel_requested_at < timedelta(seconds=10)
    assert 45 <= batches < PEOPLE
    assert OF_A_BATCH * batches <= updates.number <= OF_A_BATCH * batches + OF_A_RUN
    assert counts(job) == {"read": batches, "inserted": batches}
    assert len(people_at(Connector.objects.get(slug=target))) == batches
    assert list(find_breaches()) == []
