"""A job that was taken from a worker and deleted, while that worker only slept: it wakes up, and gives way quietly."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.registry import standing_in
from syncjobs.execution import run_job
from syncjobs.lifecycle import Admitted, admit_job, delete_rows
from syncjobs.models import JobLog, SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger
from tests.lifecycle.factories import JobTypeFactory


class Sleeper:
    """A controller whose job is gone when it goes on."""

    name = "sleeper"

    def __init__(self, saves_progress: bool) -> None:
        self.saves_progress = saves_progress

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return {}

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        delete_rows([sync_job.job.pk])
        if self.saves_progress:
            sync_job.save_progress(bytes_read=1)
        return Outcome()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("saves_progress", [True, False], ids=["saves its progress", "ends"])
def test_worker_whose_job_was_deleted_meanwhile_gives_way(
    saves_progress: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with standing_in(Sleeper(saves_progress)):
        job = run_job_type(JobTypeFactory.create(controller="sleeper"), trigger=Trigger.CLI, actor="test")
        admitted = admit_job(job.pk, db_now())
        assert isinstance(admitted, Admitted)
        assert run_job(job.pk, admitted.dispatch_id, "worker@test") is None
    assert "Stopped without writing more" in caplog.text
    assert not SyncJob.objects.exists()
    assert not JobLog.objects.exists()
