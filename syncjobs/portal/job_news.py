"""Whether a job's page has news: one query each, whose text stands here since it is asked again and again.

Django would need longer to make these texts than a database to answer them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from syncjobs.portal.paging import LARGEST_ID
from syncjobs.statuses import Status

CLOCK_SECONDS = 15
STATE = """
    SELECT token, status, EXISTS (SELECT 1 FROM syncjobs_syncjob WHERE parent_id = job.id), version, attempt, phase,
        counts, total_estimate, cancel_requested_at, pause_requested_at,
        (SELECT max(id) FROM syncjobs_joblog WHERE job_id = job.id),
        (SELECT max(id) FROM syncjobs_change WHERE job_id = job.id),
        (SELECT max(id) FROM syncjobs_jobevent WHERE job_id = job.id)
    FROM syncjobs_syncjob job WHERE id = %s
"""
LINES = """
    SELECT token, status, EXISTS (SELECT 1 FROM syncjobs_joblog WHERE job_id = job.id AND id > %s)
    FROM syncjobs_syncjob job WHERE id = %s
"""


class JobState(NamedTuple):
    """Which job it is, as no other is called, and what changes whenever its page does, where so few columns tell."""

    token: str = ""
    state: str = ""


def read_state(job_id: int, now: datetime) -> JobState:
    """The state of a job that is started and has no children; of others only the token, and nothing of one unknown.

    What the clock alone moves, such as the time taken, is shown anew every CLOCK_SECONDS.
    """
    row = _row(STATE, [job_id])
    if row is None:
        return JobState()
    token, status, has_children, *_ = row
    is_told = status == Status.STARTED.value and not has_children
    return JobState(str(token), f"{row} {int(now.timestamp()) // CLOCK_SECONDS}" if is_told else "")


class LogState(NamedTuple):
    """Which job it is, and whether it is started and has written no line since."""

    token: str = ""
    is_silent: bool = False


def read_log_state(job_id: int, after: int) -> LogState:
    """What became of a job's log after this line."""
    row = _row(LINES, [after, job_id])
    if row is None:
        return LogState()
    token, status, has_newer = row
    return LogState(str(token), status == Status.STARTED.value and not has_newer)


def _row(query: str, numbers: list[int]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(query, [min(number, LARGEST_ID) for number in numbers])
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found
