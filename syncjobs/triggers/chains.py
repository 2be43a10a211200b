"""Starts what ended jobs have asked for by their chains: each once, whoever is killed, and says why if not."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import Error as DatabaseProblem
from django.db import transaction

from syncjobs.chain_paths import MOST_STEPS
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.models import Chain, ChainStart, SyncJob
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.run_requests import NOT_RUN
from syncjobs.statuses import FINAL, Status, Trigger

logger = logging.getLogger("syncjobs.chains")
AT_ONCE = 100
LOOK_AT_CHILDREN_EVERY = timedelta(seconds=2)
State = ChainStart.State


def tick(now: datetime) -> int:
    """Answer what is due; returns how many were answered. Idempotent, and safe beside another dispatcher."""
    waiting = ChainStart.objects.filter(state=State.WAITING, due_at__lte=now)
    return sum(_answer(pk, now) for pk in waiting.order_by("due_at", "pk").values_list("pk", flat=True)[:AT_ONCE])


def _answer(start_id: int, now: datetime) -> bool:
    """The job and the note that it was started are one transaction: both are there, or neither."""
    with transaction.atomic():
        waiting = ChainStart.objects.select_for_update(skip_locked=True, of=("self",))
        start = waiting.select_related("chain__to_type", "job").filter(pk=start_id, state=State.WAITING).first()
        if start is None:
            return False  # another dispatcher has it
        if _has_active_children(start.job):
            ChainStart.objects.filter(pk=start.pk).update(due_at=now + LOOK_AT_CHILDREN_EVERY)
            return False
        start.state, start.reason = _judge(start)
        if start.state == State.STARTED:
            _start(start)
        crash_here("mid_chain")
        start.save(update_fields=["state", "reason", "started_job"])
    return True


def _has_active_children(job: SyncJob) -> bool:
    if job.status != Status.RELAYED:
        return False
    children = job.children.order_by()
    return children.exclude(status__in=FINAL).exists() or children.filter(retry_after__isnull=False).exists()


def _judge(start: ChainStart) -> tuple[State, str]:
    """Whether the chain fits the way in which the job has ended, its children included."""
    counts, failed = start.job.tally, 0
    if start.job.status == Status.RELAYED:
        children = SyncJob.objects.children_summary(start.job_id)
        counts, failed = Counts.from_dict(children["counts"]), children["failed"]
    if failed and start.chain.when != Chain.When.ALWAYS:
        told = f"{failed} of its child jobs did not succeed; it is looked at again when they are retried"
        return State.CHILDREN_FAILED, told
    if start.chain.when == Chain.When.CHANGE and not counts.changed:
        return State.NOT_STARTED, "nothing was inserted, updated or deleted"
    if _steps_before(start.job_id) >= MOST_STEPS:
        return State.NOT_STARTED, f"it would be more than {MOST_STEPS} chains after the job that began"
    return State.STARTED, ""


def _steps_before(job_id: int | None) -> int:
    """By how many chains, one after the other, the job was brought about."""
    steps = 0
    while steps < MOST_STEPS and job_id is not None:
        job_id = ChainStart.objects.filter(started_job=job_id).values_list("job_id", flat=True).first()
        steps += job_id is not None
    return steps


def _start(start: ChainStart) -> None:
    job, to_type = start.job, start.chain.to_type
    try:
        with transaction.atomic():
            start.started_job = run_job_type(
                to_type,
                trigger=Trigger.CHAIN,
                actor=f"chain from #{job.pk}",
                triggered_by_document_type=SyncJob._meta.label,
                triggered_by_document_name=str(job.pk),
                trigger_document_timestamp=job.ended_at,
            )
    except NOT_RUN as refusal:
        start.state, start.reason = State.NOT_STARTED, str(refusal)[:300]
        logger.warning("Job #%s does not start %s: %s", job.pk, to_type.slug, refusal, extra={"sync_id": job.pk})
    except DatabaseProblem:
        raise
    except Exception as error:  # a bug; the others shall start all the same, and this one is not tried for ever
        start.state, start.reason = State.NOT_STARTED, f"it broke off: {type(error).__name__}; the log says more"
        logger.error("Job #%s cannot start %s: %s", job.pk, to_type.slug, error, exc_info=error)
    else:
        logger.info("Job #%s starts %s as job #%s", job.pk, to_type.slug, start.started_job.pk)
