"""A worker makes a queued job its own: compare-and-set, a higher fence, a lease, a new attempt."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from syncjobs.clock import moment_in_sql
from syncjobs.lifecycle.statements import Statement, job_columns, read_job, run_together, stored
from syncjobs.models import Attempt, SyncJob

# "status || ''" rather than "status" keeps PostgreSQL from going by the small index of the sent jobs, which at a high
# pace is full of entries that are dead, instead of by the primary key.
CLAIM = """
    UPDATE syncjobs_syncjob SET
        status = 'started', phase = 'initializing', wait_reason = '', failure = NULL, error_message = '',
        fence = fence + 1, attempt = attempt + 1, version = version + 1,
        lease_owner = %s, lease_until = {lease_until}, heartbeat_at = {now},
        started_at = COALESCE(started_at, {now}), sent_at = COALESCE(sent_at, {now})
    WHERE id = %s AND status || '' = 'queued' AND dispatch_id = %s
    RETURNING {columns}
"""
EVENT = """
    INSERT INTO syncjobs_jobevent (job_id, old, new, reason, actor, created_at)
    SELECT id, 'queued', 'started', 'attempt ' || attempt || ' by ' || lease_owner, lease_owner, heartbeat_at
    FROM {claimed}
"""
ATTEMPT = """
    INSERT INTO syncjobs_attempt (job_id, number, worker, started_at, outcome, counts, phase_seconds)
    SELECT id, attempt, lease_owner, heartbeat_at, '', %s, %s
    FROM {claimed}
"""
OF_ATTEMPT = ("counts", "phase_seconds")
AT_ONCE = "WITH claimed AS ({claim}), event AS ({event}), attempt AS ({attempt}) SELECT {columns} FROM claimed"


def claim_job(job_id: int, dispatch_id: uuid.UUID, worker: str) -> SyncJob | None:
    """The job, now started and leased to `worker`; None if this message is stale or somebody was quicker."""
    lease_until = moment_in_sql(after=timedelta(seconds=settings.SYNCDECK_LEASE_SECONDS))
    claim = CLAIM.format(now=moment_in_sql(), lease_until=lease_until, columns=job_columns())
    values = [worker, int(job_id), stored(SyncJob, "dispatch_id", dispatch_id)]
    try:
        with _transaction():
            return _claim_at_once(claim, values) if _takes_all_at_once() else _claim_in_steps(claim, values, job_id)
    except IntegrityError:
        return None  # one_started_job_per_concurrency_key: a job of the same target is at work; ours stays queued


def _takes_all_at_once() -> bool:
    """Whether one statement can do it, which is its own transaction."""
    return connection.vendor == "postgresql"


def _transaction() -> AbstractContextManager[Any]:
    return nullcontext() if _takes_all_at_once() and not connection.in_atomic_block else transaction.atomic()


def _claim_at_once(claim: str, values: list[Any]) -> SyncJob | None:
    attempt, of_attempt = _attempt("claimed")
    event = EVENT.format(claimed="claimed")
    text = AT_ONCE.format(claim=claim, event=event, attempt=attempt, columns=job_columns())
    return read_job((text, [*values, *of_attempt]))


def _claim_in_steps(claim: str, values: list[Any], job_id: int) -> SyncJob | None:
    job = read_job((claim, values))
    if job is not None:
        claimed = "(SELECT * FROM syncjobs_syncjob WHERE id = %s)"
        attempt, of_attempt = _attempt(claimed)
        run_together((EVENT.format(claimed=claimed), [job_id]), (attempt, [*of_attempt, job_id]))
    return job


def _attempt(claimed: str) -> Statement:
    first = Attempt()
    return ATTEMPT.format(claimed=claimed), [stored(Attempt, name, getattr(first, name)) for name in OF_ATTEMPT]
