"""Standard mode: the framework drives the hooks of one document sync (DESIGN §5), the author's code only says how."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.base import Operation
from connectors.errors import TransientError
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.hooks import DISCOVERY, find_hook
from syncjobs.controllers.relay import relay
from syncjobs.controllers.results import COUNTS, NOTHING_DIFFERS, SWITCHED_OFF, UNCHANGED, sentence
from syncjobs.controllers.targets import Target, check_target, parse_targets
from syncjobs.counts import Counts
from syncjobs.diffs import compare_values, mask_values
from syncjobs.documents.base import DocumentStore, TargetSession, Written
from syncjobs.statuses import Phase, Status

LONG_HOOKS_SECONDS = 2.0  # inside the target's transaction; longer holds up everybody else who wants the document


def sync_document(code: Any, sync_job: JobHandle, source_doc: Any) -> Outcome:
    """Run the hooks of `code` for one source document. Raises what they raise, and the errors of connectors."""
    _call(code, "after_start", sync_job, source_doc)
    if sync_job.job.operation:
        targets = [given_target(sync_job)]
    else:
        hook = next(name for name in DISCOVERY if find_hook(code, name))
        answer = _call(code, hook, sync_job, source_doc)
        answer = list(answer) if isinstance(answer, Iterator) else answer  # a generator can be read only once
        targets = parse_targets(answer, hook, sync_job.job.target_document_type)
        if len(targets) > 1:
            read_again = partial(parse_targets, hook=hook, default_type=sync_job.job.target_document_type)
            return relay(code, sync_job, source_doc, list(answer), read_again)
    if not targets or not targets[0].document_type:
        return Outcome(Status.NO_TARGET, "the controller named no target", counts=Counts())
    return DocumentSync(code, sync_job, source_doc, targets[0]).run()


def given_target(sync_job: JobHandle) -> Target:
    """The target that the job brought along from the start."""
    job = sync_job.job
    return check_target(job.operation, job.target_document_type, job.target_document_name)


def _call(code: Any, name: str, *arguments: Any) -> Any:
    """Call the hook, where the controller has it."""
    hook = find_hook(code, name)
    return None if hook is None else hook(*arguments)


class DocumentSync:
    """One source document into one target document."""

    def __init__(self, code: Any, sync_job: JobHandle, source_doc: Any, target: Target) -> None:
        self._sync_job = sync_job
        self._target = target
        self._code = code
        self._source_doc = source_doc
        self._runs_finished = not sync_job.dry_run or bool(getattr(code, "finished_in_dry_run", False))
        self._take_target()

    def _take_target(self) -> None:
        """From here on the job reads as one with this operation and target; its end stores that."""
        job, target = self._sync_job.job, self._target
        job.operation, job.target_document_type = target.operation, target.document_type
        job.target_document_name = target.document_name
        if target.context is not None:
            job.context = target.context

    def _hook(self, name: str, target_doc: Any) -> None:
        _call(self._code, name, self._sync_job, self._source_doc, target_doc)

    def run(self) -> Outcome:
        operation = self._target.operation
        if not getattr(self._sync_job.job, f"{operation}_enabled"):
            return self._outcome(Status.SKIPPED, f"{operation}s are switched off for this job", SWITCHED_OFF)
        store = self._sync_job.documents.store(self._target.document_type)
        self._sync_job.set_phase(Phase.COMPARING)
        with store.session(self._sync_job) as session:
            began = time.monotonic()
            outcome, target_doc = self._in_session(store, session)
            self._warn_if_long(time.monotonic() - began)
        if outcome.is_written and self._runs_finished:
            return replace(outcome, afterwards=lambda: self._hook("finished", target_doc))
        return outcome

    def _in_session(self, store: DocumentStore, session: TargetSession) -> tuple[Outcome, Any]:
        operation, name = self._target.operation, self._target.document_name
        if session.settled is not None:
            target_doc = store.load(session.settled.name)
            return self._end(session, None, None), target_doc
        target_doc = session.new() if operation == "insert" else session.lock(name)
        if target_doc is None:
            return self._missing(operation, name), None
        before = None if operation == "insert" else store.values(target_doc)
        self._sync_job.remember_masked(before or {})
        self._hook("update_target_doc", target_doc)
        self._sync_job.remember_masked(store.values(target_doc))
        if not self._is_to_be_written(store, target_doc, before):
            return self._unchanged(), target_doc
        if not self._sync_job.dry_run:
            self._hook("before_sync", target_doc)
            if not self._is_to_be_written(store, target_doc, before):  # what is stored is what is saved
                return self._unchanged(), target_doc
        self._sync_job.set_phase(Phase.WRITING)
        session.write(operation, target_doc, before)
        if not self._sync_job.dry_run:
            self._hook("after_sync", target_doc)
        return self._end(session, before, None if operation == "delete" else store.values(target_doc)), target_doc

    def _is_to_be_written(self, store: DocumentStore, target_doc: Any, before: Mapping[str, Any] | None) -> bool:
        if self._target.operation != "update" or self._sync_job.job.update_without_changes_enabled:
            return True
        return bool(compare_values(before, store.values(target_doc)))

    def _missing(self, operation: Operation, name: str) -> Outcome:
        what = f"{self._target.document_type} {name}"
        if operation == "delete":
            return self._outcome(Status.NO_TARGET, f"{what} is already gone", Counts())
        raise TransientError(
            "target_not_found",
            f"{what} is to be updated, but it does not exist",
            hint="Perhaps the job that inserts it comes later: then the retry finds it. Else correct the controller.",
        )

    def _unchanged(self) -> Outcome:
        return self._outcome(Status.SKIPPED, NOTHING_DIFFERS, UNCHANGED)

    def _end(
        self, session: TargetSession, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Outcome:
        """Commit; the job's end is part of it."""

        def write_end(written: Written) -> None:
            self._sync_job.job.target_document_name = written.name
            self._sync_job.end(replace(self._finished(written, self._kept_data(before, after)), also=written.also))

        session.end(write_end)
        return Outcome(is_written=True)

    def _finished(self, written: Written, kept: dict[str, Any]) -> Outcome:
        operation, document_type = written.operation, self._target.document_type
        reason = sentence(operation, document_type, written.name, dry_run=self._sync_job.dry_run)
        return self._outcome(Status.FINISHED, reason, COUNTS[operation], **kept)

    def _kept_data(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
        if not self._sync_job.job.verbose_logging:
            return {}
        masked = self._sync_job.masked_fields
        return {
            "current_data": None if before is None else mask_values(before, masked),
            "updated_data": None if after is None else mask_values(after, masked),
        }

    def _outcome(self, status: Status, reason: str, counts: Counts, **updates: Any) -> Outcome:
        job = self._sync_job.job
        columns = ("operation", "target_document_type", "target_document_name", "context")
        return Outcome(status, reason, counts, {name: getattr(job, name) for name in columns} | updates)

    def _warn_if_long(self, seconds: float) -> None:
        if seconds > LONG_HOOKS_SECONDS:
            self._sync_job.log(
                "WARNING",
                f"The hooks held the target's transaction open for {seconds:.1f} s; "
                "what talks to other systems belongs in after_start or finished",
            )
