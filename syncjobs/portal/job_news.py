"""Whether the page of a started job has news: one query, whose text stands here since it is asked again and again."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef

from syncjobs.models import JobLog, SyncJob
from syncjobs.portal.paging import LARGEST_ID
from syncjobs.statuses import Status

CLOCK_SECONDS = 15
STATE = """
    SELECT token, version, attempt, phase, counts, total_estimate, cancel_requested_at, pause_requested_at,
        (SELECT max(id) FROM syncjobs_joblog WHERE job_id = job.id),
        (SELECT max(id) FROM syncjobs_change WHERE job_id = job.id),
        (SELECT max(id) FROM syncjobs_jobevent WHERE job_id = job.id)
    FROM syncjobs_syncjob job
    WHERE id = %s AND status = %s AND NOT EXISTS (SELECT 1 FROM syncjobs_syncjob WHERE parent_id = job.id)
"""  # Django would need longer to make this text than a database to answer it


class JobState(NamedTuple):
    """Which job it is, as no other is called, and what changes whenever its page does; both empty if not started."""

    token: str = ""
    state: str = ""


def state_of_started(job_id: int, now: datetime) -> JobState:
    """The state of a job that is started and has no children, in one query.

    What the clock alone moves, such as the time taken, is shown anew every CLOCK_SECONDS.
    """
    with connection.cursor() as cursor:
        cursor.execute(STATE, [min(job_id, LARGEST_ID), Status.STARTED.value])
        row = cursor.fetchone()
    return JobState(str(row[0]), f"{row} {int(now.timestamp()) // CLOCK_SECONDS}") if row else JobState()


def lines_after(job_id: int, after: int) -> tuple[str, bool]:
    """A job's token, if it is started, and whether it wrote lines since that one; one query, which reads no job."""
    newer = Exists(JobLog.objects.filter(job=OuterRef("pk"), pk__gt=after))
    started = SyncJob.objects.filter(pk=min(job_id, LARGEST_ID), status=Status.STARTED.value)
    token, has_newer = started.annotate(newer=newer).values_list("token", "newer").first() or ("", True)
    return str(token), has_newer
