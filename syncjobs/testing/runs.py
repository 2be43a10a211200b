"""Runs a job to its end in the calling process, retries at once, and tells what became of it."""

from __future__ import annotations

import inspect
import re
import uuid
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NoReturn

from django.db import models

from syncjobs.clock import db_now
from syncjobs.controllers.base import Controller
from syncjobs.controllers.code import CodeController
from syncjobs.controllers.discovery import controller_of
from syncjobs.controllers.registry import get_controller, standing_in
from syncjobs.lifecycle import requeue_due_retries
from syncjobs.models import Change, JobLog, SyncJob, SyncJobType
from syncjobs.operations.enqueueing import enqueue_sync_job
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import run_queued_job_here, start_job
from syncjobs.statuses import Status
from syncjobs.testing.trials import BEFORE_COMMIT, ControllerOnTrial, Trial

AnyController = str | type | ModuleType


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A job as it is after its last attempt, with what it left behind."""

    job: SyncJob
    changes: list[Change]
    """Rows with `operation`, `key` and `fields`, which is {name: [old, new]}."""
    logs: list[JobLog]
    """Lines with `level` and `message`."""
    hooks: list[str]
    """The names of the hooks in the order of their calls, over all attempts."""
    children: list[FinishedRun] = field(default_factory=list)
    """A relay's child jobs, run after it in the order of their position."""


def run_sync_job(
    source_doc: models.Model | None = None,
    *,
    sync_job_type: SyncJobType | str | None = None,
    controller: AnyController | None = None,
    config: dict[str, Any] | None = None,
    fail_attempt: int | None = None,
    fail_at: str = BEFORE_COMMIT,
    with_children: bool = True,
    **asked: Any,
) -> FinishedRun:
    """Make a job and run it here, retries without their delay, then its children; no broker, no worker.

    The job is one of `sync_job_type`; or else of a type made for a `controller`, given by name, class or module, with
    this `config`, the source's document type, and a `target_document_type` among `asked`. Whatever else is `asked`
    is handed to `enqueue_sync_job`. With `fail_attempt` that attempt of each job fails on purpose at `fail_at`: after
    the hook of that name, or "before_commit"; AssertionError if none came there.

    Raises ValidationError for a type that is wrong, RuntimeError for a job that would have to wait, and what
    `enqueue_sync_job` raises.
    """
    if (sync_job_type is None) == (controller is None):
        raise TypeError("give either sync_job_type or controller")
    job_type = _find_type(sync_job_type) if sync_job_type is not None else None
    tried = get_controller(job_type.controller) if job_type is not None else _find_controller(controller)
    trial = Trial(fail_attempt, fail_at)
    with standing_in(ControllerOnTrial(tried, trial)):
        if job_type is None:
            job_type = _make_type(tried.name, config, source_doc, asked)
        job = enqueue_sync_job(sync_job_type=job_type, source_doc=source_doc, **{"retry_delay": 0} | asked)
        run = _finish(job, trial, with_children=with_children)
    trial.check()
    return run


def finish_sync_job(
    job: SyncJob, *, fail_attempt: int | None = None, fail_at: str = BEFORE_COMMIT, with_children: bool = True
) -> FinishedRun:
    """The same for a job that is there: one that your own code asked for, or that was approved or retried."""
    trial = Trial(fail_attempt, fail_at)
    with standing_in(ControllerOnTrial(get_controller(job.config_snapshot["controller"]), trial)):
        if job.status == Status.PENDING:
            job = start_job(job.pk, actor="test")
        run = _finish(job, trial, with_children=with_children)
    trial.check()
    return run


def _find_type(named: SyncJobType | str) -> SyncJobType:
    return named if isinstance(named, SyncJobType) else SyncJobType.objects.get(slug=named)


def _find_controller(given: Any) -> Controller:
    if isinstance(given, ModuleType):
        return controller_of(given, given.__name__.rpartition(".")[2])
    if inspect.isclass(given):
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", given.__name__).lower()
        return CodeController.from_code(name, f"{given.__module__}.{given.__qualname__}", given)
    return get_controller(given)


def _make_type(
    controller: str, config: dict[str, Any] | None, source_doc: models.Model | None, asked: dict[str, Any]
) -> SyncJobType:
    source = source_doc._meta.label if source_doc is not None else asked.get("source_document_type", "")
    target = asked.get("target_document_type", "")
    job_type = SyncJobType(
        slug=f"test-{uuid.uuid4().hex[:12]}",
        name=f"Test of {controller}",
        controller=controller,
        config=config or {},
        source_document_type=source,
        target_document_type=target,
    )
    return save_job_type(job_type, actor="test")


def _finish(job: SyncJob, trial: Trial, *, with_children: bool) -> FinishedRun:
    job = run_queued_job_here(job, on_wait=_refuse_to_wait)
    while job.retry_after is not None:
        now = db_now()
        SyncJob.objects.filter(pk=job.pk).update(retry_after=now)  # as if the time had passed
        requeue_due_retries(now)
        job.refresh_from_db()
        job = run_queued_job_here(job, on_wait=_refuse_to_wait)
    children = []
    if with_children and job.status == Status.RELAYED:
        children = [_finish(child, trial, with_children=True) for child in job.children.order_by("position")]
        job.refresh_from_db()
    return FinishedRun(job, list(job.changes.all()), list(job.logs.all()), trial.hooks[job.pk], children)


def _refuse_to_wait(reason: str) -> NoReturn:
    raise RuntimeError(f"the job cannot run now: {reason}")
