"""The command line of `manage.py sync`: its subcommands and what their help says."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandParser

from syncjobs.management.argument_types import parse_entry, parse_job_id, parse_limit, parse_rows, parse_text
from syncjobs.management.connector_runs import add_from_arguments
from syncjobs.management.failure_views import add_failure_actions
from syncjobs.management.part_views import add_part_actions
from syncjobs.management.reject_arguments import add_reject_actions
from syncjobs.management.run_options import (
    add_context,
    add_document_options,
    add_job_options,
    add_range,
    add_way_of_running,
)
from syncjobs.operations.previews import MOST_ROWS
from syncjobs.statuses import Status

FIRST_DAY = "2017-09-01"
"""From this day on the city's crash data is complete."""

VERBS = {
    "start": "queue pending jobs",
    "cancel": "cancel jobs; those at work end within 10 seconds",
    "pause": "pause jobs, which keep their position; those at work stop within 5 seconds",
    "resume": "queue paused jobs again; they go on from where they stopped",
    "retry": "queue failed jobs again, from their checkpoint",
    "restart": "make new jobs that do the same from the beginning; those that were not done are canceled",
    "approve": "approve the plans of dry runs, and queue jobs that were held for somebody to look at",
    "apply": "write exactly the changes of approved plans; records that have moved since are left alone, and listed",
    "revert": "bring back what records were before jobs changed them; those changed since are left alone, and listed",
    "discard": "cancel jobs that were held for somebody to look at",
    "delete": "delete jobs that are over, with their changes, logs and children",
    "retry-children": "queue the failed children of relayed jobs again",
    "cancel-children": "cancel the children of relayed jobs that are not over",
}
"""What is done to jobs, with its help."""
WITH_REASON = ("cancel", "discard", "cancel-children")
WITH_WAIT = ("start", "resume", "retry", "restart", "approve", "apply", "revert")


def add_subcommands(parser: CommandParser) -> None:
    """Add runs, lists and shows, each of VERBS, rejects, failures, cursor, record, preview and verify-state."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_runs(actions)
    add_from_arguments(_add(actions, "from", "run the enabled job types that read from a connector"))
    _add_list(_add(actions, "list", "list the newest jobs"))
    _add_job(_add(actions, "show", "show a job: what it is about, how it stands, what it changed, its status moves"))
    _add_job(_add(actions, "children", "list a relayed job's children in their order"))
    add_part_actions(actions)
    for verb, text in VERBS.items():
        _add_verb(_add(actions, verb, text), verb)
    add_reject_actions(actions)
    add_failure_actions(actions)
    _add_cursor(_add(actions, "cursor", "show how far a type's incremental streams have come, or set one back"))
    _add_record(_add(actions, "record", "show every job that changed, rejected or left alone one record"))
    _add_preview(_add(actions, "preview", "show what a type would make of the first records of its source"))
    _add_json(_add(actions, "verify-state", "prove that leases, histories and counts of all jobs agree"))


def _add(actions: argparse._SubParsersAction[CommandParser], name: str, text: str) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")


def _add_runs(actions: argparse._SubParsersAction[CommandParser]) -> None:
    run = _add(actions, "run", "run a job type")
    run.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
    add_document_options(run)
    add_context(run)
    add_range(run)
    initial = _add(actions, "initial-load", "load the city's crash data from its first complete day")
    add_range(initial, f"the first day (default: {FIRST_DAY})", "the last day")
    delta = _add(actions, "delta", "load the last days of the city's crash data")
    add_range(delta, "the first day (default: 7 days ago)", "the last day")
    for action in (run, initial, delta):
        add_job_options(action)
        add_way_of_running(action)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", dest="job_type", type=parse_text, metavar="TYPE", help="only jobs of this type")
    parser.add_argument("--status", choices=[status.value for status in Status], help="only jobs in this status")
    parser.add_argument("--parent", type=parse_job_id, metavar="JOB", help="only children of this job")
    parser.add_argument("--dry-run", action="store_true", help="only dry runs")
    parser.add_argument(
        "--limit", type=parse_limit, default=20, metavar="N", help="how many, at most 1,000 (default: 20)"
    )
    _add_json(parser)


def _add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_id", type=parse_job_id, metavar="JOB", help="the job's number")
    _add_json(parser)


def _add_verb(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("job_ids", nargs="+", type=parse_job_id, metavar="JOB", help="the numbers of one or more jobs")
    if verb in WITH_REASON:
        parser.add_argument("--reason", default="", type=parse_text, help="why; it is kept with the job")
    if verb in WITH_WAIT:
        parser.add_argument("--wait", action="store_true", help="wait until the jobs are done")
    if verb == "restart":
        parser.add_argument("--force", action="store_true", help="even where overlap is skipped, or one waits already")
    if verb == "delete":
        parser.add_argument("--yes", dest="is_agreed", action="store_true", help="do not ask first")
    _add_json(parser, "answer with one JSON object: the job; of several jobs those done, and why others were refused")


def _add_cursor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
    parser.add_argument("--stream", type=parse_text, metavar="NAME", help="only this of the type's streams")
    parser.add_argument(
        "--rewind",
        type=parse_entry,
        metavar="ENTRY",
        help="let the next run begin where this entry of the list had come, or with 'start' before everything",
    )
    parser.add_argument("--reason", default="", type=parse_text, help="why it is set back; kept in the ledger")
    parser.add_argument(
        "--limit", type=parse_limit, default=20, metavar="N", help="how many entries of each stream (default: 20)"
    )
    _add_json(parser)


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
    parser.add_argument(
        "key", type=parse_text, metavar="KEY", help='its value, or JSON for several fields: \'{"order": 7, "line": 2}\''
    )
    parser.add_argument("--stream", default="", type=parse_text, metavar="NAME", help="only this of the type's streams")
    parser.add_argument(
        "--limit", type=parse_limit, default=20, metavar="N", help="how many, at most 1,000 (default: 20)"
    )
    _add_json(parser)


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
    parser.add_argument("--stream", type=parse_text, metavar="NAME", help="which of its streams, if it has several")
    parser.add_argument(
        "--rows", type=parse_rows, default=20, metavar="N", help=f"how many records, at most {MOST_ROWS} (default: 20)"
    )
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser, text: str = "answer with one JSON object") -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help=text)
