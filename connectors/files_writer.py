"""Writes batches to a file: as to an SQLite file, its working copy, which then becomes the file."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.base import WriteRequest
from connectors.errors import Interrupted, SyncError
from connectors.files_copy import WorkingCopy, busy
from connectors.files_errors import explained
from connectors.files_importing import TargetFile
from connectors.files_rendering import one_at_a_time
from connectors.files_values import copied
from connectors.records import FieldType
from connectors.sql_tables import refuse_unusable_key
from connectors.sql_text import SQLText, sql
from connectors.sqlite_session import Mode, Session
from connectors.sqlite_writer import SQLiteWriter
from connectors.surroundings import Surroundings

OpenSession = Callable[[Path | None, Mode, str], Session]
QUICK_SECONDS = 0.2  # a file that takes no longer is written anew with every batch
PAUSE_FACTOR = 20  # a larger one gets at most one twentieth of the time, and its last state at the end
LOOKING = ("SELECT ", "SAVEPOINT ", "RELEASE ", "ROLLBACK ", "BEGIN", "COMMIT")
CHANGING = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM|(CREATE|DROP) TABLE( IF (NOT )?EXISTS)?) ")
OWN_TABLES = ("temp.", 'main."_syncdeck_', '"_syncdeck_')


class FileWriter(SQLiteWriter):
    """One stream of one job; `open_session` connects to the copy, to a copy of the copy, or to nothing (None)."""

    def __init__(
        self, request: WriteRequest, surroundings: Surroundings, target: TargetFile, open_session: OpenSession
    ) -> None:
        super().__init__(replace(request, stream=target.stream), surroundings, self._open)
        self._asked_stream = request.stream
        self._target = target
        self._connect = open_session
        self._looked_at: tempfile.TemporaryDirectory[str] | None = None  # what a dry run compares with
        self._is_changed = self._is_behind = False
        self._next_rendering = 0.0  # by the monotonic clock

    @property
    def _copy(self) -> WorkingCopy:
        return WorkingCopy(self.session, self._target)

    # 1. Sessions.

    def _open(self) -> Session:
        target, stream = self._target, self.request.stream
        if not self.request.dry_run and (self.request.create or target.place.path.exists() or target.copy.exists()):
            with explained(target.copy, target.place.name):
                target.copy.parent.mkdir(parents=True, exist_ok=True)
                target.place.path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect(target.copy, "rwc", stream)
        return self._open_to_look()

    def _open_to_look(self) -> Session:
        """What a dry run compares with: the copy if it is the file's, else one that is made for it alone."""
        target, stream = self._target, self.request.stream
        if self._looked_at is not None:
            return self._connect(Path(self._looked_at.name) / "copy.sqlite3", "ro", stream)
        if target.copy.exists():
            session = self._connect(target.copy, "ro", stream)
            with explained(target.place.path, target.place.name):
                marker = WorkingCopy(session, target).marker()
                owner = marker.owner(target.place.path)
            if owner == "ours" or (owner == "nobody" and marker.is_behind):
                return session
            session.close()
        if not target.place.path.exists():
            return self._connect(None, "ro", stream)
        self._looked_at = tempfile.TemporaryDirectory(prefix="syncdeck-", ignore_cleanup_errors=True)
        session = self._connect(Path(self._looked_at.name) / "copy.sqlite3", "rwc", stream)
        copy = WorkingCopy(session, target)
        copy.create()
        copy.take_in(self.request.fields, self.request.key)
        return session

    # 2. The steps of StreamWriter, each with what the file adds.

    def prepare(self) -> bool:
        refuse_unusable_key(self.request)
        if not self.request.dry_run:
            self._see_to_copy()
        is_empty = super().prepare()
        if not self.request.dry_run:
            self._render()  # a new target gets its file, and one that a crash has left behind its records
        return is_empty

    def _see_to_copy(self) -> None:
        self._copy.create()
        self.execute(sql("BEGIN IMMEDIATE"))
        try:
            self._copy.take_in(self.request.fields, self.request.key)
        except BaseException:
            super().end_transaction(commit=False)
            raise
        self.execute(sql("COMMIT"))

    def create_target(self) -> None:
        self.execute(sql("BEGIN IMMEDIATE"))
        if self.find_target() is None:
            super().create_target()
            self._copy.note_change()
        self.execute(sql("COMMIT"))

    def open_transaction(self) -> None:
        super().open_transaction()
        self._is_changed = False
        if not self.request.dry_run and self._copy.take_in(self.request.fields, self.request.key):
            self._merge = None  # the columns may be others

    def narrow(self, request: WriteRequest) -> None:
        super().narrow(self._as_named_here(request))

    def switch(self, request: WriteRequest) -> None:
        super().switch(self._as_named_here(request))

    def _as_named_here(self, request: WriteRequest) -> WriteRequest:
        stream = self.request.stream if request.stream == self._asked_stream else request.stream
        return replace(request, stream=stream)

    def execute(self, query: SQLText, parameters: Sequence[Any] = ()) -> int:
        written = super().execute(query, parameters)
        if written and not _leaves_records_alone(query):
            self._is_changed = True
        return written

    def end_transaction(self, *, commit: bool) -> None:
        if self.request.dry_run:
            super().end_transaction(commit=commit)
            return
        if commit and self._is_changed:
            with explained(self._target.place.path, self._target.place.name):
                if self._copy.marker().owner(self._target.place.path) == "theirs":
                    raise busy(self._target.place.name)
            self._copy.note_change()
        super().end_transaction(commit=commit)
        if commit:
            self._is_behind = True
            if time.monotonic() >= self._next_rendering:
                self._render()

    def finish(self) -> None:
        if self._is_behind:
            self._render()

    def storing(self, field_type: FieldType, *, in_key: bool) -> Callable[[Any], Any] | None:
        return copied(field_type, in_key=in_key)

    # 3. The file.

    def _render(self) -> None:
        started = time.monotonic()
        with one_at_a_time(self._target.lock, self.surroundings.interruption):
            self._copy.render()
        ended = time.monotonic()
        self._is_behind = False
        if ended - started > QUICK_SECONDS:
            self._next_rendering = ended + PAUSE_FACTOR * (ended - started)

    def leave(self) -> None:
        """Nothing more will be written: bring the file up to date as far as possible, without raising."""
        try:
            self.finish()
        except Interrupted as error:
            name = self._target.place.name
            self.warn(f"{name} lacks the last records, as the job ended early ({error.reason}); the next run adds them")
        except SyncError as error:
            self.warn(f"{error.message}; the next run brings this file up to date")
        if self._looked_at is not None:
            self._looked_at.cleanup()
            self._looked_at = None


def _leaves_records_alone(query: SQLText) -> bool:
    """Whether a statement only looks, or writes to tables of our own; in doubt the file is written once too often."""
    found = CHANGING.match(query)
    return query.startswith(OWN_TABLES, found.end()) if found else query.startswith(LOOKING)
