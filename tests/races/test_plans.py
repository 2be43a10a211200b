"""One plan that two people approve, apply or delete at once, by two connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from syncjobs.clock import db_now
from syncjobs.lifecycle.plans import basis_of, digest_changes
from syncjobs.models import Plan, SyncJob, SyncJobType
from syncjobs.operations.jobs import delete_job
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.statuses import Trigger
from tests.lifecycle.factories import JobFactory, JobTypeFactory
from tests.races.arena import Arena

ROUNDS = 10
STREAM: dict[str, Any] = {"source": "items", "target": "items", "key": ["code"]}


def planned(state: Plan.State) -> SyncJob:
    """A dry run whose plan is in this state."""
    config = {"streams": [STREAM]}
    job_type = SyncJobType.objects.filter(slug="planned").first()
    job_type = job_type or JobTypeFactory.create(slug="planned", name="Planned", config=config)
    counts = {"read": 1, "inserted": 1}
    job: SyncJob = JobFactory.create(
        job_type=job_type, status="finished", dry_run=True, counts=counts, config_snapshot=job_type.snapshot()
    )
    now = db_now()
    basis, digest = basis_of(job_type, STREAM), digest_changes(job.pk)
    columns = {"basis": basis, "digest": digest, "sealed_at": now, "expires_at": now + timedelta(days=1)}
    Plan.objects.create(job=job, state=state, changes=1, **columns)
    return job


def approve(job: SyncJob) -> SyncJob:
    return approve_plan(job.pk, actor="ann")


def apply(job: SyncJob) -> SyncJob:
    return apply_plan(job.pk, trigger=Trigger.MANUAL, actor="ann")


@pytest.mark.parametrize(
    ("state", "deed", "jobs"),
    [(Plan.State.SEALED, approve, 0), (Plan.State.APPROVED, apply, 1)],
    ids=["approve", "apply"],
)
def test_of_two_who_decide_about_one_plan_one_wins(
    arena: Arena, state: Plan.State, deed: Callable[[SyncJob], SyncJob], jobs: int
) -> None:
    for _ in range(ROUNDS):
        job = planned(state)
        assert sorted(arena.race(partial(deed, job), partial(deed, job))) == [False, True]
        assert SyncJob.objects.filter(config_snapshot__plan__job=job.pk).count() == jobs


def test_plan_that_is_deleted_while_it_is_applied_is_applied_or_gone(arena: Arena) -> None:
    for _ in range(ROUNDS):
        job = planned(Plan.State.APPROVED)
        applied, deleted = arena.race(partial(apply, job), partial(delete_job, job.pk, actor="bob"))
        assert deleted
        assert SyncJob.objects.filter(config_snapshot__plan__job=job.pk).count() == applied
