"""The command line of `manage.py sync`: its subcommands, their options, and reading what the options hold."""

from __future__ import annotations

import argparse
import json
from typing import Any, NoReturn

from django.core.management.base import CommandParser

from syncjobs.statuses import Status

FIRST_DAY = "2017-09-01"
"""From this day on the city's crash data is complete."""


def add_subcommands(parser: CommandParser) -> None:
    """Add run, initial-load, delta, list, show, cancel, retry and verify-state."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run = actions.add_parser("run", help="run a job type")
    run.add_argument("job_type", metavar="TYPE", help="the job type's slug")
    run.add_argument(
        "--context", type=parse_context, metavar="JSON", help="an object that the job's controller may read"
    )
    _add_range(run, "the day or time from which to read", "the last day, or the time up to which to read")
    initial = actions.add_parser("initial-load", help="load the city's crash data from its first complete day")
    _add_range(initial, f"the first day (default: {FIRST_DAY})", "the last day")
    delta = actions.add_parser("delta", help="load the last days of the city's crash data")
    _add_range(delta, "the first day (default: 7 days ago)", "the last day")
    for action in (run, initial, delta):
        _add_way_of_running(action)
    _add_list(actions.add_parser("list", help="list the newest jobs"))
    _add_job(actions.add_parser("show", help="show a job with its status moves"))
    cancel = actions.add_parser("cancel", help="cancel a job; one at work ends within 10 seconds")
    cancel.add_argument("--reason", default="", help="kept with the job")
    _add_job(cancel)
    _add_job(actions.add_parser("retry", help="queue a failed job again, from its checkpoint"))
    _add_json(actions.add_parser("verify-state", help="prove that leases, histories and counts of all jobs agree"))


def _add_range(parser: argparse.ArgumentParser, start: str, end: str) -> None:
    parser.add_argument("--start-date", metavar="DAY", help=start)
    parser.add_argument("--end-date", metavar="DAY", help=end)
    parser.add_argument("--endpoints", nargs="+", metavar="STREAM", help="only these of the type's streams")
    parser.add_argument("--batch-size", type=int, metavar="N", help="the most records in a batch")


def _add_way_of_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="find out what would change, and write nothing")
    parser.add_argument("--force", action="store_true", help="run even where the type skips runs that overlap")
    parser.add_argument("--inline", action="store_true", help="run in this process, without broker and worker")
    parser.add_argument("--wait", action="store_true", help="wait until the job is done")
    _add_json(parser)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", dest="job_type", metavar="TYPE", help="only jobs of this type")
    parser.add_argument("--status", choices=[status.value for status in Status], help="only jobs in this status")
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="how many, at most 1,000 (default: 20)")
    _add_json(parser)


def _add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_id", type=int, metavar="ID", help="the job's number")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number from 1 to 1,000")
    return int(text)


def parse_context(text: str) -> dict[str, Any]:
    """The JSON object of `--context`. Raises ArgumentTypeError for anything that the database could not keep."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError('it must be a JSON object such as {"name": "value"}')
    try:
        storable = json.dumps(value, ensure_ascii=False)
        storable.encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise argparse.ArgumentTypeError("it holds half a character (a lone surrogate)") from error
    if "\\u0000" in storable:
        raise argparse.ArgumentTypeError("it holds a NUL character, which cannot be stored")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return found
