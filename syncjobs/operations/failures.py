"""Failures of one cause, done away with together."""

from __future__ import annotations

from datetime import datetime

from syncjobs.operations.bulk_actions import BulkResult, act_on_jobs
from syncjobs.operations.visible import visible_jobs

MOST_RETRIED = 1_000
"""Jobs that are queued again at once, the oldest first; whoever wants more asks again."""


def retry_failures(fingerprint: str, *, since: datetime, actor: str) -> BulkResult:
    """Queue the jobs again that failed so since then; those whose retry is not allowed any more are named."""
    alike = visible_jobs().failed_since(since).filter(failure_fingerprint=fingerprint)
    ids = list(alike.order_by("pk").values_list("pk", flat=True)[:MOST_RETRIED])
    return act_on_jobs(ids, "retry", actor=actor, reason=f"retried by {actor}, with all that failed alike")
