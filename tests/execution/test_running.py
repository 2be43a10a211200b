"""The handle round a running job: only the owner writes."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from syncjobs.counts import Counts
from syncjobs.failures import timed_out
from syncjobs.lifecycle import StatusConflict, claim_job
from syncjobs.models import Change, JobBatch, SyncJob
from syncjobs.running import RunningJob
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.progress import Progress
from tests.lifecycle.factories import JobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def running() -> RunningJob:
    """A job that this process has claimed."""
    job = JobFactory.create(dispatch_id=uuid.uuid4(), config_snapshot={"changes_kept": 10})
    assert job.dispatch_id is not None
    claimed = claim_job(job.pk, job.dispatch_id, "me")
    assert claimed is not None
    return RunningJob(claimed)


@pytest.mark.parametrize(
    ("batch_no", "config", "where"),
    [
        (40, {"streams": [{}]}, " at batch 41, 41,000 records committed"),
        (0, {"streams": [{}]}, " before its first batch, 0 records committed"),
        (0, {}, ""),
    ],
    ids=["amid its batches", "before them", "documents"],
)
def test_time_limit_says_how_long_and_where(
    running: RunningJob, batch_no: int, config: dict[str, object], where: str
) -> None:
    done = Progress(batch_no=batch_no, counts=Counts(read=1025 * batch_no))
    running.save_progress(
        config_snapshot={"config": config}, checkpoint=done.as_checkpoint(), counts=done.counts.as_dict(), timeout=3600
    )
    failure = timed_out(running)
    assert (failure.message, failure.retryable) == (f"timed out after 3600 s{where}", True)


OTHERS = [{"fence": 2}, {"status": "queued"}, {"status": "canceled"}]


def test_owner_saves_progress(running: RunningJob) -> None:
    running.save_progress(total_estimate=7)
    assert SyncJob.objects.get(pk=running.job.pk).total_estimate == 7


@pytest.mark.parametrize("taken", OTHERS, ids=str)
def test_progress_of_a_job_that_is_no_longer_ours_is_refused(running: RunningJob, taken: dict[str, object]) -> None:
    SyncJob.objects.filter(pk=running.job.pk).update(**taken)
    with pytest.raises(StatusConflict):
        running.save_progress(total_estimate=7)
    assert SyncJob.objects.get(pk=running.job.pk).total_estimate is None


@pytest.mark.parametrize("taken", OTHERS, ids=str)
def test_batch_of_a_job_that_is_no_longer_ours_leaves_nothing(running: RunningJob, taken: dict[str, object]) -> None:
    books = BatchBooks(running, "items")
    SyncJob.objects.filter(pk=running.job.pk).update(**taken)
    with pytest.raises(StatusConflict):
        books.open_batch(Progress(), [])
    assert not JobBatch.objects.exists()


@pytest.mark.parametrize("taken", OTHERS, ids=str)
def test_open_batch_is_neither_dropped_nor_counted_by_somebody_else(
    running: RunningJob, taken: dict[str, object]
) -> None:
    batch = JobBatch.objects.create(
        job=running.job, stream="items", batch_no=1, checkpoint=Progress().as_checkpoint(), created_at=timezone.now()
    )
    Change.objects.create(job=running.job, batch=batch, stream="items", key={}, key_hash=1, operation="insert")
    SyncJob.objects.filter(pk=running.job.pk).update(**taken)
    with pytest.raises(StatusConflict):
        BatchBooks(running, "items").settle(None)
    with pytest.raises(StatusConflict):
        BatchBooks(running, "items").commit_batch(batch)
    batch.refresh_from_db()
    assert (batch.state, Change.objects.count()) == ("open", 1)
