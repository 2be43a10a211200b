"""`manage.py sync`: runs, shows and decides about jobs from a terminal. Asks the operations; never the broker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from syncjobs.management import (
    connector_runs,
    cursor_views,
    failure_views,
    job_views,
    part_views,
    preview_views,
    record_views,
    rejects,
    runs,
)
from syncjobs.management.base import PortalCommand
from syncjobs.management.job_verbs import ACTS, decide
from syncjobs.management.sync_arguments import add_subcommands
from syncjobs.management.terminal import INTERRUPTED, Terminal, telling_problems

HANDLERS: dict[str, Callable[..., int]] = {
    "run": runs.run_type,
    "initial-load": runs.run_initial_load,
    "delta": runs.run_delta,
    "from": connector_runs.run_from,
    "list": job_views.list_jobs,
    "show": job_views.show_job,
    "children": job_views.list_children,
    "logs": part_views.show_logs,
    "diff": part_views.show_diff,
    "rejects": rejects.list_rejects,
    "replay": rejects.replay,
    "dismiss": rejects.dismiss,
    "failures": failure_views.list_failures,
    "retry-failures": failure_views.retry_all,
    "cursor": cursor_views.show_cursors,
    "preview": preview_views.show_preview,
    "record": record_views.show_record,
    "verify-state": job_views.verify_state,
    **dict.fromkeys(ACTS, decide),
}
"""Each takes the terminal and the options, and returns the exit code."""


class Command(PortalCommand):
    """Exit codes: 0 well, 1 a failed job or a breach of the books, 2 bad usage, 3 not found or conflict, 130 Ctrl-C."""

    help = "Run job types, look at jobs, and decide about them: start, cancel, pause, resume, retry, and more."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_subcommands(parser)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            with telling_problems():
                code = HANDLERS[action](Terminal(self.stdout, self.stderr), action=action, **options)
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code:
            sys.exit(code)
