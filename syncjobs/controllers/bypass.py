"""Bypass mode: the author's `execute` does everything; here its answer becomes an Outcome and a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db import models, transaction

from connectors.base import Operation
from connectors.errors import InternalError
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.results import COUNTS, NOTHING_DIFFERS, UNCHANGED, sentence
from syncjobs.controllers.targets import OPERATIONS
from syncjobs.diffs import MASK, json_form
from syncjobs.documents.base import Written
from syncjobs.documents.changes import save_change
from syncjobs.statuses import Status

KEYS = {"target_doc", "operation", "diff"}


def run_bypass(code: Any, sync_job: JobHandle, source_doc: Any) -> Outcome:
    """Call `execute`; InternalError `controller_contract` for an answer that is neither a dict nor an Outcome."""
    answer = code.execute(sync_job, source_doc)
    if isinstance(answer, Outcome):
        return answer
    done = _read(answer, sync_job.masked_fields)
    is_to_be_kept = done.operation != "update" or sync_job.job.update_without_changes_enabled
    if not done.changes and not is_to_be_kept:
        return Outcome(Status.SKIPPED, NOTHING_DIFFERS, UNCHANGED, _columns(sync_job, done))
    with transaction.atomic():
        save_change(sync_job.job, _document_type(sync_job, done), done.written)
        sync_job.end(_finished(sync_job, done))
    return Outcome(is_written=True)


@dataclass(frozen=True, slots=True)
class Done:
    """What `execute` says that it did."""

    operation: Operation
    document_type: str
    name: str
    changes: dict[str, list[Any]]

    @property
    def written(self) -> Written:
        return Written(self.operation, {"name": self.name}, self.name, self.changes)


def _read(answer: Any, masked: frozenset[str]) -> Done:
    if not isinstance(answer, Mapping) or set(answer) != KEYS:
        got = f"a dict with {', '.join(map(str, answer)) or 'nothing'}" if isinstance(answer, Mapping) else type(answer)
        raise _contract(f"got {got if isinstance(got, str) else got.__name__}")
    if answer["operation"] not in OPERATIONS:
        raise _contract(f"the operation was {answer['operation']!r}")
    diff = answer["diff"] or {}
    if not isinstance(diff, Mapping) or not all(_is_pair(pair) for pair in diff.values()):
        raise _contract("its diff was not {field: [old, new]}")
    target_doc = answer["target_doc"]
    is_model = isinstance(target_doc, models.Model)
    return Done(
        operation=cast(Operation, answer["operation"]),
        document_type=target_doc._meta.label if is_model else "",
        name="" if target_doc is None else str(target_doc.pk if is_model else target_doc),
        changes={str(name): [_form(name, value, masked) for value in pair] for name, pair in diff.items()},
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _form(name: Any, value: Any, masked: frozenset[str]) -> Any:
    return MASK if name in masked and value is not None else json_form(value)


def _contract(what: str) -> InternalError:
    return InternalError(
        "controller_contract",
        f"execute must return {{target_doc, operation, diff}} or an Outcome; {what}",
        hint="target_doc is a document or its name, operation insert, update or delete, diff {field: [old, new]}.",
    )


def _document_type(sync_job: JobHandle, done: Done) -> str:
    return done.document_type or sync_job.job.target_document_type


def _columns(sync_job: JobHandle, done: Done) -> dict[str, Any]:
    return {
        "operation": done.operation,
        "target_document_type": _document_type(sync_job, done),
        "target_document_name": done.name[:255],
    }


def _finished(sync_job: JobHandle, done: Done) -> Outcome:
    reason = sentence(done.operation, _document_type(sync_job, done), done.name, dry_run=sync_job.dry_run)
    return Outcome(Status.FINISHED, reason, COUNTS[done.operation], _columns(sync_job, done))
