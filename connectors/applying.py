"""The contract of writers that make given changes, each only where its record is still as expected. No driver here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.base import Connector, RecordChange, StreamWriter, WriteRequest
from connectors.errors import ConfigError

ConflictReason = Literal["exists", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class RecordConflict:
    """A change that is not made, since the target's record is not as it expects.

    `fields` is {name: [expected, found]} of what differs; where a new record `exists` already, expected is what it was
    to be. Empty where there is nothing to compare, or several records have the key.
    """

    change: RecordChange
    reason: ConflictReason
    fields: dict[str, list[Any]]


class ChangeApplier(StreamWriter):
    """begin → stage_changes … → compare → changes, conflicts → write → commit, again and again.

    A staged change names each field that it speaks of: an insert what the new record is given, an update what is other,
    a delete what it expects of the record. A key comes once in a batch. `request.fields` are those of a table that is
    to be created. compare counts a change that the target has already as unchanged, and a conflict as skipped.
    """

    @abstractmethod
    def stage_changes(self, changes: Sequence[RecordChange]) -> None:
        """Add changes to the staged batch. DataError names one whose values the target cannot hold."""

    @abstractmethod
    def conflicts(self) -> Iterator[RecordConflict]:
        """The staged changes that write() will not make, after compare."""


@runtime_checkable
class AppliesChanges(Protocol):
    """A connector whose kind can do that."""

    def applier(self, request: WriteRequest) -> ChangeApplier:
        """A writer of changes for one stream of one job."""


def can_apply(kind: type[Connector]) -> bool:
    """Whether connectors of this class can be the target of plans and reversals."""
    return issubclass(kind, AppliesChanges)


def open_applier(target: Connector, request: WriteRequest) -> ChangeApplier:
    """A writer of changes; ConfigError where the kind can not judge its records by what is expected of them."""
    if not isinstance(target, AppliesChanges):
        raise ConfigError(
            "changes_not_possible",
            f"{request.stream}: plans and reversals are not possible with a target of kind {target.kind}",
            hint="Run the job type instead; its guards hold it where it would do too much.",
        )
    return target.applier(request)
