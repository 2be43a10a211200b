"""Jobs with a history, made by the very functions that make them in life."""

from __future__ import annotations

from typing import Any

from syncjobs.clock import db_now
from syncjobs.counts import Counts
from syncjobs.lifecycle import NewJob, admit_job, claim_job, create_children, create_job, end_attempt, fail_attempt
from syncjobs.lifecycle.admission import Admitted
from syncjobs.models import JobBatch, SyncJob, SyncJobType
from syncjobs.operations.job_types import pin_version
from syncjobs.statuses import Status, Trigger
from tests.lifecycle.factories import JobTypeFactory

WORKER = "worker@test"
SLUG = "of-histories"
FAILURE = {"class": "transient", "code": "gone", "message": "the source is away", "hint": "", "retryable": True}


def queued_job(**new: Any) -> SyncJob:
    """A job of the one type of these tests; `new` are further arguments of NewJob."""
    job_type = SyncJobType.objects.filter(slug=SLUG).first() or JobTypeFactory.create(slug=SLUG)
    asked = NewJob(title="A job", trigger=Trigger.MANUAL, actor="ann", snapshot=job_type.snapshot(), **new)
    return create_job(job_type, pin_version(job_type, actor="ann"), asked, db_now())


def started_job() -> SyncJob:
    return start(queued_job())


def start(job: SyncJob) -> SyncJob:
    """Admit a queued job, and claim it as a worker does."""
    admitted = admit_job(job.pk, db_now())
    assert isinstance(admitted, Admitted), admitted
    claimed = claim_job(job.pk, admitted.dispatch_id, WORKER)
    assert claimed is not None
    return claimed


def finished_job() -> SyncJob:
    return end(started_job(), Status.FINISHED)


def end(job: SyncJob, status: Status, **updates: Any) -> SyncJob:
    """End a started job as its owner does."""
    return end_attempt(job, status, reason="", now=db_now(), took_seconds=0.1, **updates)


def failed_job() -> SyncJob:
    """A job that failed, with its retry due."""
    return fail_attempt(
        started_job(),
        FAILURE,
        now=db_now(),
        made_progress=False,
        retry_after_seconds=None,
        random_fraction=0.5,
        took_seconds=0.1,
    )


def relayed_job() -> SyncJob:
    """A job with three children, which wait for their turn."""
    parent = started_job()
    create_children(parent, [{"title": f"Child {number}"} for number in range(3)], db_now())
    return end(parent, Status.RELAYED)


def job_with_batches() -> SyncJob:
    """A finished job of two batches, 7 records inserted in each."""
    job = started_job()
    for batch_no in (1, 2):
        add_batch(job, batch_no, Counts(read=7, inserted=7))
    return end(count(job, Counts(read=14, inserted=14)), Status.FINISHED)


def count(job: SyncJob, counts: Counts) -> SyncJob:
    """What a job says of its records so far."""
    SyncJob.objects.filter(pk=job.pk).update(counts=counts.as_dict())
    return job


def add_batch(job: SyncJob, batch_no: int, counts: Counts, state: str = JobBatch.State.COMMITTED.value) -> JobBatch:
    return JobBatch.objects.create(
        job=job, stream="items", batch_no=batch_no, counts=counts.as_dict(), state=state, created_at=db_now()
    )
