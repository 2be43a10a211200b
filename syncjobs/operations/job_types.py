"""Sync Job Types: make, save and run them. A run checks everything it can before there is a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from connectors.errors import ConfigError
from connectors.models import Connector, EditConflict
from syncjobs.clock import db_now
from syncjobs.controllers.registry import get_controller
from syncjobs.document_naming import document_columns
from syncjobs.lifecycle import NewJob, create_job
from syncjobs.models import JobTypeVersion, Schedule, SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.job_entries import record_job_made
from syncjobs.operations.query_rights import check_query_right
from syncjobs.operations.run_requests import RunRefused, TypeDisabled, TypePaused, check_overrides
from syncjobs.operations.visible import check_connectors, hidden_document_type, visible_connectors
from syncjobs.statuses import Trigger
from syncjobs.stream_limiting import limit_streams
from syncjobs.stream_naming import stream_columns

BY_ITSELF = frozenset({Trigger.SCHEDULER, Trigger.WEBHOOK, Trigger.DOCUMENT_HOOK, Trigger.CHAIN})
ASKED_FOR = frozenset({Trigger.MANUAL, Trigger.API, Trigger.CLI, Trigger.WEBHOOK})
"""Triggers of jobs that the audit tells of. Those of the others tell enough by themselves, and come by thousands."""
CONNECTORS = ("source_connector", "target_connector")
DOCUMENT_TYPES = ("source_document_type", "target_document_type")


class DuplicateSlot(Exception):
    """This schedule already has a job for this due time."""


class SlugTaken(ValidationError):
    """Another type has this slug, or one that differs in capitals only."""

    def __init__(self, slug: str) -> None:
        super().__init__({"slug": f"There is a job type '{slug}' already. Choose another slug."})


def job_type_from_shape(shape: dict[str, Any]) -> SyncJobType:
    """A type, not yet saved, from its public shape (DESIGN's appendix), connectors by slug.

    Raises ValidationError naming an unknown field or connector.
    """
    known = {field.name for field in SyncJobType._meta.get_fields()}
    if unknown := sorted(set(shape) - known):
        raise ValidationError(f"Unknown fields of a job type: {', '.join(unknown)}.")
    values = dict(shape)
    for name in CONNECTORS:
        if values.get(name) is not None:
            values[name] = _connector(name, values[name])
    return SyncJobType(**values)


def _connector(field: str, slug: str) -> Connector:
    found = visible_connectors().filter(slug=slug).first()
    if found is None:
        raise ValidationError({field: f"There is no connector '{slug}'."})
    return found


def save_job_type(job_type: SyncJobType, *, actor: str, user: User | None = None, reason: str = "") -> SyncJobType:
    """Validate and save as the next version. Raises ValidationError, and EditConflict if it was edited meanwhile.

    `user` is the person whose rights count; None is the system's operator, who may write custom queries.
    """
    check_job_type(job_type, user=user)
    with _telling_taken_slugs(job_type), transaction.atomic():
        before = SyncJobType.objects.select_related(*CONNECTORS).filter(pk=job_type.pk).first()
        if job_type.pk is not None:
            same = SyncJobType.objects.filter(pk=job_type.pk, version=job_type.version)
            if not same.update(version=F("version") + 1):
                raise EditConflict(f"{job_type.slug} was changed by someone else; load it again")
            job_type.version += 1
        job_type.save()
        pin_version(job_type, actor=actor)
        verb, old = ("job_type.update", type_values(before)) if before else ("job_type.create", None)
        record(verb, job_type, before=old, after=type_values(job_type), actor=actor, reason=reason)
    return job_type


def type_values(job_type: SyncJobType) -> dict[str, Any]:
    """What the audit tells of a type."""
    return job_type.snapshot() | {"version": job_type.version}


def check_job_type(job_type: SyncJobType, *, user: User | None = None) -> None:
    """Raise ValidationError where `save_job_type` would."""
    if job_type._state.adding and (taken := SyncJobType.objects.filter(slug__iexact=job_type.slug).first()):
        raise SlugTaken(taken.slug)
    job_type.full_clean()
    check_connectors(job_type)
    check_query_right(job_type, user)


@contextmanager
def _telling_taken_slugs(job_type: SyncJobType) -> Iterator[None]:
    """For the case that somebody makes a type of the same slug at the same moment."""
    is_new = job_type.pk is None
    try:
        yield
    except IntegrityError as error:
        if is_new:
            raise SlugTaken(job_type.slug) from error
        raise


def pin_version(job_type: SyncJobType, *, actor: str) -> JobTypeVersion:
    """The row of the type's present version; written now if the type was saved by other means than save_job_type."""
    version, _ = JobTypeVersion.objects.get_or_create(
        job_type=job_type,
        number=job_type.version,
        defaults={"snapshot": job_type.snapshot(), "created_by": actor},
    )
    return version


def run_job_type(
    job_type: SyncJobType,
    *,
    trigger: Trigger,
    actor: str,
    user: User | None = None,
    endpoints: Sequence[str] | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    batch_size: int | None = None,
    dry_run: bool = False,
    context: dict[str, Any] | None = None,
    schedule: Schedule | None = None,
    due_at: datetime | None = None,
    force: bool = False,
    dedupe_key: str = "",
    queue_on_insert: bool = True,
    **overrides: Any,
) -> SyncJob:
    """Create a job of the type, limited to `endpoints` (its streams' names) and a range of dates if given.

    It is queued, or pending without `queue_on_insert`. While one with the same `dedupe_key` waits to begin, that one
    is returned instead, its `was_waiting` true; `force` makes a new one all the same.
    `overrides` are columns of the job: what it syncs (operation, source_document_name, …), how (queue, timeout, …; 0
    and False count), and its title. Raises RunRefused, SpecProblems (a bad limit), ConfigError (the type itself is
    wrong) and DuplicateSlot.
    """
    _refuse_if_not_startable(job_type, trigger)
    check_overrides(overrides, context)
    if hidden := hidden_document_type(*(overrides.get(name) for name in DOCUMENT_TYPES)):
        raise RunRefused(f"there is no connector for the documents '{hidden}'")
    version = pin_version(job_type, actor=actor)
    get_controller(job_type.controller)
    limits = (endpoints, start_date, end_date, batch_size)
    snapshot, columns = _what_runs(job_type, limits, overrides, dry_run=dry_run)
    if force:
        snapshot["force"] = True
    title = columns.pop("title")
    new = NewJob(
        title=overrides.pop("title", None) or title,
        concurrency_key=columns.pop("concurrency_key"),
        dedupe_key=dedupe_key,
        queue_on_insert=queue_on_insert,
        trigger=trigger,
        actor=actor,
        user=user,
        snapshot=snapshot,
        schedule=schedule,
        due_at=due_at,
        context=context or {},
        overrides={"dry_run": dry_run} | columns | overrides,
    )
    return _create(job_type, version, new)


def _what_runs(
    job_type: SyncJobType, limits: tuple[Any, ...], overrides: dict[str, Any], *, dry_run: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The type's snapshot within the limits of one run, and the job's columns that follow from it."""
    snapshot = job_type.snapshot()
    if "streams" not in snapshot["config"]:
        return snapshot, _document_columns(job_type, snapshot, overrides, dry_run=dry_run)
    zone = timezone.get_default_timezone()
    snapshot["config"] = limit_streams(snapshot["config"], *limits, zone=zone, now=db_now())
    columns = stream_columns(snapshot)
    if dry_run:  # writes nothing, so it need not wait for a writer
        columns["concurrency_key"] = ""
    return snapshot, columns


def _document_columns(
    job_type: SyncJobType, snapshot: dict[str, Any], overrides: dict[str, Any], *, dry_run: bool
) -> dict[str, Any]:
    """Title and concurrency key: by the target if it is given in advance, else by the source document."""
    given = {**_document_types(job_type), **overrides}
    side = "target" if given.get("target_document_name") else "source"
    document_type, name = given[f"{side}_document_type"], given.get(f"{side}_document_name") or ""
    return document_columns(snapshot, document_type, name, dry_run)


def _document_types(job_type: SyncJobType) -> dict[str, str]:
    return {name: getattr(job_type, name) for name in DOCUMENT_TYPES}


def _refuse_if_not_startable(job_type: SyncJobType, trigger: Trigger) -> None:
    if job_type.paused_at is not None:
        raise TypePaused(job_type.name)
    if not job_type.enabled and trigger in BY_ITSELF:
        raise TypeDisabled(job_type.name)


def _create(job_type: SyncJobType, version: JobTypeVersion, new: NewJob) -> SyncJob:
    try:
        with transaction.atomic():
            job = create_job(job_type, version, new, db_now())
            if new.trigger in ASKED_FOR and job.parent_id is None and not job.was_waiting:
                record_job_made(job, actor=new.actor)
            return job
    except IntegrityError as error:
        taken = SyncJob.objects.filter(schedule=new.schedule, due_at=new.due_at)
        if new.schedule is not None and taken.exists():
            raise DuplicateSlot(f"{new.schedule} already has a job for {new.due_at:%Y-%m-%d %H:%M:%S %Z}") from error
        raise


def config_problems(job_type: SyncJobType) -> dict[str, list[str]]:
    """What the type's controller says of its config; apps.py gives this to SyncJobType.clean."""
    try:
        controller = get_controller(job_type.controller)
    except ConfigError as error:
        return {"controller": [f"{error.message}. {error.hint}"]}
    return controller.type_problems(job_type)
