"""What a controller is to the framework, and what the framework is to a controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from connectors.surroundings import Surroundings
from syncjobs.counts import Counts
from syncjobs.lifecycle.statements import Statement
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.statuses import Phase, Status

if TYPE_CHECKING:
    from syncjobs.documents.desk import DocumentDesk


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a controller's work ended; `updates` are further columns of the job's last UPDATE.

    `counts` are set by controllers that did not keep them while they ran (by save_progress). `is_written` says that
    the end was already written by `JobHandle.end`, together with the data. `afterwards` is called once the job has
    ended; whatever it raises is logged and changes nothing.
    """

    status: Status = Status.FINISHED
    reason: str = ""
    counts: Counts | None = None
    updates: dict[str, Any] = field(default_factory=dict)
    is_written: bool = False
    also: Sequence[Statement] = ()
    afterwards: Callable[[], object] | None = None


class JobHeld(Exception):
    """Raised by a hook that wants a person to decide: nothing is written, and the job waits to be approved.

    Of an approved job `sync_job.is_approved` is true. The text says what there is to decide.
    """


class JobHandle(Protocol):
    """What a controller may ask of and tell to the job that it runs; columns of the job read as attributes, too."""

    job: SyncJob
    surroundings: Surroundings
    documents: DocumentDesk
    masked_fields: frozenset[str]
    """Names of fields whose values are never stored in the clear."""
    source_is_deleted: bool
    """Whether the source document was deleted, so that it is read from its tombstone."""

    @property
    def dry_run(self) -> bool: ...

    @property
    def operation(self) -> str:
        """insert, update or delete; empty until the target is known."""

    @property
    def source_document_name(self) -> str:
        """Known even where the document itself is gone."""

    @property
    def config(self) -> dict[str, Any]:
        """The type's config as it was when the job was made."""

    @property
    def is_approved(self) -> bool:
        """Whether this job was held, and a person approved it."""

    def get_context(self) -> dict[str, Any]:
        """A copy of the job's context."""

    def get_source_document(self) -> Any | None:
        """The source document, or its tombstone; None where there is neither, or the job has no source."""

    def get_trigger_document(self) -> Any | None:
        """The document that led to this job."""

    def get_target_document(self) -> Any | None:
        """The target document as it is now."""

    def find_document(self, document_type: str, name: str) -> Any | None:
        """Any document by type and name, e.g. ("crm.Customer", "7") or ("erp/customers", "C-7")."""

    def remember_masked(self, values: Mapping[str, Any]) -> None:
        """Black out what these hold in masked fields from every log line and failure of this attempt."""

    def end(self, outcome: Outcome) -> None:
        """Write the attempt's fenced end as the last statement of the caller's transaction, which must then commit."""

    def should_stop(self) -> bool:
        """Whether cancel, pause, shutdown or timeout was asked for; then end at the next safe place."""

    def raise_if_stopped(self) -> None:
        """Raise connectors.errors.Interrupted if so."""

    def set_phase(self, phase: Phase) -> None: ...

    def log(self, level: str, message: str, **fields: Any) -> None: ...

    def set_estimate(self, records: int) -> None:
        """About how many records there are to read."""

    def save_progress(self, **columns: Any) -> None:
        """Update our job's row, fenced; StatusConflict if it is no longer ours. The last statement of a transaction."""


class Controller(Protocol):
    """What the registry knows; the code of an app's author is behind it (controllers.code).

    It may have `masked_fields`, names of fields whose values are never stored.
    """

    name: str

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        """What is wrong with a type that uses this controller: {field: sentences}; empty if nothing is."""

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome: ...
