"""`sync record`: what jobs had to do with one record, newest first. Reads only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from connectors.records import key_text
from syncjobs.management.identities import find_type
from syncjobs.management.job_texts import moment_text, shown, table_lines
from syncjobs.management.terminal import BAD_USAGE, Terminal
from syncjobs.operations.part_descriptions import describe_sighting
from syncjobs.operations.records import RecordSearch, Sighting, read_history
from syncjobs.record_keys import UnreadableKey

HEADING = ("JOB", "STATUS", "WHEN", "DID", "KEY", "HOW")
FIELDS_TOLD = 6


def show_record(
    terminal: Terminal, *, job_type: str, key: str, stream: str, limit: int, as_json: bool, **_general: Any
) -> int:
    """List what is known of the record with this key."""
    found = find_type(job_type)
    try:
        history = read_history(RecordSearch(found, stream, key), limit=limit)
    except UnreadableKey as problem:
        raise CommandError(str(problem), returncode=BAD_USAGE) from problem
    if as_json:
        told = [describe_sighting(one) for one in history.sightings]
        terminal.write_json({"type": found.slug, "key": key, "history": told, "has_more": history.before is not None})
        return 0
    if not history.sightings:
        terminal.write(f"No job of {found.slug} is known to have changed or rejected a record with the key {key}.")
        return 0
    terminal.write("\n".join(table_lines(HEADING, [_row(one) for one in history.sightings])))
    if history.before is not None:
        terminal.write("There is more; see it with --limit.")
    return 0


def _row(one: Sighting) -> tuple[str, ...]:
    what = one.operation if one.kind == "changed" else one.kind
    if one.kind == "changed" and one.job.dry_run:
        what = f"would {what}"
    return f"#{one.job.pk}", one.job.status, moment_text(one.at), what, key_text(one.key) or "-", _how(one)


def _how(one: Sighting) -> str:
    pairs = list(one.fields.items())
    told = [f"{name}: {shown(old)} → {shown(new)}" for name, (old, new) in pairs[:FIELDS_TOLD]]
    more = [f"and {len(pairs) - FIELDS_TOLD} more"] if len(pairs) > FIELDS_TOLD else []
    return "; ".join([*([one.message] if one.message else []), *told, *more]) or "-"
