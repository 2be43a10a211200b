"""The end of each example: from wherever its jobs are, everyday steps bring every one of them to an end."""

from __future__ import annotations

from syncjobs.clock import db_now
from syncjobs.lifecycle import admit_jobs, claim_job, end_attempt, reap_expired_leases, requeue_due_retries
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.bulk_actions import act_on_jobs
from syncjobs.operations.job_type_states import resume_job_type
from syncjobs.statuses import FINAL, Status
from tests.state_machine.machine_base import JobMachine
from tests.state_machine.world import WORKER

DECISIONS = {"pending": "start", "paused": "resume", "held": "approve"}


class Outlet(JobMachine):
    """No job without an exit, proved by walking out."""

    def teardown(self) -> None:
        if not self.types:
            return
        self.world.check_all()
        for job_type in SyncJobType.objects.filter(paused_at__isnull=False):
            resume_job_type(job_type, actor="ann")
        self.world.let_all_leases_run_out()
        reap_expired_leases(db_now())
        for _ in range(SyncJob.objects.count() + 1):
            if not self._find_unfinished():
                break
            self._bring_nearer_to_the_end()
        assert self._find_unfinished() == {}
        self.world.check_all()

    def _find_unfinished(self) -> dict[int, str]:
        jobs = SyncJob.objects.exclude(status__in=FINAL, retry_after__isnull=True)
        return {job.pk: f"{job.status} {job.wait_reason}" for job in jobs}

    def _bring_nearer_to_the_end(self) -> None:
        for status, action in DECISIONS.items():
            ids = SyncJob.objects.filter(status=status).values_list("pk", flat=True)
            assert act_on_jobs(list(ids), action, actor="ann").refused == {}
        self.world.let_retries_be_due()
        requeue_due_retries(db_now())
        admit_jobs(db_now())
        for job in SyncJob.objects.filter(status="queued", dispatch_id__isnull=False):
            assert job.dispatch_id is not None
            claimed = claim_job(job.pk, job.dispatch_id, WORKER)
            if claimed is not None:
                end_attempt(claimed, Status.FINISHED, reason="", now=db_now(), took_seconds=0.1)
