"""Rejects: looked at in groups, replayed through today's mapping, dismissed. Writes records only by a job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Min, Q

from syncjobs.clock import db_now
from syncjobs.lifecycle import NewJob, create_job
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import Reject, SyncJob, SyncJobType
from syncjobs.models.rejects import RejectQuerySet
from syncjobs.operations.auditing import record
from syncjobs.operations.job_types import pin_version
from syncjobs.operations.run_requests import RunRefused, TypePaused
from syncjobs.operations.visible import visible_rejects
from syncjobs.statuses import Trigger
from syncjobs.stream_naming import stream_columns
from syncjobs.stream_schemas import MOST_REJECTS

LONGEST_REASON = 300
MOST_AT_ONCE = 10_000
OF_THE_TARGET = ("source", "target", "key", "columns", "mapping", "target_schema")
"""Settings of a stream that a replay shares; the others say what is read and when, and a replay reads rejects."""


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rejects that have the same reason; `pattern` is their message without what is each record's own."""

    stream: str
    code: str
    field: str
    pattern: str
    number: int
    first_at: datetime
    last_at: datetime
    sample: Reject


def find_rejects(
    *, job: SyncJob | None = None, job_type: SyncJobType | None = None, state: str | None = None, **only: str
) -> RejectQuerySet:
    """Of a job (with its children), of a type, or all; in one state, or in any. Oldest first.

    `only` are columns and the values that they must have, such as stream, code and fingerprint.
    """
    found = visible_rejects().settled().filter(**only).order_by("pk")
    if job is not None:
        found = found.filter(Q(job=job) | Q(job__parent=job))
    if job_type is not None:
        found = found.filter(job_type=job_type, job__dry_run=False)
    return found if state is None else found.filter(state=state)


def group_rejects(rejects: RejectQuerySet, *, most: int | None = None) -> list[RejectGroup]:
    """The rejects by reason, the most frequent first, at most so many; the sample is the newest."""
    grouped = rejects.order_by().values("stream", "fingerprint")
    rows = grouped.annotate(
        number=Count("pk"), first_at=Min("created_at"), last_at=Max("created_at"), newest=Max("pk")
    ).order_by("-number", "newest")
    found = list(rows[:most])
    samples: dict[int, Reject] = {}
    for chunk in in_chunks([row["newest"] for row in found]):
        samples |= visible_rejects().in_bulk(chunk)
    return [
        _group(samples[row["newest"]], row["number"], row["first_at"], row["last_at"])
        for row in found
        if row["newest"] in samples  # it may have been deleted just now
    ]


def _group(sample: Reject, number: int, first_at: datetime, last_at: datetime) -> RejectGroup:
    return RejectGroup(
        stream=sample.stream,
        code=sample.code,
        field=sample.field,
        pattern=sample.pattern,
        number=number,
        first_at=first_at,
        last_at=last_at,
        sample=sample,
    )


def replay_rejects(
    *,
    job: SyncJob | None = None,
    job_type: SyncJobType | None = None,
    rejects: Collection[int] | None = None,
    actor: str,
    user: User | None = None,
    trigger: Trigger = Trigger.MANUAL,
) -> SyncJob:
    """A new job that writes the records of open rejects by today's mapping; those that still do not fit stay open.

    They are those of a job (with its children), of a type, or the ones with these ids, which must be of one type.
    Raises RunRefused where there is none, or the type is paused or has such a stream no longer.
    """
    chosen = _open_ones(job, job_type, rejects)
    found = chosen.aggregate(last_id=Max("pk"), first_id=Min("pk"))
    first = visible_rejects().select_related("job", "job_type").filter(pk=found["first_id"]).first()
    if first is None:
        raise RunRefused(f"there is no open reject{_of_whom(job, job_type)} to replay")
    if chosen.exclude(job_type=first.job_type_id).exists():
        raise RunRefused("these rejects are of several job types; replay them type by type")
    kind = first.job_type
    if kind.paused_at is not None:
        raise TypePaused(kind.name)
    streams = list(chosen.order_by("stream").values_list("stream", flat=True).distinct())
    snapshot = _replaying(kind.snapshot(), streams)
    jobs = None if job is None else [job.pk, *job.children.order_by("pk").values_list("pk", flat=True)]
    ids = None if rejects is None else sorted(rejects)
    snapshot["replay"] = {"last_id": found["last_id"], "jobs": jobs, "rejects": ids}
    columns = stream_columns(snapshot)
    new = NewJob(
        title=f"Replay of rejects: {columns.pop('title')}",
        concurrency_key=columns.pop("concurrency_key"),
        trigger=trigger,
        actor=actor,
        user=user,
        snapshot=snapshot,
        overrides=columns | {"replay_of": job or first.job},
    )
    with transaction.atomic():
        replaying = create_job(kind, pin_version(kind, actor=actor), new, db_now())
        about = {"replayed_as": replaying.pk, "streams": streams, "rejects": "all open ones" if ids is None else ids}
        record("reject.replay", job or kind, after=about, actor=actor)
    return replaying


def dismiss_rejects(
    *,
    job: SyncJob | None = None,
    job_type: SyncJobType | None = None,
    rejects: Collection[int] | None = None,
    actor: str,
    reason: str,
) -> int:
    """Close open rejects without writing their records; `reason` says why that is right. Returns how many."""
    if not reason.strip():
        raise RunRefused("say why these rejects need nothing more")
    with transaction.atomic():
        chosen = _open_ones(job, job_type, rejects)
        kinds = list(SyncJobType.objects.filter(pk__in=chosen.order_by().values("job_type")))
        number = Reject.objects.filter(pk__in=chosen.values("pk")).update(
            state=Reject.State.DISMISSED,
            closed_at=db_now(),
            closed_by=actor[:150],
            closing_reason=reason.strip()[:LONGEST_REASON],
        )
        if number:
            about = {"dismissed": number, "job_types": [kind.slug for kind in kinds]}
            about |= {} if rejects is None else {"rejects": sorted(rejects)}
            thing = job or job_type or (kinds[0] if len(kinds) == 1 else None)
            record("reject.dismiss", thing, after=about, actor=actor, reason=reason.strip())
    return number


def open_reject_ids(
    *, job: SyncJob | None, job_type: SyncJobType | None, rejects: Collection[int] | None, **only: str
) -> list[int]:
    """Those that somebody may do something about: of these ids, job, type and columns; the oldest 10,000."""
    found = find_rejects(job=job, job_type=job_type, state=Reject.State.OPEN.value, **only)
    found = found.filter(job__dry_run=False)
    if rejects is not None:
        found = found.filter(pk__in=rejects)
    return list(found.values_list("pk", flat=True)[:MOST_AT_ONCE])


def _open_ones(job: SyncJob | None, job_type: SyncJobType | None, rejects: Collection[int] | None) -> RejectQuerySet:
    if job is None and job_type is None and rejects is None:
        raise RunRefused("say of which job or job type the rejects are")
    found = find_rejects(job=job, job_type=job_type).filter(pk__in=Reject.objects.waiting().values("pk"))
    return found if rejects is None else found.filter(pk__in=list(rejects))


def _of_whom(job: SyncJob | None, job_type: SyncJobType | None) -> str:
    if job is not None:
        return f" of job #{job.pk}"
    return f" of {job_type.slug}" if job_type is not None else ""


def _replaying(snapshot: dict[str, Any], sources: list[str]) -> dict[str, Any]:
    """The type's snapshot for a job that reads rejects of these streams and may reject any number again."""
    streams = {stream["source"]: stream for stream in snapshot["config"].get("streams", ())}
    if gone := [source for source in sources if source not in streams]:
        raise RunRefused(f"{snapshot['slug']} no longer has the stream {', '.join(gone)}; dismiss its rejects")
    config = snapshot["config"] | {"streams": [_replay_stream(streams[source]) for source in sources]}
    return snapshot | {"config": config, "guards": {"min_source_rows": 0}}


def _replay_stream(stream: dict[str, Any]) -> dict[str, Any]:
    """The stream's mapping and target. Whatever its mode, a replay only adds and updates: it never has all records."""
    kept = {name: stream[name] for name in OF_THE_TARGET if name in stream}
    kept["mode"] = "upsert" if kept.get("key") and stream.get("mode") != "append" else "append"
    return kept | {"on_reject": {"policy": "quarantine", "max": MOST_REJECTS}}
