"""Children of a relay as lines of a table with fixed columns, and as JSON. Asks the database nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncjobs.management.job_texts import counts_text, document_text
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import status_text

_LAYOUT = "{:>9}  {:<15}  {:<9}  {:<30}  {}"
CHILD_HEADING = [_LAYOUT.format("ID", "STATUS", "OPERATION", "COUNTS", "TARGET")]


def child_line(child: SyncJob, now: datetime) -> str:
    target = document_text(child.target_document_type, child.target_document_name)
    columns = (child.pk, status_text(child, now), child.operation or "-", counts_text(child.tally), target or "-")
    return _LAYOUT.format(*columns)


def describe_child(child: SyncJob) -> dict[str, Any]:
    """What differs among the children of one job; words as in the public shape of a job."""
    return {
        "id": child.pk,
        "position": child.position,
        "status": child.status,
        "operation": child.operation or None,
        "target_document_type": child.target_document_type or None,
        "target_document_name": child.target_document_name or None,
        "attempt": child.attempt,
        "counts": child.tally.as_dict(),
        "failure": child.failure,
    }
