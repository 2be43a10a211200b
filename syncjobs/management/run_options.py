"""The options of `sync run`, `initial-load` and `delta`, and what of them goes to the operation that makes the job."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from syncjobs.controllers.targets import OPERATIONS
from syncjobs.management.argument_types import parse_context, parse_name, parse_priority
from syncjobs.management.terminal import BAD_USAGE, sentence
from syncjobs.models import SyncJobType
from syncjobs.operations.run_requests import RunRefused, check_overrides

DOCUMENT_OPTIONS = {
    "source_document_name": "--source",
    "operation": "--operation",
    "target_document_type": "--target-type",
    "target_document_name": "--target",
}
STREAM_OPTIONS = {
    "start_date": "--start-date",
    "end_date": "--end-date",
    "endpoints": "--endpoints",
    "batch_size": "--batch-size",
}
JOB_COLUMNS = (
    *DOCUMENT_OPTIONS,
    *("queue", "timeout", "retry_delay", "max_retries", "priority", "verbose_logging"),
    *("insert_enabled", "update_enabled", "delete_enabled", "update_without_changes_enabled"),
)


def add_document_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which document (types that sync documents)")
    group.add_argument(
        "--source", dest="source_document_name", type=parse_name, metavar="NAME", help="the source document's name"
    )
    group.add_argument(
        "--operation", choices=OPERATIONS, help="do this to the target, without asking the controller for targets"
    )
    group.add_argument(
        "--target-type",
        dest="target_document_type",
        type=parse_name,
        metavar="TYPE",
        help="the target document's type, as app.Model or connector/stream (default: the job type's)",
    )
    group.add_argument(
        "--target",
        dest="target_document_name",
        type=parse_name,
        metavar="NAME",
        help="the target document's name; update and delete need it",
    )


def add_context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--context", type=parse_context, metavar="JSON", help="an object that the job's controller may read"
    )


def add_range(
    parser: argparse.ArgumentParser,
    start: str = "the day or time from which to read",
    end: str = "the last day, or the time up to which to read",
) -> None:
    group = parser.add_argument_group("which records (types that sync streams)")
    group.add_argument("--start-date", metavar="DAY", help=start)
    group.add_argument("--end-date", metavar="DAY", help=end)
    group.add_argument("--endpoints", nargs="+", metavar="STREAM", help="only these of the type's streams")
    group.add_argument("--batch-size", type=int, metavar="N", help="the most records in a batch")


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """How the job works; what is left out is as the type has it."""
    group = parser.add_argument_group("how the job works (default: as its type says)")
    group.add_argument("--dry-run", action="store_true", help="find out what would change, and write nothing")
    group.add_argument(
        "--force", action="store_true", help="run even where runs that overlap are skipped, or one waits already"
    )
    _add_switch(group, "--insert", "insert_enabled", "insert documents or records that are new")
    _add_switch(group, "--update", "update_enabled", "update those that differ")
    _add_switch(group, "--delete", "delete_enabled", "delete those that are gone")
    _add_switch(group, "--update-without-changes", "update_without_changes_enabled", "save even if nothing differs")
    _add_switch(group, "--verbose-logging", "verbose_logging", "keep documents whole, before and after")
    group.add_argument("--queue", metavar="NAME", help="the queue whose workers run it")
    group.add_argument("--timeout", type=int, metavar="SECONDS", help="for one attempt; 0 means no limit")
    group.add_argument("--retry-delay", type=int, metavar="SECONDS", help="before the first retry; it doubles")
    group.add_argument("--max-retries", type=int, metavar="N", help="0 means no retry")
    group.add_argument("--priority", type=parse_priority, metavar="N", help="the higher, the earlier (default: 0)")
    group.add_argument(
        "--dedupe-key", type=parse_name, metavar="KEY", help="make no job while one of the type and this key waits"
    )


def _add_switch(group: argparse._ArgumentGroup, flag: str, column: str, text: str) -> None:
    group.add_argument(flag, dest=column, action=argparse.BooleanOptionalAction, help=text)


def add_way_of_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what this command does")
    group.add_argument("--inline", action="store_true", help="run the job in this process, without broker and worker")
    group.add_argument("--wait", action="store_true", help="wait until the job is done")
    group.add_argument(
        "--no-queue",
        dest="queue_on_insert",
        action="store_false",
        help="leave the job pending; it runs when somebody starts it",
    )
    group.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def job_columns(job_type: SyncJobType, options: dict[str, Any]) -> dict[str, Any]:
    """The columns that were given for the job; 0 and false are values. CommandError for what makes no sense."""
    _refuse_unfit(job_type, options)
    given = {name: options[name] for name in JOB_COLUMNS if options.get(name) is not None}
    targets = [DOCUMENT_OPTIONS[name] for name in ("target_document_type", "target_document_name") if name in given]
    if targets and "operation" not in given:
        raise usage_error(f"with {' and '.join(targets)} give --operation, too: what is to be done to the target")
    if given.get("operation") in ("update", "delete") and "target_document_name" not in given:
        raise usage_error(f"--operation {given['operation']} needs --target, the name of the document")
    try:
        check_overrides(given)
    except RunRefused as problem:
        raise usage_error(str(problem)) from problem
    return given


def _refuse_unfit(job_type: SyncJobType, options: dict[str, Any]) -> None:
    has_streams = "streams" in job_type.config
    unfit = DOCUMENT_OPTIONS if has_streams else STREAM_OPTIONS
    given = [flag for name, flag in unfit.items() if options.get(name) is not None]
    if given:
        what = "syncs streams" if has_streams else "has no streams"
        raise usage_error(f"type {job_type.slug} {what}, so it takes no {' and no '.join(given)}")


def usage_error(text: str) -> CommandError:
    return CommandError(sentence(text), returncode=BAD_USAGE)
