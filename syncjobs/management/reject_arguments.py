"""The command line of `sync rejects`, `sync replay` and `sync dismiss`."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandParser

from syncjobs.management.argument_types import parse_job_id, parse_limit, parse_text
from syncjobs.models import Reject

ANY_STATE = "any"


def add_reject_actions(actions: argparse._SubParsersAction[CommandParser]) -> None:
    listing = _add(actions, "rejects", "list records that did not fit, with the reason")
    listing.add_argument("--group", action="store_true", help="one line for each reason, the most frequent first")
    listing.add_argument(
        "--state",
        choices=(*Reject.State.values, ANY_STATE),
        default=Reject.State.OPEN.value,
        help="in which state (default: open)",
    )
    listing.add_argument(
        "--limit", type=parse_limit, default=20, metavar="N", help="how many, at most 1,000 (default: 20)"
    )
    replaying = _add(actions, "replay", "write the records of open rejects, by the mapping of today")
    replaying.add_argument("--inline", action="store_true", help="run the job in this process")
    replaying.add_argument("--wait", action="store_true", help="wait until the job is done")
    dismissing = _add(actions, "dismiss", "close open rejects without writing their records")
    dismissing.add_argument("--reason", required=True, type=parse_text, help="why; it is kept with the rejects")
    for parser in (listing, replaying, dismissing):
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("job_id", nargs="?", type=parse_job_id, metavar="JOB", help="of this job and its children")
        whose.add_argument("--type", dest="job_type", type=parse_text, metavar="TYPE", help="of all jobs of this type")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def _add(actions: argparse._SubParsersAction[CommandParser], name: str, text: str) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
