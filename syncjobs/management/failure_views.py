"""`sync failures` and `sync retry-failures`: failed jobs by their cause, retried together. Asks operations."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from syncjobs.clock import db_now
from syncjobs.management.argument_types import parse_text
from syncjobs.management.identities import terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import NOT_FOUND, Terminal
from syncjobs.operations.failure_clusters import Cluster, cluster, clusters
from syncjobs.operations.failures import retry_failures
from syncjobs.operations.part_descriptions import describe_cluster

HEADING = ("FINGERPRINT", "JOBS", "LAST", "TYPES", "WHAT HAPPENED")
DAYS = (1, 7, 30)
MOST_CLUSTERS = 50
LIST, RETRY = "list failed jobs by their cause", "retry all jobs that failed by one cause, at most 1,000"


def add_failure_actions(actions: argparse._SubParsersAction[CommandParser]) -> None:
    listing = actions.add_parser("failures", help=LIST, description=_sentence(LIST))
    retrying = actions.add_parser("retry-failures", help=RETRY, description=_sentence(RETRY))
    retrying.add_argument("fingerprint", type=parse_text, metavar="FINGERPRINT", help="as `sync failures` shows it")
    for parser in (listing, retrying):
        parser.add_argument("--days", type=int, choices=DAYS, default=7, help="how far back (default: 7)")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def _sentence(text: str) -> str:
    return f"{text.capitalize()}."


def list_failures(terminal: Terminal, *, days: int, as_json: bool, **_general: Any) -> int:
    found = clusters(db_now(), days=days, limit=MOST_CLUSTERS)
    if as_json:
        terminal.write_json({"failures": [describe_cluster(one) for one in found]})
        return 0
    rows = [_row(one) for one in found]
    none = "No job is failed; those that were retried with success do not count."
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else none)
    return 0


def retry_all(terminal: Terminal, *, fingerprint: str, days: int, as_json: bool, **_general: Any) -> int:
    now = db_now()
    if cluster(now, fingerprint, days=days) is None:
        raise CommandError("No job is failed in this way now; see: manage.py sync failures", returncode=NOT_FOUND)
    result = retry_failures(fingerprint, since=now - timedelta(days=days), actor=terminal_user())
    if as_json:
        terminal.write_json({"retried": result.done, "refused": result.refused})
        return 0
    terminal.write(f"{len(result.done):,} {'job is' if len(result.done) == 1 else 'jobs are'} queued again.")
    for job, why in result.refused.items():
        terminal.warn(f"#{job}: {why}")
    return 0


def _row(one: Cluster) -> tuple[str, ...]:
    slugs = ", ".join(slug for slug, _, _ in one.types)
    return one.fingerprint, f"{one.number:,}", moment_text(one.last_at), slugs, one.pattern
