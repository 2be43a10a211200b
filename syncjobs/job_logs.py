"""Keeps a job's log lines in its table: the first 1,000, every warning up to a limit, and the last 1,000."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.lifecycle.statements import Statement, insertion, run_together
from syncjobs.models import JobLog

FIRST_LINES = 1_000
LAST_LINES = 1_000
MOST_WARNINGS = 5_000
LONGEST_LINE = 4_000  # characters
WARNING_LEVELS = frozenset({"WARNING", "ERROR", "FATAL", "CRITICAL"})

Line = tuple[str, str, dict[str, Any], datetime]


class JobLogBuffer:
    """Lines of one attempt, gathered here and written in few inserts. Safe from several threads."""

    def __init__(self, job_id: int, attempt: int, clock: Callable[[], datetime]) -> None:
        self._job_id = job_id
        self._attempt = attempt
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._ready: list[Line] = []
        self._handed_over: list[Line] = []
        self._last: deque[Line] = deque(maxlen=LAST_LINES)
        self._plain = self._warnings = self._suppressed = 0

    def add(self, level: str, message: str, fields: dict[str, Any]) -> None:
        """Keep a line; its texts must already be storable (syncjobs.texts)."""
        line = self._line(level, message, fields)
        with self._lock:
            if level in WARNING_LEVELS and self._warnings < MOST_WARNINGS:
                self._warnings += 1
                self._ready.append(line)
            elif self._plain < FIRST_LINES:
                self._plain += 1
                self._ready.append(line)
            else:
                self._suppressed += len(self._last) == LAST_LINES
                self._last.append(line)

    def hand_over(self, level: str, message: str) -> list[Statement]:
        """What writes the lines so far, and this last one, in the transaction that ends the attempt.

        Until `confirm_handed_over` says that it was committed, they are kept, without the last one.
        """
        with self._lock:
            self._handed_over, self._ready = [*self._handed_over, *self._ready], []
            lines = [*self._handed_over, self._line(level, message, {})]
        return [self._insertion(chunk) for chunk in in_chunks(lines)]

    def confirm_handed_over(self) -> None:
        with self._lock:
            self._handed_over = []

    def flush(self) -> None:
        """Write what is ready; lines are kept for the next time if the database refuses."""
        with self._writing:
            with self._lock:
                lines, self._ready = self._ready, []
            try:
                self._insert(lines)
            except Exception:
                with self._lock:
                    self._ready[:0] = lines
                raise

    def close(self) -> None:
        """Write everything, the last lines of a flood included."""
        with self._lock:
            self._ready, self._handed_over = [*self._handed_over, *self._ready], []
            if self._suppressed:
                note = f"… {self._suppressed} more lines suppressed"
                self._ready.append(("INFO", note, {}, self._clock()))
            self._ready.extend(self._last)
            self._last.clear()
        self.flush()

    def _insert(self, lines: list[Line]) -> None:
        for chunk in in_chunks(lines):
            run_together(self._insertion(chunk))

    def _line(self, level: str, message: str, fields: dict[str, Any]) -> Line:
        return level, message[:LONGEST_LINE], fields, self._clock()

    def _insertion(self, lines: list[Line]) -> Statement:
        return insertion(JobLog, [self._row(*line) for line in lines])

    def _row(self, level: str, message: str, fields: dict[str, Any], created_at: datetime) -> dict[str, Any]:
        about = {"job_id": self._job_id, "attempt": self._attempt}
        return about | {"level": level, "message": message, "fields": fields, "created_at": created_at}
