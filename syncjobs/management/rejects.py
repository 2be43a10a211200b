"""`sync rejects`, `replay` and `dismiss`: look at records that did not fit, and decide about them."""

from __future__ import annotations

from typing import Any

from connectors.records import key_text
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.outcomes import find_job, leave, tell_end, wait_for
from syncjobs.management.reject_arguments import ANY_STATE
from syncjobs.management.runs import run_here
from syncjobs.management.terminal import Terminal
from syncjobs.models import Reject
from syncjobs.operations.part_descriptions import describe_group, describe_reject
from syncjobs.operations.rejects import RejectGroup, dismiss_rejects, find_rejects, group_rejects, replay_rejects

HEADING = ("ID", "JOB", "STATE", "STREAM", "KEY", "CODE", "REASON")
GROUP_HEADING = ("NUMBER", "STREAM", "CODE", "FIELD", "LAST", "REASON")


def list_rejects(terminal: Terminal, *, group: bool, state: str, limit: int, as_json: bool, **whose: Any) -> int:
    found = find_rejects(**_whose(whose), state=None if state == ANY_STATE else state)
    total = found.count()
    if group:
        groups = group_rejects(found)[:limit]
        if as_json:
            terminal.write_json({"total": total, "groups": [describe_group(one) for one in groups]})
            return 0
        rows = [_group_row(one) for one in groups]
    else:
        newest = found.order_by("-pk")[:limit]
        if as_json:
            terminal.write_json({"total": total, "rejects": [describe_reject(one) for one in newest]})
            return 0
        rows = [_row(one) for one in newest]
    if not rows:
        terminal.write("There is no such reject.")
        return 0
    terminal.write("\n".join(table_lines(GROUP_HEADING if group else HEADING, rows)))
    if not group and total > len(rows):
        terminal.write(f"These are the newest of {total:,}; see more with --limit, or by reason with --group.")
    return 0


def replay(terminal: Terminal, *, inline: bool, wait: bool, as_json: bool, **whose: Any) -> int:
    job = replay_rejects(**_whose(whose), actor=terminal_user())
    if inline:
        return run_here(terminal, job, as_json=as_json)
    if wait:
        return tell_end(terminal, wait_for(terminal, job.pk), as_json=as_json)
    leave(terminal, job.pk, as_json=as_json)
    return 0


def dismiss(terminal: Terminal, *, reason: str, as_json: bool, **whose: Any) -> int:
    number = dismiss_rejects(**_whose(whose), actor=terminal_user(), reason=reason)
    if as_json:
        terminal.write_json({"dismissed": number})
    else:
        terminal.write(f"{number:,} {'reject is' if number == 1 else 'rejects are'} dismissed.")
    return 0


def _whose(options: dict[str, Any]) -> dict[str, Any]:
    """The job or the type that was named."""
    if options["job_id"] is not None:
        return {"job": find_job(options["job_id"])}
    return {"job_type": find_type(options["job_type"])}


def _row(reject: Reject) -> tuple[str, ...]:
    key = key_text(reject.key) or "-"
    return str(reject.pk), f"#{reject.job_id}", reject.state, reject.stream, key, reject.code, reject.message


def _group_row(group: RejectGroup) -> tuple[str, ...]:
    last = moment_text(group.last_at)
    return f"{group.number:,}", group.stream, group.code, group.field or "-", last, group.pattern
