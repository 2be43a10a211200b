"""Everything that may be done to a job in each state, by whoever may do it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from syncjobs.clock import db_now
from syncjobs.lifecycle import (
    admit_job,
    admit_jobs,
    claim_job,
    end_attempt,
    fail_attempt,
    reap_expired_leases,
    release_job,
    renew_lease,
    requeue_due_retries,
)
from syncjobs.lifecycle.admission import Admitted
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.bulk_actions import act_on_jobs
from syncjobs.operations.job_type_states import pause_job_type
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
from syncjobs.statuses import Status
from tests.lifecycle.factories import see_worker
from tests.operations.histories import FAILURE, WORKER, end, failed_job, queued_job, relayed_job, start, started_job
from tests.state_machine.world import LONG_AGO

Verb: TypeAlias = Callable[[SyncJob], object]

# 1. States to begin from


def pending() -> SyncJob:
    return queued_job(queue_on_insert=False)


def unsent() -> SyncJob:
    see_worker("default", name=WORKER)
    return queued_job()


def sent() -> SyncJob:
    job = queued_job()
    assert isinstance(admit_job(job.pk, db_now()), Admitted)
    job.refresh_from_db()
    return job


def silent() -> SyncJob:
    """Started, and its worker has been silent past its lease."""
    job = started_job()
    SyncJob.objects.filter(pk=job.pk).update(lease_until=LONG_AGO)
    return job


def paused() -> SyncJob:
    job = started_job()
    pause_job(job.pk, actor="ann")
    return end(job, Status.PAUSED)


def held() -> SyncJob:
    return end(started_job(), Status.HELD)


def due() -> SyncJob:
    """Failed, and the time of its retry has come."""
    job = failed_job()
    SyncJob.objects.filter(pk=job.pk).update(retry_after=LONG_AGO)
    return job


def in_error() -> SyncJob:
    return end(started_job(), Status.ERROR)


def finished() -> SyncJob:
    return end(started_job(), Status.FINISHED)


def failed_child() -> SyncJob:
    """The first child of a relay; its siblings are done."""
    children = list(relayed_job().children.order_by("position"))
    for child in children[1:]:
        end(start(child), Status.FINISHED)
    return end(start(children[0]), Status.ERROR)


def sent_child() -> SyncJob:
    child = relayed_job().children.get(position=1)
    assert isinstance(admit_job(child.pk, db_now()), Admitted)
    child.refresh_from_db()
    return child


# 2. Verbs


def claim(job: SyncJob) -> object:
    assert job.dispatch_id is not None
    return claim_job(job.pk, job.dispatch_id, WORKER)


def finish(job: SyncJob) -> object:
    return end_attempt(job, Status.FINISHED, reason="", now=db_now(), took_seconds=0.1)


def fail(job: SyncJob) -> object:
    return fail_attempt(
        job,
        FAILURE,
        now=db_now(),
        made_progress=False,
        retry_after_seconds=None,
        random_fraction=0.5,
        took_seconds=0.1,
    )


def give_back(job: SyncJob) -> object:
    return release_job(job, reason="worker shutdown", now=db_now(), took_seconds=0.1)


def stop_at_pause(job: SyncJob) -> object:
    return end_attempt(job, Status.PAUSED, reason="paused", now=db_now(), took_seconds=0.1)


def renew(job: SyncJob) -> object:
    return renew_lease(job.pk, job.fence)


def reap(job: SyncJob) -> object:
    return reap_expired_leases(db_now())


def admit(job: SyncJob) -> object:
    return admit_jobs(db_now())


def requeue(job: SyncJob) -> object:
    return requeue_due_retries(db_now())


def pause_type(job: SyncJob) -> object:
    return pause_job_type(SyncJobType.objects.get(pk=job.job_type_id), actor="ann")


def retry_siblings(job: SyncJob) -> object:
    assert job.parent_id is not None
    return retry_children(job.parent_id, actor="ann")


def cancel_siblings(job: SyncJob) -> object:
    assert job.parent_id is not None
    return cancel_children(job.parent_id, actor="ann")


def delete_parent(job: SyncJob) -> object:
    assert job.parent_id is not None
    return delete_job(job.parent_id, actor="ann")


def by_person(operation: Callable[..., object]) -> Verb:
    return lambda job: operation(job.pk, actor="ann")


def in_bulk(action: str) -> Verb:
    return lambda job: act_on_jobs([job.pk], action, actor="bob").done


VERBS: dict[str, Verb] = {
    "admit": admit,
    "claim": claim,
    "finish": finish,
    "fail": fail,
    "give back": give_back,
    "stop at pause": stop_at_pause,
    "renew": renew,
    "reap": reap,
    "requeue": requeue,
    "pause type": pause_type,
    "retry siblings": retry_siblings,
    "cancel siblings": cancel_siblings,
    "delete parent": delete_parent,
    "start": by_person(start_job),
    "cancel": by_person(cancel_job),
    "pause": by_person(pause_job),
    "resume": by_person(resume_job),
    "retry": by_person(retry_job),
    "restart": by_person(restart_job),
    "approve": by_person(approve_job),
    "discard": by_person(discard_job),
    "delete": by_person(delete_job),
    "bulk cancel": in_bulk("cancel"),
    "bulk retry": in_bulk("retry"),
    "bulk delete": in_bulk("delete"),
}
LEGAL: dict[Callable[[], SyncJob], str] = {
    pending: "start, cancel, delete, bulk cancel",
    unsent: "admit, cancel, pause, pause type, bulk cancel",
    sent: "claim, cancel, pause, pause type, bulk cancel",
    silent: "finish, fail, give back, stop at pause, renew, reap, cancel, pause, bulk cancel",
    paused: "resume, restart, cancel, delete, bulk delete",
    held: "approve, discard, delete",
    due: "requeue, retry, restart, cancel, bulk retry",
    in_error: "retry, restart, cancel, delete, bulk retry",
    finished: "restart, delete",
    failed_child: "retry, cancel, retry siblings, delete parent",
    sent_child: "claim, cancel, pause, cancel siblings",
}
