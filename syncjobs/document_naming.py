"""Titles and concurrency keys of document jobs. Pure."""

from __future__ import annotations

from typing import Any

LONGEST_TITLE = 300
LONGEST_KEY = 500


def document_columns(snapshot: dict[str, Any], document_type: str, document_name: str, dry_run: bool) -> dict[str, Any]:
    """The columns of a job that follow from its type and the document which it is about.

    One job of a type and document is active at a time; a dry run writes nothing, so it need not wait, and neither
    need a type whose jobs may overlap.
    """
    what = f"{document_type} {document_name}".strip()
    is_exclusive = bool(document_name) and not dry_run and snapshot["overlap"] != "allow"
    return {
        "title": (f"{snapshot['name']}: {what}" if what else snapshot["name"])[:LONGEST_TITLE],
        "concurrency_key": f"{snapshot['slug']}: {what}"[:LONGEST_KEY] if is_exclusive else "",
    }
