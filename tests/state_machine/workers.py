"""What dispatcher, workers and reaper do to jobs, and what must come of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from syncjobs.clock import db_now
from syncjobs.lifecycle import (
    StatusConflict,
    admit_jobs,
    claim_job,
    create_children,
    end_attempt,
    fail_attempt,
    reap_expired_leases,
    release_job,
    renew_lease,
    requeue_due_retries,
)
from syncjobs.models import SyncJob
from syncjobs.statuses import Status
from tests.state_machine.machine_base import PICKS, JobMachine
from tests.state_machine.world import WORKER, choose, is_owned

ENDS = (Status.FINISHED, Status.SKIPPED, Status.NO_TARGET, Status.HELD, Status.PAUSED, Status.CANCELED)
FAILURES = [("transient", True), ("rate_limited", True), ("internal", False), ("config", False), ("data", False)]


class Workers(JobMachine):
    """Rules for those who do the work."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[int, uuid.UUID]] = []
        self.owners: list[SyncJob] = []

    @precondition(lambda self: "queued" in self.world.statuses.values())
    @rule()
    def admit(self) -> None:
        self.messages += [(admitted.job_id, admitted.dispatch_id) for admitted in admit_jobs(db_now())]

    @precondition(lambda self: self.messages)
    @rule(pick=PICKS, number=st.integers(1, 3))
    def claim(self, pick: int, number: int) -> None:
        """Messages wake workers; they may come late and twice."""
        for place in range(pick, pick + number):
            self.claim_by(*choose(self.messages[-6:], place))

    def claim_by(self, job_id: int, dispatch_id: uuid.UUID) -> None:
        job = SyncJob.objects.filter(pk=job_id, status="queued", dispatch_id=dispatch_id).first()
        is_free = job is not None and not self.is_taken(job.concurrency_key)
        claimed = claim_job(job_id, dispatch_id, WORKER)
        assert (claimed is not None) == is_free
        if claimed is not None:
            self.owners.append(claimed)

    def is_taken(self, key: str) -> bool:
        return bool(key) and SyncJob.objects.filter(status="started", concurrency_key=key).exists()

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS)
    def renew(self, pick: int) -> None:
        owned = choose(self.owners[-6:], pick)
        assert renew_lease(owned.pk, owned.fence) == is_owned(owned)
        self.world.lost.discard((owned.pk, owned.fence))

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS, new=st.sampled_from(ENDS))
    def end(self, pick: int, new: Status) -> None:
        owned = choose(self.owners[-6:], pick)
        self.finish(owned, new, lambda: end_attempt(owned, new, reason="", now=db_now(), took_seconds=0.1))

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        owned = choose(self.owners[-6:], pick)
        now = db_now()
        self.finish(
            owned, Status.QUEUED, lambda: release_job(owned, reason="worker shutdown", now=now, took_seconds=0.1)
        )

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS, failure=st.sampled_from(FAILURES), made_progress=st.booleans())
    def fail(self, pick: int, failure: tuple[str, bool], made_progress: bool) -> None:
        owned = choose(self.owners[-6:], pick)
        failure_class, retryable = failure
        told = {"class": failure_class, "code": "gone", "message": "it is gone", "hint": "", "retryable": retryable}
        has_retry = retryable and (made_progress or owned.retry_count < owned.max_retries)
        new = Status.ERROR if failure_class == "data" else Status.FAILED
        way: dict[str, Any] = {"now": db_now(), "made_progress": made_progress, "random_fraction": 0.5}
        way |= {"retry_after_seconds": 60 if failure_class == "rate_limited" else None, "took_seconds": 0.1}
        self.finish(owned, new, lambda: fail_attempt(owned, told, **way), has_retry=has_retry)

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS, number=st.integers(2, 4), is_complete=st.booleans())
    def relay(self, pick: int, number: int, is_complete: bool) -> None:
        """Make child jobs; where it is not complete, the worker goes on without having ended the parent."""
        owned = choose(self.owners[-6:], pick)
        children = [{"title": f"Child {place}"} for place in range(number)]
        if not is_owned(owned):
            with pytest.raises((StatusConflict, SyncJob.DoesNotExist)):
                create_children(owned, children, db_now())
            return
        before = owned.children.count()
        assert create_children(owned, children, db_now()) == max(before, number)
        if is_complete:
            new = Status.RELAYED
            self.finish(owned, new, lambda: end_attempt(owned, new, reason="", now=db_now(), took_seconds=0.1))

    @precondition(lambda self: self.owners)
    @rule(pick=PICKS)
    def die(self, pick: int) -> None:
        self.world.let_lease_run_out(choose(self.owners[-6:], pick))

    @rule(passes=st.sampled_from(["seconds", "seconds", "retry times", "leases"]))
    def let_time_pass(self, passes: str) -> None:
        if passes == "leases":  # all workers were silent
            self.world.let_all_leases_run_out()
        if passes == "retry times":
            due = self.world.let_retries_be_due()
            assert requeue_due_retries(db_now()) == due
        else:
            lost = self.world.count_lost()
            assert reap_expired_leases(db_now()) == lost
