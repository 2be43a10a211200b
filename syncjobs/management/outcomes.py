"""Tells at a terminal what became of a job: at once, or after waiting for its end. Changes nothing."""

from __future__ import annotations

import sys

from syncjobs.clock import db_now
from syncjobs.dispatch import BROKER_DOWN
from syncjobs.lifecycle import wait_text
from syncjobs.management.following import ProgressLine, has_ended_well, look_up, wait_for_news, wait_until_done
from syncjobs.management.job_texts import end_line, failure_lines
from syncjobs.management.terminal import FAILED, Terminal
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import describe_job
from syncjobs.statuses import Status

NEWS_SECONDS = 1.0


def find_job(job_id: int) -> SyncJob:
    """The job. Raises SyncJob.DoesNotExist in words for a person."""
    try:
        return look_up(job_id)
    except SyncJob.DoesNotExist:
        raise SyncJob.DoesNotExist(f"There is no job #{job_id}; list the newest with: manage.py sync list") from None


def wait_for(terminal: Terminal, job_id: int) -> SyncJob:
    """The job when it is done for good. Ctrl-C (KeyboardInterrupt) ends the waiting only, and says so."""
    progress = ProgressLine(sys.stderr)
    try:
        return wait_until_done(job_id, progress, terminal.warn)
    except KeyboardInterrupt:
        progress.clear()
        terminal.warn(f"Job #{job_id} goes on without this command; see it with: manage.py sync show {job_id}")
        raise


def tell_end(terminal: Terminal, job: SyncJob, *, as_json: bool) -> int:
    """How it ended, and why if it failed; returns the exit code."""
    if as_json:
        terminal.write_json(describe_job(job))
    else:
        terminal.write(end_line(job, db_now()))
    return judge_end(terminal, job)


def judge_end(terminal: Terminal, job: SyncJob) -> int:
    for line in failure_lines(job):
        terminal.warn(line)
    return 0 if has_ended_well(job) else FAILED


def leave(terminal: Terminal, job_id: int, *, as_json: bool) -> None:
    """Say where the job stands now, what keeps it from running, and where to look later."""
    job = wait_for_news(job_id, NEWS_SECONDS)
    if as_json:
        terminal.write_json(describe_job(job))
    else:
        terminal.write(f"Job #{job.pk} {job.title} is {job.status}; {_what_comes(job)}")
    if reason := wait_text(job) or known_outage():
        terminal.warn(f"Warning: job #{job.pk} waits: {reason}")


def _what_comes(job: SyncJob) -> str:
    if job.status == Status.PENDING:
        return f"start it with: manage.py sync start {job.pk}"
    return f"see it with: manage.py sync show {job.pk}"


def known_outage() -> str:
    """What the dispatcher says of the broker at other jobs, before it has come to the newest; empty if it is there."""
    is_away = SyncJob.objects.filter(status=Status.QUEUED.value, wait_reason=BROKER_DOWN).exists()
    return BROKER_DOWN if is_away else ""
