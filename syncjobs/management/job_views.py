"""`sync list`, `show`, `children` and `verify-state`: look at jobs. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from syncjobs.clock import db_now
from syncjobs.management.child_texts import CHILD_HEADING, child_line, describe_child
from syncjobs.management.identities import find_type
from syncjobs.management.job_texts import job_lines, list_lines, rollup_text
from syncjobs.management.outcomes import find_job
from syncjobs.management.terminal import FAILED, Terminal
from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.plan_descriptions import describe_changes
from syncjobs.operations.state_checks import find_breaches

CHILDREN_AT_ONCE = 500


def list_jobs(
    terminal: Terminal,
    *,
    job_type: str | None,
    status: str | None,
    parent: int | None,
    dry_run: bool,
    limit: int,
    as_json: bool,
    **_general: Any,
) -> int:
    filters: dict[str, Any] = {"job_type": find_type(job_type)} if job_type is not None else {}
    filters |= {"status": status} if status is not None else {}
    filters |= {"parent": find_job(parent)} if parent is not None else {}
    filters |= {"dry_run": True} if dry_run else {}
    jobs = SyncJob.objects.filter(**filters)
    if as_json:
        terminal.write_json({"jobs": [describe_job(job) for job in jobs.with_plans()[:limit]]})
    else:
        terminal.write("\n".join(list_lines(jobs.for_lists()[:limit], db_now())))
    return 0


def show_job(terminal: Terminal, *, job_id: int, as_json: bool, **_general: Any) -> int:
    job = find_job(job_id)
    if as_json:
        terminal.write_json(describe_job(job) | describe_changes(job))
    else:
        terminal.write("\n".join(job_lines(job, job.events.all(), db_now())))
    return 0


def list_children(terminal: Terminal, *, job_id: int, as_json: bool, **_general: Any) -> int:
    """Written page by page, so that ten thousand children need no more memory than one page."""
    parent = find_job(job_id)
    if as_json:
        _write_children_as_json(terminal, parent)
        return 0
    heading = CHILD_HEADING
    for page in _pages_of_children(parent):
        now = db_now()
        terminal.write("\n".join([*heading, *(child_line(child, now) for child in page)]))
        heading = []
    terminal.write(rollup_text(SyncJob.objects.children_summary(parent.pk)))
    return 0


def _write_children_as_json(terminal: Terminal, parent: SyncJob) -> None:
    """One object {"parent", "summary", "children"}, each child on a line of its own."""
    summary = json.dumps(SyncJob.objects.children_summary(parent.pk))
    terminal.write(f'{{"parent": {parent.pk}, "summary": {summary}, "children": [')
    comma = ""
    for page in _pages_of_children(parent):
        terminal.write(comma + ",\n".join(json.dumps(describe_child(child)) for child in page))
        comma = ","
    terminal.write("]}")


def _pages_of_children(parent: SyncJob) -> Iterator[list[SyncJob]]:
    """In the order of their places, by ranges of places: no transaction stays open while a pager waits."""
    last = -1
    while page := list(parent.children.for_lists().filter(position__gt=last).order_by("position")[:CHILDREN_AT_ONCE]):
        yield page
        last = page[-1].position or 0


def verify_state(terminal: Terminal, *, as_json: bool, **_general: Any) -> int:
    checked, found = SyncJob.objects.count(), 0
    if as_json:
        breaches = [asdict(breach) for breach in find_breaches()]
        terminal.write_json({"jobs_checked": checked, "breaches": breaches})
        return FAILED if breaches else 0
    for breach in find_breaches():
        found += 1
        terminal.write(breach.message)
    if not found:
        terminal.write(f"The books are in order: {checked:,} jobs checked.")
    return FAILED if found else 0
