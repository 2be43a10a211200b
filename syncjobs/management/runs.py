"""`sync run`, `initial-load` and `delta`: ask for a job and, as wanted, run it here, wait for it, or leave it."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from django.utils import timezone

from syncjobs.management.following import ProgressLine, canceling_on_interrupt, showing_progress, wait_until_done
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.outcomes import leave, tell_end, wait_for
from syncjobs.management.run_options import STREAM_OPTIONS, job_columns, usage_error
from syncjobs.management.sync_arguments import FIRST_DAY
from syncjobs.management.terminal import INTERRUPTED, Terminal, quieten_console
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.default_jobs import FULL_REFRESH
from syncjobs.operations.inline_runs import run_to_the_end
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger

DELTA_DAYS = 7
PLAIN_OPTIONS = ("dry_run", "force", "queue_on_insert", *STREAM_OPTIONS)


def run_type(terminal: Terminal, *, job_type: str, **options: Any) -> int:
    return _run(terminal, find_type(job_type), **options)


def run_initial_load(terminal: Terminal, *, start_date: str | None, **options: Any) -> int:
    return _run(terminal, find_type(FULL_REFRESH), start_date=start_date or FIRST_DAY, **options)


def run_delta(terminal: Terminal, *, start_date: str | None, **options: Any) -> int:
    first_day = timezone.localdate() - timedelta(days=DELTA_DAYS)
    return _run(terminal, find_type(FULL_REFRESH), start_date=start_date or first_day.isoformat(), **options)


def _run(terminal: Terminal, job_type: SyncJobType, *, inline: bool, wait: bool, as_json: bool, **options: Any) -> int:
    """Returns the exit code."""
    if (inline or wait) and not options["queue_on_insert"]:
        raise usage_error("--no-queue leaves the job pending, so it goes with neither --inline nor --wait")
    job = _ask_for_job(job_type, options)
    if job.was_waiting:
        terminal.warn(f"Job #{job.pk} waits already with this dedupe key, so no second one was made.")
    if inline:
        return run_here(terminal, job, as_json=as_json)
    if wait:
        return tell_end(terminal, wait_for(terminal, job.pk), as_json=as_json)
    leave(terminal, job.pk, as_json=as_json)
    return 0


def _ask_for_job(job_type: SyncJobType, options: dict[str, Any]) -> SyncJob:
    return run_job_type(
        job_type,
        trigger=Trigger.CLI,
        actor=terminal_user(),
        context=options.get("context"),
        dedupe_key=options["dedupe_key"] or "",
        **{name: options[name] for name in PLAIN_OPTIONS},
        **job_columns(job_type, options),
    )


def run_here(terminal: Terminal, job: SyncJob, *, as_json: bool) -> int:
    """Run the job and its children in this process; returns the exit code."""
    progress = ProgressLine(sys.stderr)
    if progress.is_visible:
        quieten_console()
    with canceling_on_interrupt(job.pk, terminal_user()) as interrupt, showing_progress(job.pk, progress):
        run_to_the_end(job, on_wait=lambda reason: terminal.warn(f"#{job.pk} waits: {reason}"))
        ended = wait_until_done(job.pk, ProgressLine(sys.stderr), terminal.warn)
    code = tell_end(terminal, ended, as_json=as_json)
    return INTERRUPTED if interrupt.happened else code
