"""What is done to a relay's children together, and what goes with a job that is deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict
from syncjobs.models import Attempt, Change, JobBatch, JobEvent, JobLog, StreamCursor, SyncJob
from syncjobs.operations.descriptions import next_step
from syncjobs.operations.jobs import cancel_children, delete_job, restart_job, retry_children
from syncjobs.statuses import Status
from tests.lifecycle.factories import JobFactory

pytestmark = pytest.mark.usefixtures("either_database")
NOW = timezone.now()
DUE = {"status": "failed", "retry_after": NOW}
OWN_TABLES = (Change, JobBatch, Attempt, JobEvent, JobLog)


def relay(*children: dict[str, Any], status: str = "relayed") -> tuple[SyncJob, list[SyncJob]]:
    parent = JobFactory.create(status=status)
    shared = {"parent": parent, "job_type": parent.job_type}
    return parent, [JobFactory.create(position=place, **shared, **own) for place, own in enumerate(children)]


def statuses(jobs: list[SyncJob]) -> list[str]:
    found = dict(SyncJob.objects.filter(pk__in=[job.pk for job in jobs]).values_list("pk", "status"))
    return [found[job.pk] for job in jobs]


def test_failed_children_are_retried_and_no_other() -> None:
    parent, children = relay(
        {"status": "failed", "retry_count": 3, "lost_count": 2},
        {"status": "error"},
        DUE,
        {"status": "finished"},
        {"status": "canceled"},
        {"status": "held"},
    )
    assert retry_children(parent.pk, actor="ann") == 2
    assert statuses(children) == ["queued", "queued", "failed", "finished", "canceled", "held"]
    again = SyncJob.objects.get(pk=children[0].pk)
    assert (again.retry_count, again.lost_count) == (0, 0)
    assert JobEvent.objects.get(job=again).reason == "retried by ann, with its siblings"
    assert retry_children(parent.pk, actor="ann") == 0


def test_children_that_are_not_over_are_canceled_and_those_at_work_asked_to_stop() -> None:
    parent, children = relay(*({"status": status.value} for status in Status), DUE)
    assert cancel_children(parent.pk, actor="ann", reason="wrong list") == 6
    ended = ["canceled", "canceled", "started", "canceled", "canceled"]
    assert statuses(children) == [*ended, *(status.value for status in list(Status)[5:]), "canceled"]
    at_work = SyncJob.objects.get(pk=children[2].pk)
    assert at_work.cancel_requested_at is not None
    assert at_work.cancel_reason == "wrong list"
    assert cancel_children(parent.pk, actor="ann") == 0


def give_everything(job: SyncJob) -> None:
    """Rows in every table that hangs on a job."""
    batch = JobBatch.objects.create(job=job, stream="s", batch_no=1, created_at=NOW)
    change = {"job": job, "stream": "s", "key": {"id": 1}, "key_hash": 1, "operation": "insert"}
    Change.objects.create(batch=batch, **change)
    Change.objects.create(**change)
    Attempt.objects.create(job=job, number=1, started_at=NOW)
    JobEvent.objects.create(job=job, new="queued", created_at=NOW)
    JobLog.objects.create(job=job, level="INFO", message="x", created_at=NOW)


def test_deleted_job_takes_everything_of_its_own_and_nothing_else() -> None:
    job, other = JobFactory.create(status="finished"), JobFactory.create(status="finished")
    give_everything(job)
    give_everything(other)
    cursor = StreamCursor.objects.create(job_type=job.job_type, stream="s", job=job, created_at=NOW)
    again = restart_job(job.pk, actor="ann")
    assert delete_job(job.pk, actor="ann") == 1
    assert set(SyncJob.objects.values_list("pk", flat=True)) == {other.pk, again.pk}
    for model in OWN_TABLES:
        assert set(model.objects.values_list("job_id", flat=True)) <= {other.pk, again.pk}
    assert Change.objects.filter(job=other).count() == 2
    cursor.refresh_from_db()
    assert cursor.job is None
    assert SyncJob.objects.get(pk=again.pk).restarted_from is None


def test_deleted_job_of_many_changes_is_gone_altogether() -> None:
    job = JobFactory.create(status="finished")
    give_everything(job)
    row = Change.objects.filter(job=job, batch__isnull=False).get()
    values = {"job_id": job.pk, "batch_id": row.batch_id, "stream": "s", "key": {"id": 1}, "key_hash": 1}
    Change.objects.bulk_create(Change(operation="insert", **values) for _ in range(10_001))
    delete_job(job.pk, actor="ann")
    assert not Change.objects.exists()


@pytest.mark.parametrize("columns", [{"status": "queued"}, {"status": "started"}, {"status": "paused"}, DUE])
def test_relay_with_a_child_that_is_not_over_stays(columns: dict[str, Any]) -> None:
    parent, children = relay({"status": "failed"}, columns)
    with pytest.raises(StatusConflict, match="cannot be deleted while 1 child job is not over: cancel them first"):
        delete_job(parent.pk, actor="ann")
    assert statuses(children) == ["failed", columns["status"]]


@pytest.mark.parametrize("status", ["relayed", "canceled", "failed"])
def test_relay_whose_children_are_over_goes_with_all_of_them(status: str) -> None:
    parent, children = relay(
        {"status": "finished"}, {"status": "failed"}, {"status": "pending"}, {"status": "canceled"}, status=status
    )
    for job in (parent, *children):
        give_everything(job)
    assert delete_job(parent.pk, actor="ann") == 5
    assert not SyncJob.objects.exists()
    assert not any(model.objects.exists() for model in OWN_TABLES)


def test_one_child_may_be_deleted_by_itself() -> None:
    parent, children = relay({"status": "finished"}, {"status": "queued"})
    delete_job(children[0].pk, actor="ann")
    assert list(parent.children.all()) == [children[1]]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"status": "skipped", "attempt": 1},
            "Nothing to do: nothing differed, or the operation is switched off. To sa",
        ),
        ({"status": "skipped", "attempt": 0}, "Nothing to do: another job had its target. Restart it with force"),
        ({"status": "started", "pause_requested_at": NOW}, "Nothing to do: it was asked to pause and stops within 5 s"),
        (
            {"status": "started", "pause_requested_at": NOW, "cancel_requested_at": NOW},
            "Nothing to do: it was asked to s",
        ),
        ({"status": "canceled", "cancel_reason": "restarted as #7"}, "Nothing to do: it was restarted as #7."),
        ({"status": "canceled", "cancel_reason": "no"}, "Restart it if it is still needed."),
        (DUE, "Nothing to do: it tries again by itself."),
    ],
)
def test_next_step_fits_what_has_happened(columns: dict[str, Any], sentence: str) -> None:
    assert next_step(JobFactory.create(**columns)).startswith(sentence)
