"""`sync preview`: shows what a type would make of its source's first records. Asks the operation; writes nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncjobs.management.identities import find_type
from syncjobs.management.job_texts import shown, table_lines
from syncjobs.management.terminal import Terminal
from syncjobs.operations.previewed import PreviewedRecord, StreamPreview
from syncjobs.operations.previews import preview_stream
from syncjobs.operations.type_descriptions import describe_preview

FIELD_HEADING = ("FIELD", "TYPE", "EMPTY", "FROM")
RECORD_HEADING = ("FIELD", "BEFORE", "AFTER")


def show_preview(
    terminal: Terminal, *, job_type: str, stream: str | None, rows: int, as_json: bool, **_general: Any
) -> int:
    """Show the first records of a stream before and after its mapping."""
    found = find_type(job_type)
    preview = preview_stream(found, stream, rows)
    if as_json:
        terminal.write_json({"type": found.slug, **describe_preview(preview)})
    else:
        terminal.write("\n".join(_lines(preview)))
    return 0


def _lines(preview: StreamPreview) -> Iterator[str]:
    key = f", key {', '.join(preview.key)}" if preview.key else ", without a key"
    yield f"{preview.source} > {preview.target}{key}"
    rows = [
        (
            one.name,
            one.type,
            "may be" if one.nullable else "never",
            ", ".join(preview.made_of[one.name]) or "(constant)",
        )
        for one in preview.fields
    ]
    yield from table_lines(FIELD_HEADING, rows)
    for number, record in enumerate(preview.records, 1):
        yield from ("", *_record_lines(preview, record, number))
    yield from ("", _end_line(preview))


def _record_lines(preview: StreamPreview, record: PreviewedRecord, number: int) -> Iterator[str]:
    if record.reject:
        yield f"Record {number} would be rejected: {record.reject.message} ({record.reject.code})"
        yield from (f"  {name}: {shown(value)}" for name, value in record.before.items())
        return
    yield f"Record {number}"
    rows = [
        (field.name, _before(record, preview.made_of[field.name]), shown((record.after or {}).get(field.name)))
        for field in preview.fields
    ]
    yield from (f"  {line}" for line in table_lines(RECORD_HEADING, rows))


def _before(record: PreviewedRecord, columns: tuple[str, ...]) -> str:
    return ", ".join(shown(record.before.get(name)) for name in columns)


def _end_line(preview: StreamPreview) -> str:
    """How many fit, and how many values would be made null."""
    rejected = sum(1 for record in preview.records if record.reject)
    if not preview.records:
        return "The source has no record that this stream would read."
    nulled = "".join(f"; {_number(number, 'value')} of {name} would be null" for name, number in preview.nulled.items())
    return (
        f"{_number(len(preview.records), 'record')} read, {rejected:,} would be rejected{nulled}. Nothing was written."
    )


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
