"""How a document that was written reads in the job: its counts, and one sentence. Pure."""

from __future__ import annotations

from connectors.base import Operation
from syncjobs.counts import Counts

COUNTS: dict[Operation, Counts] = {
    "insert": Counts(read=1, inserted=1),
    "update": Counts(read=1, updated=1),
    "delete": Counts(deleted=1),
}
UNCHANGED = Counts(read=1, unchanged=1)
SWITCHED_OFF = Counts(read=1, skipped=1)
NOTHING_DIFFERS = "nothing differs"
_PAST: dict[Operation, str] = {"insert": "inserted", "update": "updated", "delete": "deleted"}


def sentence(operation: Operation, document_type: str, name: str, *, dry_run: bool) -> str:
    """E.g. "sap.SAPCustomer 7 updated", or of a dry run "sap.SAPCustomer would be inserted"."""
    words = [document_type, name, "would be" if dry_run else "", _PAST[operation]]
    return " ".join(word for word in words if word)
