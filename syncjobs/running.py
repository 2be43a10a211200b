"""The handle round a job that runs here: what controllers ask of it, and what the watcher tells it."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import F

from connectors.errors import Interrupted
from connectors.surroundings import Interruption, Surroundings
from syncjobs.clock import db_now
from syncjobs.controllers.base import Outcome
from syncjobs.controllers.masking import masked_fields
from syncjobs.counts import Counts
from syncjobs.diffs import MASK, json_form
from syncjobs.documents.desk import DocumentDesk
from syncjobs.job_logs import JobLogBuffer
from syncjobs.lifecycle import StatusConflict, end_attempt
from syncjobs.models import SyncJob
from syncjobs.statuses import Phase, Status
from syncjobs.texts import storable_fields, storable_text

logger = logging.getLogger("syncjobs.jobs")
SHORTEST_MASKED = 3  # characters; blacking out shorter values would leave nothing to read


class RunningJob:
    """One attempt of one job in this process. Flags and other columns of the job read as attributes of the handle."""

    def __init__(self, job: SyncJob) -> None:
        snapshot = job.config_snapshot
        self.job = job
        self.started = time.monotonic()
        self.own_connection: Any = connections[DEFAULT_DB_ALIAS]  # of this thread; the watcher has one of its own
        self.interruption = Interruption()
        self.surroundings = Surroundings(self.interruption, self.log, self.waiting)
        self.buffer = JobLogBuffer(job.pk, job.attempt, self.now)
        self.documents = DocumentDesk(self.surroundings)
        self.masked_fields = masked_fields(snapshot.get("controller", ""), snapshot.get("config", {}))
        self._masked_texts: set[str] = set()
        self.source_is_deleted = False
        self.ended: SyncJob | None = None
        self.told = ""
        self.has_ended = False
        self._source: Any = None
        self._source_is_known = False
        self.phase = Phase.INITIALIZING
        self.total_estimate: int | None = job.total_estimate
        self.counts_before = job.tally
        self.stop_reason = ""
        self._phase_since = self.started
        self._phase_seconds: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.job, name)

    @property
    def dry_run(self) -> bool:
        return self.job.dry_run

    @property
    def is_approved(self) -> bool:
        return bool(self.job.approved_by)

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.job.config_snapshot["config"]
        return config

    # 1. what the controller asks

    def get_context(self) -> dict[str, Any]:
        return copy.deepcopy(self.job.context)

    def get_source_document(self) -> Any | None:
        if not self._source_is_known:
            name = self.job.source_document_name
            document, is_deleted = self.documents.find_source(self.job.source_document_type, name)
            if document is not None and not hasattr(
                type(document), "is_deleted"
            ):  # a field of that name is the model's
                _mark_deleted(document, is_deleted)
            if document is not None and self.masked_fields:
                self.remember_masked(self.documents.store(self.job.source_document_type).values(document))
            self._source, self.source_is_deleted, self._source_is_known = document, is_deleted, True
        return self._source

    def get_trigger_document(self) -> Any | None:
        return self.find_document(self.job.triggered_by_document_type, self.job.triggered_by_document_name)

    def get_target_document(self) -> Any | None:
        return self.find_document(self.job.target_document_type, self.job.target_document_name)

    def find_document(self, document_type: str, name: str) -> Any | None:
        return self.documents.find(document_type, name)

    # 2. what the controller tells

    def log(self, level: str, message: str, **fields: Any) -> None:
        """Write a line to the job's log (shown in the portal) and to etl.log; secrets are blacked out in both."""
        text, fields = self.without_masked(storable_text(message)), storable_fields(fields)
        self.buffer.add(level, text, fields)
        self._log_elsewhere(level, text, fields)

    def _log_elsewhere(self, level: str, text: str, fields: dict[str, Any]) -> None:
        extra: dict[str, Any] = {"sync_id": self.job.pk, "attempt": self.job.attempt}
        if "batch" in fields:
            extra["batch"] = fields["batch"]
        if others := {name: value for name, value in fields.items() if name != "batch"}:
            extra["fields"] = others  # beneath one name, so that none can clash with logging's own
        logger.log(logging.getLevelNamesMapping().get(level, logging.INFO), "%s", text, extra=extra)

    def set_phase(self, phase: Phase) -> None:
        now = time.monotonic()
        with self._lock:
            self._phase_seconds[self.phase.value] += now - self._phase_since  # type: ignore[assignment]
            self.phase, self._phase_since = phase, now

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside the block the phase is `waiting`, afterwards what it was."""
        before = self.phase
        self.set_phase(Phase.WAITING)
        try:
            yield
        finally:
            self.set_phase(before)

    def phase_seconds(self) -> dict[str, float]:
        """Seconds spent in each phase so far."""
        self.set_phase(self.phase)
        return {name: round(seconds, 3) for name, seconds in self._phase_seconds.items()}

    def set_estimate(self, records: int) -> None:
        self.total_estimate = records
        self.save_progress(total_estimate=records)

    def save_progress(self, **columns: Any) -> None:
        """Update our row if it is still ours, else raise StatusConflict."""
        mine = SyncJob.objects.filter(pk=self.job.pk, status=Status.STARTED.value, fence=self.job.fence)
        if mine.update(version=F("version") + 1, **columns) != 1:
            raise StatusConflict(SyncJob.objects.get(pk=self.job.pk), Status.STARTED)
        for name, value in columns.items():
            setattr(self.job, name, value)

    def remember_masked(self, values: Mapping[str, Any]) -> None:
        found = (str(json_form(values[name])) for name in self.masked_fields & values.keys())
        self._masked_texts.update(text for text in found if len(text) >= SHORTEST_MASKED)

    def without_masked(self, text: str) -> str:
        """The text with every value of a masked field blacked out that this attempt has met."""
        for masked in sorted(self._masked_texts, key=len, reverse=True):
            text = text.replace(masked, MASK)
        return text

    def end(self, outcome: Outcome) -> None:
        updates = outcome.updates
        if outcome.counts is not None:
            updates = updates | {"counts": outcome.counts.as_dict(), "diff_summary": outcome.counts.diff_summary()}
        reason = outcome.reason or outcome.status.label
        told = f"{outcome.status.label}: {reason}" if outcome.reason else reason
        self.told = self.without_masked(storable_text(told))
        also = [*outcome.also, *self.buffer.hand_over("INFO", self.told)]
        ending = self.ending(outcome.counts)
        self.ended = end_attempt(
            self.job, outcome.status, reason=reason, now=self.now(), also=also, **ending, **updates
        )

    def confirm_end(self) -> None:
        """The transaction that holds the end was committed, and with it the lines of the log."""
        self.buffer.confirm_handed_over()
        self._log_elsewhere("INFO", self.told, {})

    def ending(self, counts: Counts | None = None) -> dict[str, Any]:
        """What every end of an attempt notes: its seconds, and its own share of the job's counts."""
        so_far, before = (counts or self.job.tally).as_dict(), self.counts_before.as_dict()
        return {
            "took_seconds": self.elapsed_seconds,
            "phase_seconds": self.phase_seconds(),
            "attempt_counts": {name: number - before[name] for name, number in so_far.items()},
        }

    # 3. what others ask it to do

    def request_stop(self, reason: str, *, at_once: bool) -> None:
        """Ask the controller to end at its next safe place; `at_once` also ends waits and statements."""
        self.stop_reason = self.stop_reason or reason
        if at_once:
            self.interruption.request(self.stop_reason)

    def should_stop(self) -> bool:
        return bool(self.stop_reason)

    def raise_if_stopped(self) -> None:
        if self.stop_reason:
            raise Interrupted(self.stop_reason)

    @property
    def made_progress(self) -> bool:
        return self.job.tally.read > self.counts_before.read

    def now(self) -> datetime:
        """The database's time, reckoned from when it gave us the job; asks nobody."""
        claimed_at = self.job.heartbeat_at
        return db_now() if claimed_at is None else claimed_at + timedelta(seconds=self.elapsed_seconds)

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self.started


def _mark_deleted(document: Any, is_deleted: bool) -> None:
    if isinstance(document, models.Model):
        document.is_deleted = is_deleted  # type: ignore[attr-defined]
