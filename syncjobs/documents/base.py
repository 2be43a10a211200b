"""What every kind of document offers: load by name, read as typed values, and be written inside one session.

A document type is `app_label.Model` or `connector-slug/stream`; a document's name is its key as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.base import Operation
from syncjobs.controllers.base import JobHandle
from syncjobs.lifecycle.statements import Statement


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the target: its key and name after saving, and {field: [old, new]} in JSON forms.

    `also` is what the transaction of the job's end is to do for it.
    """

    operation: Operation
    key: dict[str, Any]
    name: str
    changes: dict[str, list[Any]]
    also: Sequence[Statement] = ()


class TargetSession(Protocol):
    """One transaction at the target for one document. Leaving it by an error undoes whatever was done in it."""

    settled: Written | None
    """What an earlier attempt wrote for certain before it was lost; then there is nothing to do but to end."""

    def lock(self, name: str) -> Any | None:
        """The document as it is now, held until the session ends; None if there is none."""

    def new(self) -> Any:
        """An empty document, to be inserted."""

    def write(self, operation: Operation, document: Any, before: Mapping[str, Any] | None) -> Written:
        """Insert, update or delete; `before` are the values that the document had when it was locked.

        DataError where the target refuses it, naming field and constraint.
        """

    def end(self, write_end: Callable[[Written], None]) -> None:
        """Commit. `write_end` writes the job's fenced end, in the transaction that decides whether all of it counts."""


class DocumentStore(Protocol):
    """The documents of one type."""

    document_type: str

    def load(self, name: str) -> Any | None:
        """Read a document outside any transaction; None if there is none (or no longer)."""

    def name_of(self, document: Any) -> str:
        """The document's key as text: a Django primary key; for records the key, as compact JSON if it is composite."""

    def values(self, document: Any) -> dict[str, Any]:
        """Its fields as typed Python values: what is compared, and shown as a difference."""

    def session(self, sync_job: JobHandle) -> AbstractContextManager[TargetSession]:
        """Begin to write; ConfigError where documents of this type can only be read."""

    def close(self) -> None:
        """Let go of connections; may be called twice."""
