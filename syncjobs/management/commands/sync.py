"""`manage.py sync`: runs, lists and stops jobs from a terminal. Asks the operations; never speaks to the broker."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseProblem
from django.utils import timezone

from connectors.errors import ConfigError
from syncjobs.clock import db_now
from syncjobs.dispatch import BROKER_DOWN
from syncjobs.lifecycle import StatusConflict
from syncjobs.management.following import (
    ProgressLine,
    canceling_on_interrupt,
    has_ended_well,
    is_done_for_good,
    look_up,
    showing_progress,
    wait_for_news,
    wait_until_done,
)
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import end_line, failure_lines, job_lines, list_lines
from syncjobs.management.sync_arguments import FIRST_DAY, add_subcommands
from syncjobs.mapping import ConfigProblems
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.inline_runs import run_to_the_end
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Status, Trigger

FULL_REFRESH = "full_refresh"
DELTA_DAYS = 7
NEWS_SECONDS = 1.0
FAILED, BAD_USAGE, NOT_FOUND, INTERRUPTED = 1, 2, 3, 130


class Command(BaseCommand):
    """Exit codes: 0 well, 1 a failed job or a breach of the books, 2 bad usage, 3 not found or conflict, 130 Ctrl-C."""

    help = "Run job types, and list, show, cancel and retry jobs."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_subcommands(parser)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            code = getattr(self, f"handle_{action.replace('-', '_')}")(**options)
        except (SyncJobType.DoesNotExist, SyncJob.DoesNotExist, StatusConflict, RunRefused) as problem:
            raise CommandError(_sentence(problem), returncode=NOT_FOUND) from problem
        except ConfigProblems as problem:
            raise CommandError("\n".join(problem.problems), returncode=BAD_USAGE) from problem
        except ConfigError as problem:
            raise CommandError(_sentence(f"{problem.message}. {problem.hint}"), returncode=FAILED) from problem
        except DatabaseProblem as problem:
            message = f"The database cannot be used: {str(problem).strip()}. Check it, and run: manage.py migrate"
            raise CommandError(message, returncode=FAILED) from problem
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code:
            sys.exit(code)

    # 1. Running

    def handle_run(self, *, job_type: str, context: dict[str, Any] | None, **options: Any) -> int:
        return self.run(find_type(job_type), context=context, **options)

    def handle_initial_load(self, *, start_date: str | None, **options: Any) -> int:
        return self.run(find_type(FULL_REFRESH), start_date=start_date or FIRST_DAY, **options)

    def handle_delta(self, *, start_date: str | None, **options: Any) -> int:
        first_day = timezone.localdate() - timedelta(days=DELTA_DAYS)
        return self.run(find_type(FULL_REFRESH), start_date=start_date or first_day.isoformat(), **options)

    def run(
        self,
        job_type: SyncJobType,
        *,
        endpoints: list[str] | None,
        start_date: str | None,
        end_date: str | None,
        batch_size: int | None,
        dry_run: bool,
        force: bool,
        inline: bool,
        wait: bool,
        as_json: bool,
        context: dict[str, Any] | None = None,
        **_general: Any,
    ) -> int:
        """Start a job and, as asked, run it here, wait for it, or leave it to the workers; returns the exit code."""
        job = run_job_type(
            job_type,
            trigger=Trigger.CLI,
            actor=terminal_user(),
            endpoints=endpoints,
            start_date=start_date,
            end_date=end_date,
            batch_size=batch_size,
            dry_run=dry_run,
            force=force,
            context=context,
        )
        if inline:
            return self.run_here(job, as_json=as_json)
        return self.wait_for(job, as_json=as_json) if wait else self.leave(job, as_json=as_json)

    def run_here(self, job: SyncJob, *, as_json: bool) -> int:
        progress = ProgressLine(sys.stderr)
        if progress.is_visible:
            quieten_console()
        with canceling_on_interrupt(job.pk, terminal_user()) as interrupt, showing_progress(job.pk, progress):
            run_to_the_end(job, on_wait=lambda reason: self.warn(f"#{job.pk} waits: {reason}"))
            ended = wait_until_done(job.pk, ProgressLine(sys.stderr))
        code = self.tell_end(ended, as_json=as_json)
        return INTERRUPTED if interrupt.happened else code

    def wait_for(self, job: SyncJob, *, as_json: bool) -> int:
        progress = ProgressLine(sys.stderr)
        try:
            return self.tell_end(wait_until_done(job.pk, progress), as_json=as_json)
        except KeyboardInterrupt:
            progress.clear()
            self.warn(f"Job #{job.pk} goes on without this command; see it with: manage.py sync show {job.pk}")
            return INTERRUPTED

    def leave(self, job: SyncJob, *, as_json: bool) -> int:
        job = wait_for_news(job.pk, NEWS_SECONDS)
        if as_json:
            self.write_json(describe_job(job))
        else:
            self.write(f"Job #{job.pk} {job.title} is {job.status}; see it with: manage.py sync show {job.pk}")
        if reason := job.wait_reason or known_outage():
            self.warn(f"Warning: job #{job.pk} waits: {reason}")
        return 0

    def tell_end(self, job: SyncJob, *, as_json: bool) -> int:
        if as_json:
            self.write_json(describe_job(job))
        else:
            self.write(end_line(job, db_now()))
        for line in failure_lines(job):
            self.warn(line)
        return 0 if has_ended_well(job) else FAILED

    # 2. Looking and deciding

    def handle_list(
        self, *, job_type: str | None, status: str | None, limit: int, as_json: bool, **_general: Any
    ) -> int:
        jobs = SyncJob.objects.select_related("job_type")
        if job_type is not None:
            jobs = jobs.filter(job_type=find_type(job_type))
        if status is not None:
            jobs = jobs.filter(status=status)
        if as_json:
            self.write_json({"jobs": [describe_job(job) for job in jobs[:limit]]})
        else:
            self.write("\n".join(list_lines(jobs[:limit], db_now())))
        return 0

    def handle_show(self, *, job_id: int, as_json: bool, **_general: Any) -> int:
        job = find_job(job_id)
        if as_json:
            self.write_json(describe_job(job))
        else:
            self.write("\n".join(job_lines(job, job.events.all(), db_now())))
        return 0

    def handle_cancel(self, *, job_id: int, reason: str, as_json: bool, **_general: Any) -> int:
        find_job(job_id)
        job = cancel_job(job_id, actor=terminal_user(), reason=reason)
        return self.tell_decision(job, "is asked to stop" if not is_done_for_good(job) else "is canceled", as_json)

    def handle_retry(self, *, job_id: int, as_json: bool, **_general: Any) -> int:
        find_job(job_id)
        return self.tell_decision(retry_job(job_id, actor=terminal_user()), "is queued again", as_json)

    def handle_verify_state(self, *, as_json: bool, **_general: Any) -> int:
        checked, found = SyncJob.objects.count(), 0
        if as_json:
            breaches = [asdict(breach) for breach in find_breaches()]
            self.write_json({"jobs_checked": checked, "breaches": breaches})
            return FAILED if breaches else 0
        for breach in find_breaches():
            found += 1
            self.write(breach.message)
        if not found:
            self.write(f"The books are in order: {checked:,} jobs checked.")
        return FAILED if found else 0

    def tell_decision(self, job: SyncJob, words: str, as_json: bool) -> int:
        if as_json:
            self.write_json(describe_job(look_up(job.pk)))
        else:
            self.write(f"Job #{job.pk} {words}.")
        return 0

    # 3. Writing

    def write_json(self, value: dict[str, Any]) -> None:
        self.write(json.dumps(value, indent=2))  # ASCII only, so it fits every locale

    def write(self, text: str) -> None:
        """Write to stdout. Where its reader has gone, as with `| head`, the rest is of no interest to anybody."""
        try:
            self.stdout.write(_printable(text, sys.stdout.encoding))
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def warn(self, text: str) -> None:
        self.stderr.write(_printable(text, sys.stderr.encoding))


def find_job(job_id: int) -> SyncJob:
    """The job. Raises SyncJob.DoesNotExist in words for a person."""
    try:
        return look_up(job_id)
    except SyncJob.DoesNotExist:
        raise SyncJob.DoesNotExist(f"There is no job #{job_id}; list the newest with: manage.py sync list") from None


def known_outage() -> str:
    """What the dispatcher says of the broker at other jobs, before it has come to the newest; empty if it is there."""
    is_away = SyncJob.objects.filter(status=Status.QUEUED.value, wait_reason=BROKER_DOWN).exists()
    return BROKER_DOWN if is_away else ""


def quieten_console() -> None:
    """Keep log lines below warnings off a terminal that shows a progress line."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setLevel(logging.WARNING)


def _sentence(problem: object) -> str:
    text = str(problem).strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _printable(text: str, encoding: str | None) -> str:
    """The text as a terminal without Unicode can show it."""
    known = encoding or "ascii"
    return text.encode(known, "backslashreplace").decode(known)
