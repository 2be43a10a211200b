"""What people and programs ask of jobs, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from syncjobs.clock import db_now
from syncjobs.lifecycle import NewJob, StatusConflict, allowed_actions, create_job, statuses_that_allow
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.bulk_actions import ALL_ACTIONS, act_on_jobs
from syncjobs.operations.job_type_states import JobTypeStateConflict, pause_job_type, resume_job_type
from syncjobs.operations.job_types import pin_version
from syncjobs.operations.jobs import (
    approve_job,
    cancel_children,
    cancel_job,
    delete_job,
    discard_job,
    pause_job,
    restart_job,
    resume_job,
    retry_children,
    retry_job,
    start_job,
)
from syncjobs.statuses import Status, Trigger, can_move
from tests.state_machine.machine_base import PICKS, JobMachine
from tests.state_machine.world import choose

VERBS: dict[str, tuple[Callable[..., SyncJob], Status]] = {
    "start": (start_job, Status.QUEUED),
    "pause": (pause_job, Status.PAUSED),
    "resume": (resume_job, Status.QUEUED),
    "retry": (retry_job, Status.QUEUED),
    "cancel": (cancel_job, Status.CANCELED),
    "approve": (approve_job, Status.QUEUED),
    "discard": (discard_job, Status.CANCELED),
}
NOT_OVER = ("queued", "started", "paused", "held")


class People(JobMachine):
    """Rules for those who ask."""

    @rule(
        pick=PICKS,
        key=st.sampled_from(["", "", "one target", "another target"]),
        dedupe_key=st.sampled_from(["", "", "once"]),
        is_queued=st.booleans(),
        force=st.booleans(),
    )
    def create(self, pick: int, key: str, dedupe_key: str, is_queued: bool, force: bool) -> None:
        job_type = choose(self.types, pick)
        waiting = SyncJob.objects.filter(job_type=job_type, status__in=("pending", "queued"), attempt=0)
        is_awaited = bool(dedupe_key) and not force and waiting.filter(dedupe_key=dedupe_key).exists()
        before = SyncJob.objects.count()
        new = NewJob(
            title="A job",
            trigger=Trigger.API,
            actor="ann",
            snapshot=job_type.snapshot() | ({"force": True} if force else {}),
            concurrency_key=key,
            dedupe_key=dedupe_key,
            queue_on_insert=is_queued,
        )
        job = create_job(job_type, pin_version(job_type, actor="ann"), new, db_now())
        assert SyncJob.objects.count() == before + (not is_awaited)
        assert job.status == "queued" or not is_queued

    def choose_job(self, action: str, pick: int, is_suitable: bool) -> SyncJob:
        """Any job, or one that is likely to allow the action."""
        jobs = list(SyncJob.objects.order_by("-pk"))
        statuses = statuses_that_allow(action)
        suitable = [job for job in jobs if job.status in statuses]
        return choose(suitable if is_suitable and suitable else jobs, pick)

    @precondition(lambda self: self.world.statuses)
    @rule(pick=PICKS, action=st.sampled_from(sorted(VERBS)), is_suitable=st.sampled_from([True, True, False]))
    def act(self, pick: int, action: str, is_suitable: bool) -> None:
        job = self.choose_job(action, pick, is_suitable)
        verb, new = VERBS[action]
        if action not in allowed_actions(job):
            self.is_refused(job, lambda: verb(job.pk, actor="ann"))
            return
        after = verb(job.pk, actor="ann")
        if job.status != "started":
            assert after.status == new
            return
        assert after.status == "started"
        asked_at = after.cancel_requested_at if action == "cancel" else after.pause_requested_at
        assert asked_at is not None

    def is_refused(self, job: SyncJob, ask: Callable[[], Any]) -> None:
        """It says what is allowed instead, and leaves the job as it was."""
        with pytest.raises(StatusConflict) as conflict:
            ask()
        assert conflict.value.allowed_actions == allowed_actions(job)
        assert SyncJob.objects.get(pk=job.pk).version == job.version

    @precondition(lambda self: self.world.statuses)
    @rule(pick=PICKS, is_suitable=st.booleans(), force=st.booleans())
    def restart(self, pick: int, is_suitable: bool, force: bool) -> None:
        old = self.choose_job("restart", pick, is_suitable)
        if "restart" not in allowed_actions(old):
            self.is_refused(old, lambda: restart_job(old.pk, actor="ann", force=force))
            return
        job = restart_job(old.pk, actor="ann", force=force)
        assert job.status == "queued"
        assert job.pk != old.pk
        is_canceled = can_move(Status(old.status), Status.CANCELED)
        assert SyncJob.objects.get(pk=old.pk).status == ("canceled" if is_canceled else old.status)

    @precondition(lambda self: self.world.statuses)
    @rule(pick=PICKS, is_suitable=st.booleans())
    def delete(self, pick: int, is_suitable: bool) -> None:
        job = self.choose_job("delete", pick, is_suitable)
        has_busy_children = any(
            child.status in NOT_OVER or child.retry_after is not None for child in job.children.all()
        )
        if "delete" not in allowed_actions(job) or has_busy_children:
            self.is_refused(job, lambda: delete_job(job.pk, actor="ann"))
            return
        family = 1 + job.children.count()
        assert delete_job(job.pk, actor="ann") >= family
        assert not SyncJob.objects.filter(pk=job.pk).exists()

    @precondition(lambda self: self.world.statuses)
    @rule(pick=PICKS, is_suitable=st.sampled_from([True, True, False]), is_retry=st.booleans())
    def act_on_children(self, pick: int, is_suitable: bool, is_retry: bool) -> None:
        parent = self.choose_job("retry_children", pick, is_suitable)
        if is_retry:
            self.retry_children(parent)
        else:
            self.cancel_children(parent)

    def retry_children(self, parent: SyncJob) -> None:
        if "retry_children" not in allowed_actions(parent):
            self.is_refused(parent, lambda: retry_children(parent.pk, actor="ann"))
            return
        failed = parent.children.filter(status__in=("failed", "error"), retry_after__isnull=True).count()
        assert retry_children(parent.pk, actor="ann") == failed

    def cancel_children(self, parent: SyncJob) -> None:
        if "cancel_children" not in allowed_actions(parent):
            self.is_refused(parent, lambda: cancel_children(parent.pk, actor="ann"))
            return
        cancel_children(parent.pk, actor="ann")
        assert not parent.children.filter(status__in=("pending", "queued", "paused", "held")).exists()
        assert not parent.children.filter(retry_after__isnull=False).exists()
        assert not parent.children.filter(status="started", cancel_requested_at__isnull=True).exists()

    @precondition(lambda self: self.world.statuses)
    @rule(picks=st.lists(PICKS, min_size=1, max_size=5), action=st.sampled_from(sorted(ALL_ACTIONS)))
    def act_on_many(self, picks: list[int], action: str) -> None:
        everybody = list(SyncJob.objects.order_by("-pk"))
        jobs = {job.pk: job for job in (choose(everybody, pick) for pick in picks)}
        allowed = {pk for pk, job in jobs.items() if action in allowed_actions(job)}
        result = act_on_jobs([*jobs, 987_654], action, actor="ann")
        assert sorted([*result.done, *result.refused]) == sorted([*jobs, 987_654])
        assert set(result.done) <= allowed
        if action in VERBS:
            assert set(result.done) == allowed
            _, new = VERBS[action]
            waiting = SyncJob.objects.filter(pk__in=[pk for pk in result.done if jobs[pk].status != "started"])
            assert set(waiting.values_list("status", flat=True)) <= {new.value}

    @rule(pick=PICKS, is_pause=st.booleans())
    def switch_type(self, pick: int, is_pause: bool) -> None:
        job_type = SyncJobType.objects.get(pk=choose(self.types, pick).pk)
        if is_pause:
            self.pause_type(job_type)
        else:
            self.resume_type(job_type)

    def pause_type(self, job_type: SyncJobType) -> None:
        if job_type.paused_at is not None:
            with pytest.raises(JobTypeStateConflict):
                pause_job_type(job_type, actor="ann")
            return
        pause_job_type(job_type, actor="ann")
        assert not job_type.jobs.filter(status="queued").exists()
        assert not job_type.jobs.filter(status="started", pause_requested_at=None, cancel_requested_at=None).exists()

    def resume_type(self, job_type: SyncJobType) -> None:
        """What the pause of the type has paused goes on, what a person has paused does not."""
        if job_type.paused_at is None:
            with pytest.raises(JobTypeStateConflict):
                resume_job_type(job_type, actor="ann")
            return
        paused = job_type.jobs.filter(status="paused")
        by_type = set(paused.filter(pause_requested_at=job_type.paused_at).values_list("pk", flat=True))
        others = set(paused.values_list("pk", flat=True)) - by_type
        resume_job_type(job_type, actor="ann")
        assert set(job_type.jobs.filter(status="paused").values_list("pk", flat=True)) == others
        assert job_type.jobs.filter(pk__in=by_type, status="queued").count() == len(by_type)
