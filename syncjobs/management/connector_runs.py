"""`sync from CONNECTOR`: starts what reads from a connector, by the operation behind the portal's "Sync now"."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from syncjobs.management.argument_types import parse_text
from syncjobs.management.identities import find_connector, terminal_user
from syncjobs.management.terminal import NOT_FOUND, Terminal, sentence
from syncjobs.operations.connector_syncs import sync_connector, types_to_sync
from syncjobs.operations.descriptions import describe_job
from syncjobs.statuses import Trigger


def add_from_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `sync from`."""
    parser.add_argument("connector", type=parse_text, metavar="CONNECTOR", help="the connector's slug")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--types", nargs="+", type=parse_text, metavar="TYPE", help="which job types, if several read")
    which.add_argument("--all", dest="takes_all", action="store_true", help="all enabled types that read from it")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, keep what would change")
    parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def run_from(
    terminal: Terminal,
    *,
    connector: str,
    types: Sequence[str] | None,
    takes_all: bool,
    dry_run: bool,
    as_json: bool,
    **_general: Any,
) -> int:
    """Start the jobs and leave them; exit code 3 if a type was refused."""
    found = find_connector(connector)
    if takes_all:
        types = list(types_to_sync(found).values_list("slug", flat=True))
    done = sync_connector(found, types or None, trigger=Trigger.CLI, actor=terminal_user(), dry_run=dry_run)
    if as_json:
        terminal.write_json({"jobs": [describe_job(job) for job in done.jobs], "refused": done.refused})
    else:
        for job in done.jobs:
            terminal.write(f"Job #{job.pk} is queued: {job.title}")
    for slug, reason in done.refused.items():
        terminal.warn(f"{slug}: {sentence(reason)}")
    return NOT_FOUND if done.refused else 0
