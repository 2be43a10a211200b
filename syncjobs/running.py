"""The handle round a job that runs here: what controllers ask of it, and what the watcher tells it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Any

from django.db.models import F

from connectors.base import Interruption, Surroundings
from connectors.errors import Interrupted
from syncjobs.job_logs import JobLogBuffer
from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob
from syncjobs.statuses import Phase, Status
from syncjobs.texts import storable_fields, storable_text

logger = logging.getLogger("syncjobs.jobs")


class RunningJob:
    """One attempt of one job in this process. Flags and other columns of the job read as attributes of the handle."""

    def __init__(self, job: SyncJob) -> None:
        self.job = job
        self.started = time.monotonic()
        self.interruption = Interruption()
        self.surroundings = Surroundings(self.interruption, self.log)
        self.buffer = JobLogBuffer(job.pk, job.attempt)
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
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.job.config_snapshot["config"]
        return config

    # 1. what the controller tells

    def log(self, level: str, message: str, **fields: Any) -> None:
        """Write a line to the job's log (shown in the portal) and to etl.log; secrets are blacked out in both."""
        text, fields = storable_text(message), storable_fields(fields)
        self.buffer.add(level, text, fields)
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

    # 2. what others ask it to do

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

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self.started
