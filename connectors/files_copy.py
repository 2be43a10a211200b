"""The working copy of a written file: an SQLite file that knows its records exactly, and whose file it is.

What is committed in the copy counts; the file itself is written anew from it afterwards, beside the old one and then
put in its place. A crash between the two is seen by `Marker.is_behind` and mended by the next rendering. A file that
somebody else has changed is taken into the copy before anything is compared with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connectors.errors import DataError, TransientError
from connectors.files_errors import explained
from connectors.files_importing import TargetFile, import_file
from connectors.files_lines import Stamp, digest_of, stamp_of
from connectors.files_rendering import temporary_file, write_table
from connectors.records import Field
from connectors.sql_text import quote, sql
from connectors.sqlite_catalog import find_table
from connectors.sqlite_session import Session

MARKER_TABLE = sql('main."_syncdeck_file"')
Owner = Literal["ours", "theirs", "nobody"]


@dataclass(frozen=True, slots=True)
class Marker:
    """Which state of the copy the file has. `digest` is of the file as we know it, `pending` of one on its way."""

    version: int = 0
    rendered: int = 0
    digest: str | None = None
    pending: str | None = None
    stamp: Stamp | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the file lacks something that is committed."""
        return self.version != self.rendered

    def owner(self, path: Path) -> Owner:
        """Whose content the file has now; read in full only where it looks different from outside."""
        stamp = stamp_of(path)
        if stamp is None:
            return "nobody"
        if stamp == self.stamp:
            return "ours"
        return "ours" if digest_of(path) in (self.digest, self.pending) else "theirs"


class WorkingCopy:
    """One session's view of the copy behind a file."""

    def __init__(self, session: Session, target: TargetFile) -> None:
        self.session = session
        self.target = target

    @property
    def path(self) -> Path:
        return self.target.place.path

    def create(self) -> None:
        """Make the table of the marker, unless it is there."""
        self.session.execute(
            sql(
                "CREATE TABLE IF NOT EXISTS {table} (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,"
                " rendered INTEGER NOT NULL, digest TEXT, pending TEXT, inode INTEGER, size INTEGER, mtime_ns INTEGER)",
                table=MARKER_TABLE,
            )
        )
        insertion = sql("INSERT OR IGNORE INTO {table} (one, version, rendered) VALUES (1, 0, 0)", table=MARKER_TABLE)
        self.session.execute(insertion)

    def marker(self) -> Marker:
        if not self.session.fetch(sql("SELECT 1 FROM sqlite_master WHERE name = '_syncdeck_file'")):
            return Marker()
        query = sql("SELECT version, rendered, digest, pending, inode, size, mtime_ns FROM {table}", table=MARKER_TABLE)
        for version, rendered_version, digest, pending, *stamp in self.session.fetch(query):
            return Marker(version, rendered_version, digest, pending, None if stamp[0] is None else Stamp(*stamp))
        return Marker()

    def note_change(self) -> None:
        """The transaction that is open changes what the file must hold."""
        self.session.execute(sql("UPDATE {table} SET version = version + 1", table=MARKER_TABLE))

    def _note_file(self, version: int, digest: str | None, stamp: Stamp | None) -> None:
        values = (stamp.inode, stamp.size, stamp.mtime_ns) if stamp else (None, None, None)
        query = sql(
            "UPDATE {table} SET rendered = ?, digest = ?, pending = NULL, inode = ?, size = ?, mtime_ns = ?",
            table=MARKER_TABLE,
        )
        self.session.execute(query, (version, digest, *values))

    # 1. From the file to the copy.

    def take_in(self, fields: Sequence[Field], key: tuple[str, ...]) -> bool:
        """Bring the copy in line with a file that somebody else has changed; whether that was needed.

        For use in a transaction. `fields` and `key` are those of the writing: hints for a file that is not known yet.
        """
        with explained(self.path, self.target.place.name):
            marker = self.marker()
            owner = marker.owner(self.path)
            if owner == "ours" or (owner == "nobody" and (marker.is_behind or marker.digest is None)):
                return False
            if owner == "nobody":
                self.session.execute(sql("DROP TABLE IF EXISTS {table}", table=quote(self.target.stream)))
                self._note_file(marker.version, None, None)
                return True
            self.refuse_conflict(marker)
            before = stamp_of(self.path)
            import_file(self.session, self.target, fields, key)
            digest = digest_of(self.path)
            if stamp_of(self.path) != before:
                raise busy(self.target.place.name)
            self._note_file(marker.version, digest, before)
            return True

    def refuse_conflict(self, marker: Marker) -> None:
        """Raise DataError where both the copy and the file have what the other lacks."""
        if marker.is_behind:
            raise DataError(
                "file_conflict",
                f"{self.target.place.name} was changed by somebody else before records that are already committed"
                " could be written into it",
                hint="To keep the committed records, move the file away and run again; to keep the file, remove"
                f" .syncdeck/{self.target.copy.name} and the two files beside it, and run again.",
            )

    # 2. From the copy to the file.

    def render(self) -> None:
        """Bring the file in line with the copy, if it is behind or gone; for use outside of transactions."""
        temporary = temporary_file(self.path)
        with explained(self.path, self.target.place.name):
            try:
                with self._one_moment():
                    marker = self.marker()
                    table = find_table(self.session, self.target.stream)
                    if table is None or not (marker.is_behind or stamp_of(self.path) is None):
                        return
                    digest = write_table(self.session, table, temporary, self.target.file_format, like=self.path)
                self._put_in_place(marker, temporary, digest)
            finally:
                temporary.unlink(missing_ok=True)

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        """All that is read meanwhile belongs together."""
        self.session.execute(sql("BEGIN"))
        try:
            yield
        finally:
            if not self.session.is_closed:
                self.session.connection.execute("COMMIT")  # nothing was written; also when interrupted

    def _put_in_place(self, marker: Marker, temporary: Path, digest: str) -> None:
        owner = marker.owner(self.path)
        if owner == "theirs":
            self.refuse_conflict(marker)
        stamp = stamp_of(temporary)
        if owner == "ours" and digest == marker.digest:  # the change came to nothing: keep the file's time
            stamp = stamp_of(self.path)
        else:
            self.session.execute(sql("UPDATE {table} SET pending = ?", table=MARKER_TABLE), (digest,))
            temporary.replace(self.path)
            _sync_folder(self.path.parent)
        self._note_file(marker.version, digest, stamp)


def busy(name: str) -> TransientError:
    """Somebody else is writing the file right now."""
    return TransientError(
        "file_busy", f"{name} is being changed by somebody else", hint="It is tried again by itself; see who writes it."
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
