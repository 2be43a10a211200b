"""How the parts of a job read from outside, as dictionaries of JSON values. Reads only."""

from __future__ import annotations

from typing import Any

from syncjobs.models import Attempt, Change, JobEvent, JobLog, Reject
from syncjobs.operations.descriptions import moment_text
from syncjobs.operations.failure_clusters import Cluster
from syncjobs.operations.records import Sighting
from syncjobs.operations.rejects import RejectGroup


def describe_change(change: Change) -> dict[str, Any]:
    """`fields` is {name: [old, new]}."""
    return {
        "id": change.pk,
        "stream": change.stream,
        "key": change.key,
        "operation": change.operation,
        "fields": change.fields,
    }


def describe_reject(reject: Reject) -> dict[str, Any]:
    return {
        "id": reject.pk,
        "job": reject.job_id,
        "stream": reject.stream,
        "key": reject.key,
        "field": reject.field or None,
        "code": reject.code,
        "message": reject.message,
        "state": reject.state,
        "record": reject.values,
        "is_whole": reject.is_whole,
        "created_at": moment_text(reject.created_at),
        "closed_at": moment_text(reject.closed_at),
        "closed_by_job": reject.closed_by_job_id,
        "closed_by": reject.closed_by or None,
        "closing_reason": reject.closing_reason or None,
    }


def describe_group(group: RejectGroup) -> dict[str, Any]:
    """Rejects with one reason; the sample is the newest."""
    return {
        "stream": group.stream,
        "code": group.code,
        "field": group.field or None,
        "reason": group.pattern,
        "fingerprint": group.sample.fingerprint,
        "number": group.number,
        "first_at": moment_text(group.first_at),
        "last_at": moment_text(group.last_at),
        "sample": describe_reject(group.sample),
    }


def describe_cluster(one: Cluster) -> dict[str, Any]:
    """Jobs that failed by one cause."""
    return {
        "fingerprint": one.fingerprint,
        "jobs": one.number,
        "first_at": moment_text(one.first_at),
        "last_at": moment_text(one.last_at),
        "failure_class": one.failure_class,
        "code": one.code,
        "cause": one.cause,
        "message": one.pattern,
        "hint": one.hint,
        "newest_job": one.sample.pk,
        "job_types": [{"job_type": slug, "jobs": number} for slug, _, number in one.types],
    }


def describe_line(line: JobLog) -> dict[str, Any]:
    return {
        "id": line.pk,
        "attempt": line.attempt,
        "level": line.level,
        "message": line.message,
        "fields": line.fields,
        "created_at": moment_text(line.created_at),
    }


def describe_event(event: JobEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "old": event.old or None,
        "new": event.new,
        "reason": event.reason,
        "actor": event.actor,
        "created_at": moment_text(event.created_at),
    }


def describe_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "worker": attempt.worker,
        "started_at": moment_text(attempt.started_at),
        "ended_at": moment_text(attempt.ended_at),
        "outcome": attempt.outcome or None,
        "failure": attempt.failure,
        "counts": attempt.counts,
        "phase_seconds": attempt.phase_seconds,
    }


def describe_sighting(one: Sighting) -> dict[str, Any]:
    """What a job had to do with a record."""
    return {
        "kind": one.kind,
        "job": one.job.pk,
        "job_type": one.job.job_type.slug,
        "status": one.job.status,
        "dry_run": one.job.dry_run,
        "at": moment_text(one.at),
        "stream": one.stream,
        "key": one.key,
        "operation": one.operation or None,
        "fields": one.fields,
        "message": one.message or None,
        "state": one.state or None,
    }
