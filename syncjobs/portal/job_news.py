"""Whether a job's page has news: one query each, whose text stands here since it is asked again and again.

Django would need longer to make these texts than a database to answer them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from syncjobs.operations.visible import sees_job_type
from syncjobs.portal.paging import LARGEST_ID
from syncjobs.statuses import Status

CLOCK_SECONDS = 15
STATE = """
    SELECT job_type_id, token, status, EXISTS (SELECT 1 FROM syncjobs_syncjob WHERE parent_id = job.id),
        (SELECT max(id) FROM syncjobs_joblog WHERE job_id = job.id),
        version, attempt, phase, counts, total_estimate, cancel_requested_at, pause_requested_at,
        (SELECT max(id) FROM syncjobs_change WHERE job_id = job.id),
        (SELECT max(id) FROM syncjobs_jobevent WHERE job_id = job.id)
    FROM syncjobs_syncjob job WHERE id = %s
"""
LINES = """
    SELECT job_type_id, token, status, (SELECT max(id) FROM syncjobs_joblog WHERE job_id = job.id)
    FROM syncjobs_syncjob job WHERE id = %s
"""


class JobState(NamedTuple):
    """Which job it is, as no other is called; what changes whenever its log does or it ends; and its whole page."""

    token: str = ""
    log_mark: str = ""
    state: str = ""


def read_state(job_id: int, now: datetime) -> JobState:
    """All of it for a job that is started and has no children; of others no `state`, and nothing of one unknown.

    What the clock alone moves, such as the time taken, is shown anew every CLOCK_SECONDS.
    """
    row = _row(STATE, job_id)
    if row is None:
        return JobState()
    token, status, has_children, last_line, *_ = row
    is_told = status == Status.STARTED.value and not has_children
    state = f"{row} {int(now.timestamp()) // CLOCK_SECONDS}" if is_told else ""
    return JobState(str(token), f"{status}{last_line or 0}", state)


class LogState(NamedTuple):
    """Which job it is, whether it is started, and its last line."""

    token: str = ""
    is_started: bool = False
    last_line: int = 0


def read_log_state(job_id: int) -> LogState:
    """How far a job's log has come; nothing of one unknown."""
    row = _row(LINES, job_id)
    return LogState(str(row[0]), row[1] == Status.STARTED.value, row[2] or 0) if row else LogState()


def _row(query: str, job_id: int) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(query, [min(job_id, LARGEST_ID)])
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found[1:] if found and sees_job_type(found[0]) else None
